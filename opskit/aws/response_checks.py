"""Checks that a response of AWS's holds what a decision may rest on.

botocore parses an empty body, a proxy's page or half a response as a response without members. A listing read that way
shows nothing in use, a quota no applied value, a resource no status, and each is a wrong "yes". So right after
botocore's parser every response is compared with two tables: the members an operation always returns, and those it may
omit. A response that lacks something is a failure of the call, like a broken connection. What its values are is checked
in ``response_values``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

REQUIRED_MEMBERS: Mapping[str, tuple[str, ...]] = {
    "account:ListRegions": ("Regions",),
    "application-autoscaling:DescribeScalableTargets": ("ScalableTargets",),
    "application-autoscaling:DescribeScalingPolicies": ("ScalingPolicies",),
    "application-autoscaling:DescribeScheduledActions": ("ScheduledActions",),
    "application-autoscaling:PutScalingPolicy": ("PolicyARN",),
    "application-autoscaling:RegisterScalableTarget": ("ScalableTargetARN",),
    "cloudtrail:LookupEvents": ("Events",),
    "cloudwatch:GetMetricData": ("MetricDataResults",),
    "dynamodb:BatchWriteItem": ("UnprocessedItems",),
    "dynamodb:DeleteItem": ("ConsumedCapacity",),
    "dynamodb:DescribeTable": ("Table",),
    "dynamodb:PutItem": ("ConsumedCapacity",),
    "dynamodb:Query": ("Items", "Count", "ScannedCount"),
    "dynamodb:Scan": ("Items", "Count", "ScannedCount"),
    "dynamodb:TransactWriteItems": ("ConsumedCapacity",),
    "dynamodb:UpdateItem": ("Attributes", "ConsumedCapacity"),
    "ec2:DescribeRegions": ("Regions",),
    "iam:CreateRole": ("Role",),
    "iam:GetRole": ("Role",),
    "iam:GetRolePolicy": ("PolicyDocument",),
    "iam:ListRoles": ("Roles", "IsTruncated"),
    "iam:SimulatePrincipalPolicy": ("EvaluationResults", "IsTruncated"),
    "logs:DescribeLogStreams": ("logStreams",),
    "logs:GetLogEvents": ("events", "nextBackwardToken", "nextForwardToken"),
    "organizations:ListAccounts": ("Accounts",),
    "organizations:ListAccountsForParent": ("Accounts",),
    "organizations:ListOrganizationalUnitsForParent": ("OrganizationalUnits",),
    "organizations:ListRoots": ("Roots",),
    "pricing:GetProducts": ("PriceList",),
    "s3:CreateBucket": ("Location",),
    "resourcegroupstaggingapi:GetResources": ("ResourceTagMappingList",),
    "s3:GetObject": ("ETag",),
    "s3:HeadBucket": ("BucketRegion",),
    "s3:HeadObject": ("ETag",),
    "s3:ListObjectsV2": ("IsTruncated",),
    "s3:PutObject": ("ETag",),
    "sagemaker-runtime:InvokeEndpoint": ("Body",),
    "sagemaker:AddTags": ("Tags",),
    "sagemaker:CreateEndpoint": ("EndpointArn",),
    "sagemaker:CreateEndpointConfig": ("EndpointConfigArn",),
    "sagemaker:CreateModel": ("ModelArn",),
    "sagemaker:CreateNotebookInstance": ("NotebookInstanceArn",),
    "sagemaker:CreatePresignedNotebookInstanceUrl": ("AuthorizedUrl",),
    "sagemaker:CreateTrainingJob": ("TrainingJobArn",),
    "sagemaker:CreateTransformJob": ("TransformJobArn",),
    "sagemaker:DescribeApp": ("AppType", "Status"),
    "sagemaker:DescribeAutoMLJobV2": ("AutoMLJobStatus",),
    "sagemaker:DescribeCluster": ("ClusterStatus",),
    "sagemaker:DescribeEndpoint": ("EndpointStatus",),
    "sagemaker:DescribeEndpointConfig": ("ProductionVariants",),
    "sagemaker:DescribeHyperParameterTuningJob": ("HyperParameterTuningJobStatus",),
    "sagemaker:DescribeInferenceComponent": ("InferenceComponentStatus",),
    "sagemaker:DescribeInferenceExperiment": ("EndpointMetadata",),
    "sagemaker:DescribeLabelingJob": ("LabelingJobStatus",),
    "sagemaker:DescribeModel": ("ModelArn",),
    "sagemaker:DescribeNotebookInstance": ("NotebookInstanceArn", "NotebookInstanceStatus"),
    "sagemaker:DescribePipeline": ("PipelineArn",),
    "sagemaker:DescribeProcessingJob": ("ProcessingJobStatus",),
    "sagemaker:DescribeSpace": ("SpaceName",),
    "sagemaker:DescribeTrainingJob": ("TrainingJobName", "TrainingJobStatus"),
    "sagemaker:DescribeTransformJob": ("TransformJobStatus",),
    "sagemaker:DescribeUserProfile": ("UserProfileName",),
    "sagemaker:GetEndpointPolicy": ("ResourcePolicy",),
    "sagemaker:ListApps": ("Apps",),
    "sagemaker:ListAutoMLJobs": ("AutoMLJobSummaries",),
    "sagemaker:ListClusters": ("ClusterSummaries",),
    "sagemaker:ListEndpointConfigs": ("EndpointConfigs",),
    "sagemaker:ListEndpoints": ("Endpoints",),
    "sagemaker:ListHyperParameterTuningJobs": ("HyperParameterTuningJobSummaries",),
    "sagemaker:ListInferenceComponents": ("InferenceComponents",),
    "sagemaker:ListInferenceExperiments": ("InferenceExperiments",),
    "sagemaker:ListLabelingJobs": ("LabelingJobSummaryList",),
    "sagemaker:ListMlflowApps": ("Summaries",),
    "sagemaker:ListMlflowTrackingServers": ("TrackingServerSummaries",),
    "sagemaker:ListModels": ("Models",),
    "sagemaker:ListMonitoringSchedules": ("MonitoringScheduleSummaries",),
    "sagemaker:ListNotebookInstances": ("NotebookInstances",),
    "sagemaker:ListPartnerApps": ("Summaries",),
    "sagemaker:ListProcessingJobs": ("ProcessingJobSummaries",),
    "sagemaker:ListSpaces": ("Spaces",),
    "sagemaker:ListTags": ("Tags",),
    "sagemaker:ListTrainingJobs": ("TrainingJobSummaries",),
    "sagemaker:ListTrainingPlans": ("TrainingPlanSummaries",),
    "sagemaker:ListTransformJobs": ("TransformJobSummaries",),
    "sagemaker:Search": ("Results",),
    "sagemaker:UpdateEndpointWeightsAndCapacities": ("EndpointArn",),
    "service-quotas:GetAWSDefaultServiceQuota": ("Quota",),
    "service-quotas:GetQuotaUtilizationReport": ("Status",),
    "service-quotas:GetServiceQuota": ("Quota",),
    "service-quotas:ListAWSDefaultServiceQuotas": ("Quotas",),
    "service-quotas:ListRequestedServiceQuotaChangeHistory": ("RequestedQuotas",),
    "service-quotas:ListRequestedServiceQuotaChangeHistoryByQuota": ("RequestedQuotas",),
    "service-quotas:ListServiceQuotas": ("Quotas",),
    "service-quotas:RequestServiceQuotaIncrease": ("RequestedQuota",),
    "service-quotas:StartQuotaUtilizationReport": ("ReportId",),
    "sns:Publish": ("MessageId",),
    "sts:AssumeRole": ("Credentials",),
    "sts:GetCallerIdentity": ("Account", "Arn"),
    "support:CreateCase": ("caseId",),
    "support:DescribeCases": ("cases",),
    "support:DescribeServices": ("services",),
}
"""Members without which a response cannot be used, by service and operation. This is not botocore's ``required``: AWS
omits some of those (ModelArtifacts of a running training job), and always returns many that are not required (Quotas).
Recorded responses contain empty lists as ``[]``: 37 responses of ListTags, ListTrainingJobs, ListEndpointConfigs,
ListServiceQuotas and DescribeLogStreams in Cloud Custodian's test data.
"""


@dataclass(frozen=True)
class OptionalMembers:
    """Members that an operation omits when they are empty, and the source for that."""

    members: tuple[str, ...]
    source: str


LEFT_OUT_WHEN_EMPTY: Mapping[str, OptionalMembers] = {
    "s3:DeleteObjects": OptionalMembers(
        ("Deleted", "Errors"),
        "S3 API Reference, DeleteObjects: in quiet mode the response has only the keys whose deletion failed",
    ),
    "s3:ListObjectsV2": OptionalMembers(
        ("Contents", "CommonPrefixes"),
        "S3 API Reference, ListObjectsV2: an element for each object; a flattened list of none is no element",
    ),
    "service-quotas:GetQuotaUtilizationReport": OptionalMembers(
        ("Quotas",), "Service Quotas API Reference: the quotas come when Status is COMPLETED"
    ),
}
"""The only lists whose absence means that they are empty."""

_ROOT = re.compile(rb"<([A-Za-z][\w.-]*)")
_OUTSIDE_THE_BODY = ("header", "headers", "statusCode")


class UnreadableResponse(Exception):
    """A response with a success status that cannot be used; ``why`` continues "answered …". ``is_foreign``: it is not
    in the service's protocol, and so perhaps not from AWS.
    """

    def __init__(self, operation_name: str, why: str, *, is_foreign: bool = False) -> None:
        super().__init__(f"{operation_name} answered {why}")
        self.operation_name = operation_name
        self.why = why
        self.is_foreign = is_foreign


def check_response_body(http_response: Any, parsed: Mapping[str, Any], model: Any, **_: Any) -> None:
    """Refuse a body that is not in the operation's protocol, and a member that botocore parsed as an empty list but
    that is something else in the body (``{}``, a string). A stream is not checked, since reading it would use it up.

    Raises:
        UnreadableResponse: the body is one of these.
    """
    if http_response.status_code >= 300 or model.has_streaming_output:
        return
    content = http_response.content.strip()
    if not _is_in_protocol(content, model):
        why = "with a body that is not valid for this AWS service" if content else "with an empty body"
        raise UnreadableResponse(model.name, why, is_foreign=bool(content))
    members = model.output_shape.members if model.output_shape else {}
    empty = [name for name, shape in members.items() if shape.type_name == "list" and parsed.get(name) == []]
    if empty and "json" in model.service_model.resolved_protocol:
        body = json.loads(content)
        sent = {name: body.get(members[name].serialization.get("name", name)) for name in empty}
        if misread := [name for name in empty if not isinstance(sent[name], list)]:
            raise UnreadableResponse(model.name, f"without a list of {' and '.join(misread)}")


def check_response_members(http_response: Any, parsed: Mapping[str, Any], model: Any, **_: Any) -> None:
    """Refuse a response that lacks a required member; of an operation in neither table, one without any member.

    Raises:
        UnreadableResponse: a member is missing.
    """
    members = model.output_shape.members if model.output_shape else {}
    if http_response.status_code >= 300 or not members:
        return
    name = f"{model.service_model.service_name}:{model.name}"
    missing = [member for member in REQUIRED_MEMBERS.get(name, ()) if parsed.get(member) in (None, "")]
    if missing:
        raise UnreadableResponse(model.name, f"without {' and '.join(missing)}")
    if name not in REQUIRED_MEMBERS and name not in LEFT_OUT_WHEN_EMPTY and not members.keys() & parsed.keys():
        raise UnreadableResponse(model.name, "without anything that was asked for")


def _is_in_protocol(content: bytes, model: Any) -> bool:
    """Whether a body is what the operation's protocol makes: a JSON object, or the right root element. Of a protocol
    that is not named here only the members are checked.
    """
    match model.service_model.resolved_protocol:
        case "json" | "rest-json":
            # An empty body is accepted for operations without required members, which are checked next.
            return not content or (content.startswith(b"{") and content.endswith(b"}"))
        case "query" | "ec2":
            root = _ROOT.search(content)
            return root is not None and root[1].decode() == f"{model.name}Response"
        case "rest-xml":
            members = model.output_shape.members if model.output_shape else {}
            # If all members come in headers, any body is accepted: it is not used.
            if all(shape.serialization.get("location") in _OUTSIDE_THE_BODY for shape in members.values()):
                return True
            root = _ROOT.search(content)
            return root is not None and root[1].endswith(b"Result")
        case _:
            return True

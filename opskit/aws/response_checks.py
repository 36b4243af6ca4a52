"""What an answer of AWS's must hold before anything may be concluded from it.

botocore takes an empty body, a proxy's page and half an answer for an answer without members. A listing read so shows
nothing in use, a quota no applied value, a resource no status: each a wrong yes. So every answer is held against two
tables here, right behind botocore's parser and for all of its protocols: what an operation always tells, and what it
is known to leave out. An answer that lacks something is a failure of the call, like a broken connection.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

REQUIRED_MEMBERS: Mapping[str, tuple[str, ...]] = {
    "account:ListRegions": ("Regions",),
    "cloudwatch:GetMetricData": ("MetricDataResults",),
    "ec2:DescribeRegions": ("Regions",),
    "iam:CreateRole": ("Role",),
    "iam:GetRole": ("Role",),
    "iam:GetRolePolicy": ("PolicyDocument",),
    "iam:ListRoles": ("Roles", "IsTruncated"),
    "iam:SimulatePrincipalPolicy": ("EvaluationResults", "IsTruncated"),
    "logs:DescribeLogStreams": ("logStreams",),
    "logs:GetLogEvents": ("events", "nextBackwardToken", "nextForwardToken"),
    "pricing:GetProducts": ("PriceList",),
    "s3:CreateBucket": ("Location",),
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
    "sagemaker:DescribeCluster": ("ClusterStatus",),
    "sagemaker:DescribeEndpoint": ("EndpointStatus",),
    "sagemaker:DescribeEndpointConfig": ("ProductionVariants",),
    "sagemaker:DescribeModel": ("ModelArn",),
    "sagemaker:DescribeNotebookInstance": ("NotebookInstanceArn", "NotebookInstanceStatus"),
    "sagemaker:DescribeProcessingJob": ("ProcessingJobStatus",),
    "sagemaker:DescribeTrainingJob": ("TrainingJobName", "TrainingJobStatus"),
    "sagemaker:DescribeTransformJob": ("TransformJobStatus",),
    "sagemaker:ListApps": ("Apps",),
    "sagemaker:ListClusters": ("ClusterSummaries",),
    "sagemaker:ListEndpointConfigs": ("EndpointConfigs",),
    "sagemaker:ListEndpoints": ("Endpoints",),
    "sagemaker:ListModels": ("Models",),
    "sagemaker:ListNotebookInstances": ("NotebookInstances",),
    "sagemaker:ListProcessingJobs": ("ProcessingJobSummaries",),
    "sagemaker:ListTags": ("Tags",),
    "sagemaker:ListTrainingJobs": ("TrainingJobSummaries",),
    "sagemaker:ListTransformJobs": ("TransformJobSummaries",),
    "sagemaker:Search": ("Results",),
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
    "sts:GetCallerIdentity": ("Account", "Arn"),
    "support:CreateCase": ("caseId",),
    "support:DescribeCases": ("cases",),
    "support:DescribeServices": ("services",),
}
"""Members that an answer cannot be read without, by service and operation. Not botocore's ``required``: AWS does leave
out some of those (ModelArtifacts of a training job that runs), and always tells many that are none (Quotas). Recorded
answers of AWS's tell empty lists as ``[]``: 37 of ListTags, ListTrainingJobs, ListEndpointConfigs, ListServiceQuotas
and DescribeLogStreams among the test data of Cloud Custodian.
"""


@dataclass(frozen=True)
class OptionalMembers:
    """Members that an operation does not tell when they are empty, and how that is known."""

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
"""The only lists whose absence means that there is nothing."""

_ROOT = re.compile(rb"<([A-Za-z][\w.-]*)")
_OUTSIDE_THE_BODY = ("header", "headers", "statusCode")


class UnreadableResponse(Exception):
    """An answer that says success and is none; ``why`` goes on after "it answered". ``is_foreign``: it is not even in
    AWS's language, and so perhaps not AWS's.
    """

    def __init__(self, operation_name: str, why: str, *, is_foreign: bool = False) -> None:
        super().__init__(f"{operation_name} answered {why}")
        self.operation_name = operation_name
        self.why = why
        self.is_foreign = is_foreign


def check_response_body(http_response: Any, parsed: Mapping[str, Any], model: Any, **_: Any) -> None:
    """Refuse a body in another language than the operation's, and what botocore has made an empty list of and is none
    (``{}``, a word). A stream is not looked at, which would use it up.

    Raises:
        UnreadableResponse: it is one of these.
    """
    if http_response.status_code >= 300 or model.has_streaming_output:
        return
    content = http_response.content.strip()
    speaks = _LANGUAGES.get(model.service_model.resolved_protocol)
    if speaks and not speaks(content, model):
        why = "what is not AWS's language" if content else "with an empty body"
        raise UnreadableResponse(model.name, why, is_foreign=bool(content))
    wrong = _misread_lists(content, parsed, model)
    if wrong:
        raise UnreadableResponse(model.name, f"without a list of {' and '.join(wrong)}")


def check_response_members(http_response: Any, parsed: Mapping[str, Any], model: Any, **_: Any) -> None:
    """Refuse an answer that lacks what the operation always tells; of an operation that neither table knows, one that
    tells nothing at all.

    Raises:
        UnreadableResponse: it does.
    """
    members = model.output_shape.members if model.output_shape else {}
    if http_response.status_code >= 300 or not members:
        return
    name = f"{model.service_model.service_name}:{model.name}"
    lacking = [member for member in REQUIRED_MEMBERS.get(name, ()) if parsed.get(member) in (None, "")]
    if lacking:
        raise UnreadableResponse(model.name, f"without {' and '.join(lacking)}")
    if name not in REQUIRED_MEMBERS and name not in LEFT_OUT_WHEN_EMPTY and not members.keys() & parsed.keys():
        raise UnreadableResponse(model.name, "without anything that was asked for")


def _misread_lists(content: bytes, parsed: Mapping[str, Any], model: Any) -> list[str]:
    """The members that are empty lists by botocore's account and something else by the body's."""
    members = model.output_shape.members if model.output_shape else {}
    empty = [name for name, shape in members.items() if shape.type_name == "list" and parsed.get(name) == []]
    if not empty or "json" not in model.service_model.resolved_protocol:
        return []
    told = json.loads(content)
    return [name for name in empty if not isinstance(told.get(members[name].serialization.get("name", name)), list)]


def _is_json_body(content: bytes, model: Any) -> bool:
    """An object; or nothing, which is an answer where the operation has nothing to tell: its members are checked."""
    return not content or (content.startswith(b"{") and content.endswith(b"}"))


def _is_query_body(content: bytes, model: Any) -> bool:
    return _root_element(content) == f"{model.name}Response"


def _is_rest_xml_body(content: bytes, model: Any) -> bool:
    """A result where something of it comes in the body; headers may come with a body that nobody looks at."""
    members = model.output_shape.members if model.output_shape else {}
    if all(shape.serialization.get("location") in _OUTSIDE_THE_BODY for shape in members.values()):
        return True
    return _root_element(content).endswith("Result")


def _root_element(content: bytes) -> str:
    found = _ROOT.search(content)
    return found[1].decode() if found else ""


# How a body of each of botocore's protocols is known; of one that is not here only the members are checked.
_LANGUAGES = {
    "json": _is_json_body,
    "rest-json": _is_json_body,
    "query": _is_query_body,
    "ec2": _is_query_body,
    "rest-xml": _is_rest_xml_body,
}

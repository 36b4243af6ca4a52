"""Every operation that opskit, the SageMaker SDK or a person's AWS CLI calls is answered as botocore's model has it.

The clients of these tests read strictly (``strict_client.py``): one member too many, too few or empty fails them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.billed_steps import use_service_records, use_spaces_and_apps
from tests.sandbox.conftest import ANSWERED, Lab
from tests.waiting import wait_until

UNANSWERED = {
    *(
        ("support", name)
        for name in (
            *("AddAttachmentsToSet", "CompleteAttachmentUpload", "DescribeAttachment", "DescribeCreateCaseOptions"),
            *("DescribeAttachmentUploadStatus", "DescribeSupportedLanguages", "GetAttachmentDownloadLink"),
            *("GetAttachmentUploadLinks", "RefreshTrustedAdvisorCheck", "DescribeTrustedAdvisorChecks"),
            *("DescribeTrustedAdvisorCheckRefreshStatuses", "DescribeTrustedAdvisorCheckResult"),
            *("DescribeTrustedAdvisorCheckSummaries",),
        )
    ),
    *(
        ("organizations", name)
        for name in ("ListAccounts", "ListAccountsForParent", "ListOrganizationalUnitsForParent", "ListRoots")
    ),
}
"""Owned operations that have only a refusal: what they would tell of, the sandbox has not."""

Step = tuple[str, dict[str, Any]]


def quota_steps() -> Iterator[Step]:
    one = {"ServiceCode": "sagemaker", "QuotaCode": "L-A373146E"}
    yield "list_services", {}
    yield "list_service_quotas", one
    yield "list_aws_default_service_quotas", {"ServiceCode": "sagemaker"}
    yield "get_service_quota", one
    yield "get_aws_default_service_quota", one
    yield "list_requested_service_quota_change_history", {}
    yield "list_requested_service_quota_change_history_by_quota", one


def reads_of_sagemaker() -> Iterator[Step]:
    for listed in ("apps", "clusters", "training_jobs", "processing_jobs", "transform_jobs", "notebook_instances"):
        yield f"list_{listed}", {"MaxResults": 100}
    for listed in ("models", "endpoints", "endpoint_configs", "code_repositories", "pipelines", "domains"):
        yield f"list_{listed}", {}
    yield "search", {"Resource": "TrainingJob"}
    yield "search", {"Resource": "Experiment"}


def of_others(lab: Lab) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """What opskit and the SDK ask of services that are moto's, and what people ask beside."""
    role = lab.role.rpartition("/")[2]
    trust = {"Version": "2012-10-17", "Statement": []}
    s3 = {"Bucket": lab.bucket}
    yield "sts", "get_caller_identity", {}
    yield "sts", "assume_role", {"RoleArn": "arn:aws:iam::210987654321:role/r", "RoleSessionName": "session"}
    yield "iam", "list_roles", {}
    yield "iam", "get_role", {"RoleName": role}
    yield "iam", "list_attached_role_policies", {"RoleName": role}
    yield "iam", "simulate_principal_policy", {"PolicySourceArn": lab.role, "ActionNames": ["s3:GetObject"]}
    yield "iam", "create_role", {"RoleName": lab.name("r"), "AssumeRolePolicyDocument": json.dumps(trust)}
    yield "ec2", "describe_regions", {"AllRegions": False}
    yield "account", "list_regions", {"MaxResults": 50}
    yield "account", "get_region_opt_status", {"RegionName": "us-east-1"}
    yield "pricing", "describe_services", {"ServiceCode": "AmazonSageMaker"}
    yield "pricing", "get_attribute_values", {"ServiceCode": "AmazonSageMaker", "AttributeName": "instanceName"}
    yield "pricing", "get_products", {"ServiceCode": "AmazonSageMaker"}
    yield "s3", "head_bucket", s3
    yield "s3", "put_object", {**s3, "Key": "gone", "Body": b"1"}
    yield "s3", "head_object", {**s3, "Key": "gone"}
    yield "s3", "get_object", {**s3, "Key": "gone"}
    yield "s3", "list_objects_v2", s3
    yield "s3", "delete_objects", {**s3, "Delete": {"Objects": [{"Key": "gone"}], "Quiet": True}}
    yield "s3", "list_buckets", {}
    yield "resourcegroupstaggingapi", "get_resources", {"ResourceTypeFilters": ["sagemaker"]}
    yield "logs", "describe_log_groups", {}
    yield "cloudwatch", "list_metrics", {}
    yield "cloudwatch", "get_metric_data", {"MetricDataQueries": [_usage_query()], "StartTime": 0, "EndTime": 10}
    yield "sns", "create_topic", {"Name": "idle"}
    yield "sns", "list_topics", {}
    topic = {"TopicArn": "arn:aws:sns:us-east-1:123456789012:idle"}
    yield "sns", "subscribe", {**topic, "Protocol": "email", "Endpoint": "me@example.com"}
    yield "sns", "publish", {**topic, "Message": "stopped", "Subject": "opskit"}


def _usage_query() -> dict[str, Any]:
    metric = {"Namespace": "AWS/Usage", "MetricName": "ResourceCount", "Dimensions": []}
    return {"Id": "a", "MetricStat": {"Metric": metric, "Period": 3600, "Stat": "Maximum"}}


def answered_steps(client: Any, steps: Iterator[Step]) -> None:
    for operation, params in steps:
        getattr(client, operation)(**params)


@pytest.fixture
def far_account(lab_account: Lab) -> Any:
    return lab_account.elsewhere(
        "ap-south-1", {"ml.t2.medium for notebook instance usage": 2, "ml.m4.xlarge for processing job usage": 2}
    )


def read_steps(lab: Lab, full: Any) -> None:
    """Of an account where much runs, and of one with a bucket, a role and data."""
    answered_steps(full.client("sagemaker"), reads_of_sagemaker())
    answered_steps(full.client("service-quotas"), quota_steps())
    for service, operation, params in of_others(lab):
        getattr(lab.client(service), operation)(**params)


def a_request_for_more_and_its_case(asking: Any, until: Any) -> None:
    client, desk = asking.client("service-quotas"), asking.client("support")
    filed = client.request_service_quota_increase(ServiceCode="sagemaker", QuotaCode="L-A373146E", DesiredValue=2)
    request = {"RequestId": filed["RequestedQuota"]["Id"]}
    client.create_support_case(**request)
    number = client.get_requested_service_quota_change(**request)["RequestedQuota"]["CaseId"]
    report = client.start_quota_utilization_report()["ReportId"]
    until(partial(client.get_quota_utilization_report, ReportId=report), lambda told: told["Status"] == "COMPLETED")
    (case,) = desk.describe_cases(displayId=number)["cases"]
    case_id = {"caseId": case["caseId"]}
    desk.describe_services()
    desk.describe_severity_levels(language="en")
    desk.add_communication_to_case(**case_id, communicationBody="please")
    desk.describe_communications(**case_id)
    desk.resolve_case(**case_id)
    code = "service-limit-increase"
    case = {"serviceCode": code, "issueType": code, "categoryCode": "service-code-sagemaker-endpoints"}
    desk.create_case(subject="more", communicationBody="more", **case)


def job_steps(lab: Lab, model: str, far: Any) -> None:
    sagemaker = lab.sagemaker
    job = lab.create("answers", {"num_round": "100000"})
    sagemaker.update_training_job(TrainingJobName=job, ProfilerConfig={"DisableProfiler": True})
    sagemaker.stop_training_job(TrainingJobName=job)
    arn = lab.over(job)["TrainingJobArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "b"}])
    sagemaker.list_tags(ResourceArn=arn)
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["a"])
    lab.client("logs").describe_log_streams(logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=job)
    sagemaker.delete_training_job(TrainingJobName=job)
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{lab.bucket}/table/test"}}
    transform = {"TransformJobName": lab.name("answers")}
    sagemaker.create_transform_job(
        **transform,
        ModelName=model,
        TransformInput={"DataSource": source, "ContentType": "text/csv"},
        TransformOutput={"S3OutputPath": f"s3://{lab.bucket}/answers"},
        TransformResources={"InstanceType": "ml.m4.xlarge", "InstanceCount": 1},
    )
    sagemaker.stop_transform_job(**transform)
    sagemaker.describe_transform_job(**transform)
    _processing_steps(lab, far)


def _processing_steps(lab: Lab, far: Any) -> None:
    resources = {"ClusterConfig": {"InstanceType": "ml.m4.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 5}}
    application = {"AppSpecification": {"ImageUri": "i"}, "RoleArn": lab.role}
    far.create_processing_job(ProcessingJobName="p", ProcessingResources=resources, **application)
    far.stop_processing_job(ProcessingJobName="p")
    _gone_from(far.describe_processing_job, ProcessingJobName="p")
    far.delete_processing_job(ProcessingJobName="p")


def _gone_from(describe: Any, **which: str) -> None:
    wait_until(lambda: describe(**which)["ProcessingJobStatus"] not in ("InProgress", "Stopping"))


def an_endpoint_and_what_it_is_made_of(lab: Lab, trained: dict[str, Any], until: Any) -> None:
    sagemaker, name = lab.sagemaker, lab.make_model(trained["ModelArtifacts"]["S3ModelArtifacts"])
    sagemaker.describe_model(ModelName=name)
    named, config = {"EndpointName": name}, {"EndpointConfigName": name}
    variant = {"VariantName": "A", "ModelName": name, "InstanceType": "ml.m4.xlarge", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(**config, ProductionVariants=[variant])
    sagemaker.describe_endpoint_config(**config)
    sagemaker.create_endpoint(**named, **config)
    serves = partial(
        until, partial(sagemaker.describe_endpoint, **named), lambda seen: seen["EndpointStatus"] == "InService"
    )
    serves()
    lab.client("sagemaker-runtime").invoke_endpoint(**named, Body=b"1,2,3", ContentType="text/csv")
    weights = [{"VariantName": "A", "DesiredWeight": 2}]
    sagemaker.update_endpoint_weights_and_capacities(**named, DesiredWeightsAndCapacities=weights)
    serves()
    sagemaker.update_endpoint(**named, **config)
    serves()
    sagemaker.put_endpoint_policy(**named, ResourcePolicy="{}")
    sagemaker.get_endpoint_policy(**named)
    sagemaker.delete_endpoint_policy(**named)
    sagemaker.list_monitoring_schedules(**named)
    an_inference_component(sagemaker, name)
    sagemaker.list_inference_experiments()
    sagemaker.delete_endpoint(**named)
    sagemaker.delete_endpoint_config(**config)
    sagemaker.delete_model(ModelName=name)


def an_inference_component(sagemaker: Any, endpoint: str) -> None:
    """It keeps its endpoint."""
    component = {"InferenceComponentName": endpoint}
    specification = {"ModelName": endpoint, "ComputeResourceRequirements": {"MinMemoryRequiredInMb": 1024}}
    sagemaker.create_inference_component(**component, EndpointName=endpoint, Specification=specification)
    sagemaker.describe_inference_component(**component)
    sagemaker.list_inference_components()
    with pytest.raises(ClientError, match="inference components are deployed"):
        sagemaker.delete_endpoint(EndpointName=endpoint)
    sagemaker.delete_inference_component(**component)


def a_notebook_that_cannot_start(lab: Lab, far: Any, until: Any) -> None:
    """Its life without a Jupyter: what a Jupyter answers to has tests of its own."""
    kept = {"CodeRepositoryName": "kept"}
    far.create_code_repository(**kept, GitConfig={"RepositoryUrl": "https://127.0.0.1:9/nothing.git"})
    far.describe_code_repository(**kept)
    far.update_code_repository(**kept, GitConfig={})
    named = {"NotebookInstanceName": "broken"}
    far.create_notebook_instance(**named, InstanceType="ml.t2.medium", RoleArn=lab.role, DefaultCodeRepository="kept")
    look = partial(far.describe_notebook_instance, **named)
    until(look, lambda seen: seen["NotebookInstanceStatus"] == "Failed")
    far.list_notebook_instances()
    far.update_notebook_instance(**named, VolumeSizeInGB=10)
    until(look, lambda seen: seen["NotebookInstanceStatus"] == "Stopped")
    far.start_notebook_instance(**named)
    until(look, lambda seen: seen["NotebookInstanceStatus"] == "Failed")
    far.delete_notebook_instance(**named)
    far.delete_code_repository(**kept)


def a_notebook_that_runs(full: Any) -> None:
    sagemaker = full.client("sagemaker")
    sagemaker.create_presigned_notebook_instance_url(NotebookInstanceName="team-b")
    sagemaker.stop_notebook_instance(NotebookInstanceName="team-b")


@pytest.mark.usefixtures("endless_processing")
def test_every_operation_is_answered_strictly(
    lab_account: Lab,
    completed_job: dict[str, Any],
    model_name: str,
    far_account: Any,
    full_account: Any,
    slow_sandbox: Any,
    account_of: Any,
    wait_for_state: Any,
) -> None:
    ANSWERED.clear()
    read_steps(lab_account, full_account)
    a_request_for_more_and_its_case(account_of(slow_sandbox).other(), wait_for_state)
    job_steps(lab_account, model_name, far_account)
    an_endpoint_and_what_it_is_made_of(lab_account, completed_job, wait_for_state)
    a_notebook_that_cannot_start(lab_account, far_account, wait_for_state)
    a_notebook_that_runs(full_account)
    lab_account.sagemaker.create_hyper_parameter_tuning_job(**lab_account.tuning("answers", 1))
    use_spaces_and_apps(lab_account.account)
    use_service_records(lab_account.account)
    lab_account.account.client("cloudtrail").lookup_events()
    assert slow_sandbox.own_operations - ANSWERED == UNANSWERED

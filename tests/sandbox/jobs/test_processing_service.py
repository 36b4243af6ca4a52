"""Processing and tuning: what the quotas let in and refuse, and what is told of it afterwards."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.fixture(scope="module")
def processing_client(lab_account: Any) -> Any:
    granted = {"ml.m4.xlarge for processing job usage": 2, "ml.m4.xlarge for training job usage": 1}
    return lab_account.elsewhere("eu-west-3", granted)


def _create_job(sagemaker: Any, lab: Any, name: str, count: int = 1, **more: Any) -> None:
    cluster = {"InstanceType": "ml.m4.xlarge", "InstanceCount": count, "VolumeSizeInGB": 5}
    request = {
        "ProcessingJobName": name,
        "RoleArn": lab.role,
        "AppSpecification": {"ImageUri": "features"},
        "ProcessingResources": {"ClusterConfig": cluster},
    }
    sagemaker.create_processing_job(**request | more)


@pytest.mark.usefixtures("endless_processing")
def test_a_processing_job_holds_its_quota_until_it_is_over(
    processing_client: Any, lab_account: Any, wait_for_state: Any
) -> None:
    _create_job(processing_client, lab_account, "one", Tags=[{"Key": "team", "Value": "a"}])
    running = processing_client.describe_processing_job(ProcessingJobName="one")
    assert running["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == 1
    assert processing_client.list_tags(ResourceArn=running["ProcessingJobArn"])["Tags"] == [
        {"Key": "team", "Value": "a"}
    ]
    with pytest.raises(
        ClientError, match="is 2 Instances, with current utilization of 1 Instances and a request delta"
    ):
        _create_job(processing_client, lab_account, "two", count=2)
    with pytest.raises(ClientError, match="ResourceInUse"):
        _create_job(processing_client, lab_account, "one")
    processing_client.stop_processing_job(ProcessingJobName="one")
    assert _finished_job(processing_client, wait_for_state, "one")["ProcessingJobStatus"] == "Stopped"
    _create_job(processing_client, lab_account, "two", count=2)
    processing_client.stop_processing_job(ProcessingJobName="two")
    listed = processing_client.list_processing_jobs(
        NameContains="o", MaxResults=100, SortBy="Name", SortOrder="Ascending"
    )
    assert [job["ProcessingJobName"] for job in listed["ProcessingJobSummaries"]] == ["one", "two"]
    _finished_job(processing_client, wait_for_state, "two")


def _finished_job(sagemaker: Any, until: Any, name: str) -> dict[str, Any]:
    look = partial(sagemaker.describe_processing_job, ProcessingJobName=name)
    return dict(until(look, lambda job: job["ProcessingJobStatus"] not in ("InProgress", "Stopping")))


def test_a_processing_job_ends_by_itself_and_says_why(
    processing_client: Any, lab_account: Any, wait_for_state: Any
) -> None:
    _create_job(processing_client, lab_account, "by-itself")
    over = _finished_job(processing_client, wait_for_state, "by-itself")
    assert (over["ProcessingJobStatus"], over["FailureReason"][:12]) == ("Failed", "ClientError:")


@pytest.mark.parametrize(
    ("count", "more", "text"),
    [
        (5, {}, "'ml.m4.xlarge for processing job usage' is 2 Instances"),
        (1, {"StoppingCondition": {"MaxRuntimeInSeconds": 500_000}}, "'Longest run time for a processing job' is"),
        (1, {"RoleArn": "arn:aws:iam::123456789012:role/nobody"}, "Could not assume role"),
    ],
)
def test_what_no_processing_job_may_have(
    count: int, more: dict[str, Any], text: str, processing_client: Any, lab_account: Any
) -> None:
    with pytest.raises(ClientError, match=text):
        _create_job(processing_client, lab_account, "refused", count, **more)


def test_a_tuning_job_needs_room_for_what_runs_side_by_side(processing_client: Any, lab_account: Any) -> None:
    tune = processing_client.create_hyper_parameter_tuning_job
    with pytest.raises(ClientError, match=r"is 1 Instances, .* request delta of 2 Instances"):
        tune(**lab_account.tuning("two-at-once", 2))
    assert tune(**lab_account.tuning("one-by-one", 1))["HyperParameterTuningJobArn"]


def test_training_is_refused_by_the_other_quotas_that_it_uses(processing_client: Any, lab_account: Any) -> None:
    day = 86_400
    resources = {"InstanceType": "ml.m4.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 5}
    rule = {"RuleConfigurationName": "r", "RuleEvaluatorImage": "i", "InstanceType": "ml.m4.xlarge"}
    cases: list[tuple[dict[str, Any], str]] = [
        ({"StoppingCondition": {"MaxRuntimeInSeconds": 10 * day}}, "'Longest run time for a training job' is 432000"),
        ({"ResourceConfig": {**resources, "VolumeSizeInGB": 2000}}, "'Size of EBS volume for a training job instance'"),
        (
            {"DebugRuleConfigurations": [{**rule, "RuleConfigurationName": f"r{number}"} for number in range(3)]},
            "'ml.m4.xlarge for processing job usage' is 2 Instances",
        ),
    ]
    for changes, text in cases:
        with pytest.raises(ClientError, match=text):
            processing_client.create_training_job(**lab_account.job("refused", **changes))


def test_no_studio_app_runs(processing_client: Any) -> None:
    assert processing_client.list_apps(MaxResults=100)["Apps"] == []
    with pytest.raises(ClientError, match="ResourceNotFound"):
        processing_client.describe_app(DomainId="d-a", UserProfileName="u", AppType="JupyterLab", AppName="default")

"""Processing and tuning: what the quotas let in and refuse, and what is told of it afterwards."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.fixture(scope="module")
def sagemaker(lab: Any) -> Any:
    granted = {"ml.m4.xlarge for processing job usage": 2, "ml.m4.xlarge for training job usage": 1}
    return lab.elsewhere("eu-west-3", granted)


def _process(sagemaker: Any, lab: Any, name: str, count: int = 1, **more: Any) -> None:
    cluster = {"InstanceType": "ml.m4.xlarge", "InstanceCount": count, "VolumeSizeInGB": 5}
    request = {
        "ProcessingJobName": name,
        "RoleArn": lab.role,
        "AppSpecification": {"ImageUri": "features"},
        "ProcessingResources": {"ClusterConfig": cluster},
    }
    sagemaker.create_processing_job(**request | more)


@pytest.mark.usefixtures("endless_processing")
def test_a_processing_job_holds_its_quota_until_it_is_over(sagemaker: Any, lab: Any, until: Any) -> None:
    _process(sagemaker, lab, "one", Tags=[{"Key": "team", "Value": "a"}])
    running = sagemaker.describe_processing_job(ProcessingJobName="one")
    assert running["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == 1
    assert sagemaker.list_tags(ResourceArn=running["ProcessingJobArn"])["Tags"] == [{"Key": "team", "Value": "a"}]
    with pytest.raises(
        ClientError, match="is 2 Instances, with current utilization of 1 Instances and a request delta"
    ):
        _process(sagemaker, lab, "two", count=2)
    with pytest.raises(ClientError, match="ResourceInUse"):
        _process(sagemaker, lab, "one")
    sagemaker.stop_processing_job(ProcessingJobName="one")
    assert _over(sagemaker, until, "one")["ProcessingJobStatus"] == "Stopped"
    _process(sagemaker, lab, "two", count=2)
    sagemaker.stop_processing_job(ProcessingJobName="two")
    listed = sagemaker.list_processing_jobs(NameContains="o", SortBy="Name", SortOrder="Ascending")
    assert [job["ProcessingJobName"] for job in listed["ProcessingJobSummaries"]] == ["one", "two"]
    _over(sagemaker, until, "two")


def _over(sagemaker: Any, until: Any, name: str) -> dict[str, Any]:
    look = partial(sagemaker.describe_processing_job, ProcessingJobName=name)
    return dict(until(look, lambda job: job["ProcessingJobStatus"] not in ("InProgress", "Stopping")))


def test_a_processing_job_ends_by_itself_and_says_why(sagemaker: Any, lab: Any, until: Any) -> None:
    _process(sagemaker, lab, "by-itself")
    over = _over(sagemaker, until, "by-itself")
    assert (over["ProcessingJobStatus"], over["FailureReason"][:12]) == ("Failed", "ClientError:")


@pytest.mark.parametrize(
    ("count", "more", "text"),
    [
        (5, {}, "'ml.m4.xlarge for processing job usage' is 2 Instances"),
        (1, {"StoppingCondition": {"MaxRuntimeInSeconds": 500_000}}, "'Longest run time for a processing job' is"),
        (1, {"RoleArn": "arn:aws:iam::123456789012:role/nobody"}, "Could not assume role"),
    ],
)
def test_what_no_processing_job_may_have(count: int, more: dict[str, Any], text: str, sagemaker: Any, lab: Any) -> None:
    with pytest.raises(ClientError, match=text):
        _process(sagemaker, lab, "refused", count, **more)


def test_a_tuning_job_needs_room_for_what_runs_side_by_side(sagemaker: Any, lab: Any) -> None:
    tune = sagemaker.create_hyper_parameter_tuning_job
    with pytest.raises(ClientError, match=r"is 1 Instances, .* request delta of 2 Instances"):
        tune(**lab.tuning("two-at-once", 2))
    assert tune(**lab.tuning("one-by-one", 1))["HyperParameterTuningJobArn"]


def test_training_is_refused_by_the_other_quotas_that_it_uses(sagemaker: Any, lab: Any) -> None:
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
            sagemaker.create_training_job(**lab.job("refused", **changes))


def test_no_studio_app_runs(sagemaker: Any) -> None:
    assert sagemaker.list_apps(MaxResults=100)["Apps"] == []
    with pytest.raises(ClientError, match="ResourceNotFound"):
        sagemaker.describe_app(DomainId="d-a", UserProfileName="u", AppType="JupyterLab", AppName="default")

"""Training jobs of the sandbox: requests that are refused, names, quotas, lists of types, and lists of jobs."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from opskit.sandbox.scenarios import SCENARIOS, RecordSeed, Scenario
from opskit.sandbox.server import run_sandbox
from opskit.sandbox.state import UsageResource
from tests.fakes.training_lab import FOREVER, refused_code_and_text
from tests.sandbox.tidy import tidy_options


def test_bad_requests_are_refused_before_anything_is_made(lab_account: Any) -> None:
    create = lab_account.sagemaker.create_training_job
    missing = f"s3://{lab_account.bucket}/not/there"
    code, text = refused_code_and_text(create, **lab_account.job("x", InputDataConfig=[lab_account.channel(missing)]))
    assert code == "ValidationException"
    assert text.startswith(f'No S3 objects found under S3 URL "{missing}" given in input data source.')
    code, text = refused_code_and_text(create, **lab_account.job("x", RoleArn="arn:aws:iam::123456789012:role/nobody"))
    assert (code, text[:42]) == ("ValidationException", "Could not assume role arn:aws:iam::1234567")
    resources = {"InstanceType": "ml.m4.xlarge", "InstanceCount": 0, "VolumeSizeInGB": 5}
    assert refused_code_and_text(create, **lab_account.job("x", ResourceConfig=resources))[0] == "ValidationException"
    assert (
        refused_code_and_text(create, **lab_account.job("x", EnableManagedSpotTraining=True))[0]
        == "ValidationException"
    )
    assert (
        refused_code_and_text(create, **lab_account.job("x", OutputDataConfig={"S3OutputPath": "https://b/x"}))[0]
        == "ValidationException"
    )
    duplicated = [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]
    assert refused_code_and_text(create, **lab_account.job("x", Tags=duplicated))[0] == "ValidationException"
    assert not [
        job
        for job in lab_account.sagemaker.list_training_jobs(NameContains="x-", MaxResults=100)["TrainingJobSummaries"]
        if job["TrainingJobName"].startswith("x-")
    ]  # fmt: skip


def test_names_are_used_once(lab_account: Any, completed_job: dict[str, Any]) -> None:
    request = lab_account.job("x", TrainingJobName=completed_job["TrainingJobName"])
    code, text = refused_code_and_text(lab_account.sagemaker.create_training_job, **request)
    assert code == "ResourceInUse"
    assert text.startswith("Training job names must be unique within an AWS account and region")
    for call in ("describe_training_job", "stop_training_job", "delete_training_job"):
        assert refused_code_and_text(getattr(lab_account.sagemaker, call), TrainingJobName="nobody") == (
            "ValidationException",
            "Requested resource not found.",
        )


def test_quotas_are_judged_first(fresh_account: Any, lab_account: Any) -> None:
    request = lab_account.job(
        "short", ResourceConfig={"InstanceType": "ml.p3.2xlarge", "InstanceCount": 2, "VolumeSizeInGB": 5}
    )
    code, text = refused_code_and_text(lab_account.sagemaker.create_training_job, **request)
    assert code == "ResourceLimitExceeded"
    assert text.startswith(
        "The account-level service limit 'ml.p3.2xlarge for training job usage' is 0 Instances, with current "
        "utilization of 0 Instances and a request delta of 2 Instances."
    )
    assert refused_code_and_text(
        lab_account.sagemaker.describe_training_job, TrainingJobName=request["TrainingJobName"]
    )[0]


def test_what_runs_counts_until_it_is_over(lab_account: Any) -> None:
    one = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 5}
    first = lab_account.create("first", FOREVER, ResourceConfig=one)
    code, text = refused_code_and_text(
        lab_account.sagemaker.create_training_job, **lab_account.job("second", ResourceConfig=one)
    )
    assert (code, "current utilization of 1 Instances" in text) == ("ResourceLimitExceeded", True)
    lab_account.sagemaker.stop_training_job(TrainingJobName=first)
    lab_account.over(first)
    assert lab_account.train("third", ResourceConfig=one)["TrainingJobStatus"] == "Completed"


def test_spot_jobs_count_as_spot_jobs(lab_account: Any) -> None:
    patience = {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 7200}
    three = {"InstanceType": "ml.m4.xlarge", "InstanceCount": 3, "VolumeSizeInGB": 5}
    spot: dict[str, Any] = {"EnableManagedSpotTraining": True, "StoppingCondition": patience}
    code, text = refused_code_and_text(
        lab_account.sagemaker.create_training_job, **lab_account.job("spot", ResourceConfig=three, **spot)
    )
    assert (code, "'ml.m4.xlarge for spot training job usage' is 2" in text) == ("ResourceLimitExceeded", True)
    job = lab_account.train("spot", **spot)
    assert (job["TrainingJobStatus"], job["EnableManagedSpotTraining"]) == ("Completed", True)


def test_lists_are_filtered_sorted_and_paged(lab_account: Any) -> None:
    stem = lab_account.name("listed")
    names = [f"{stem}-{letter}" for letter in "abc"]
    for name in names:
        lab_account.sagemaker.create_training_job(**lab_account.job("x", parameters={}, TrainingJobName=name))
    for name in names:
        lab_account.over(name)

    def listed(**filters: Any) -> list[str]:
        pages = lab_account.sagemaker.get_paginator("list_training_jobs").paginate(NameContains=stem, **filters)
        return [job["TrainingJobName"] for page in pages for job in page["TrainingJobSummaries"]]

    assert listed() == names, "AWS lists training jobs oldest first"
    assert listed(SortBy="Name", SortOrder="Descending", PaginationConfig={"PageSize": 2}) == names[::-1]
    assert listed(StatusEquals="Failed") == names
    assert listed(StatusEquals="Completed") == []
    middle = lab_account.sagemaker.describe_training_job(TrainingJobName=names[1])["CreationTime"]
    assert listed(CreationTimeAfter=middle) == names[2:]
    assert listed(CreationTimeBefore=middle) == names[:1]
    assert listed(LastModifiedTimeBefore=middle) == []
    bad = lab_account.sagemaker.list_training_jobs
    assert refused_code_and_text(bad, NextToken="made-up")[0] == "ValidationException"


@pytest.mark.slow
def test_pages_have_ten_unless_more_is_asked_for(account_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seeds = tuple(RecordSeed(UsageResource.TRAINING_JOB, f"job-{number}", "ml.m4.xlarge") for number in range(11))
    monkeypatch.setitem(SCENARIOS, "eleven", Scenario("eleven", seeds=seeds))
    with run_sandbox(tidy_options(scenario="eleven")) as running:
        pages = account_of(running).client("sagemaker").list_training_jobs()
    assert len(pages["TrainingJobSummaries"]) == 10
    assert pages["NextToken"]
    assert "InstanceType" not in str(pages["TrainingJobSummaries"])


def listed_types(*types: str, **more: Any) -> dict[str, Any]:
    preferences = [{"InstanceType": name} for name in types]
    return {"InstancePreferences": preferences, "InstanceCount": 1, "VolumeSizeInGB": 10, **more}


def test_of_several_types_the_first_is_taken_and_told(lab_account: Any) -> None:
    job = lab_account.train("several", {"num_round": "2"}, ResourceConfig=listed_types("ml.m4.xlarge", "ml.m5.xlarge"))
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    resources = job["ResourceConfig"]
    assert (resources["SelectedInstanceType"], resources["SelectedInstanceCount"]) == ("ml.m4.xlarge", 1)
    assert "InstanceType" not in resources


@pytest.mark.parametrize(
    ("resources", "more", "code", "says"),
    [
        (listed_types("ml.m4.xlarge", "ml.p3.16xlarge"), {}, "ResourceLimitExceeded", "ml.p3.16xlarge"),
        (listed_types("ml.m4.xlarge", InstanceType="ml.m4.xlarge"), {}, "ValidationException", "with InstanceType"),
        (
            listed_types("ml.m4.xlarge"),
            {"EnableManagedSpotTraining": True},
            "ValidationException",
            "with EnableManagedSpotTraining",
        ),
        (
            {"InstancePreferences": [{"InstanceType": "ml.m4.xlarge"}], "VolumeSizeInGB": 10},
            {},
            "ValidationException",
            "InstanceCount must be specified",
        ),
    ],
)
def test_a_list_with_one_short_type_or_with_what_it_excludes_is_refused_whole(
    lab_account: Any, resources: dict[str, Any], more: dict[str, Any], code: str, says: str
) -> None:
    with pytest.raises(ClientError) as caught:
        lab_account.create("refused", {"num_round": "2"}, ResourceConfig=resources, **more)
    assert caught.value.response["Error"]["Code"] == code
    assert says in caught.value.response["Error"]["Message"]

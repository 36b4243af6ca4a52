"""What a guard has let through counts until AWS's lists show it: they lag behind its answers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pytest

import opskit
from opskit.core.model import Workload
from opskit.guards.rules.operations import JUDGES
from opskit.guards.rules.request_model import InstanceNeed
from opskit.guards.rules.started_resources import started_resource
from opskit.quotas.reads.code_cache import bundled_codes
from opskit.quotas.rules.model import QuotaHolder
from tests.fakes.fake_aws import Entry, FakeAws, Fault

TYPE = "ml.m4.xlarge"
NOT_FOUND = Fault(400, "ValidationException", "Requested resource not found.")


@pytest.fixture
def account(fake_aws: FakeAws, no_backoff: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAws]:
    """An account with four of everything. Every call has a look of its own: the moment of the one before is over."""
    for name in ("guards.flows.call_guard.READING_SECONDS", "aws.outgoing_calls.READ_SECONDS"):
        monkeypatch.setattr(f"opskit.{name}", 300.0)
    monkeypatch.setattr("opskit.guards.flows.call_guard.MOMENT_SECONDS", -1.0)
    monkeypatch.setattr("opskit.guards.flows.call_guard.UNSEEN_SECONDS", 3600.0)
    monkeypatch.setattr("opskit.guards.flows.call_guard.FOUND_SECONDS", 3600.0)
    fake_aws.quotas = [Entry(name, code, 100 if "EBS" in name else 4, 1) for name, code in bundled_codes().items()]
    fake_aws.running["CreateTrainingJob"] = lambda asked: {"TrainingJobArn": f"arn:{asked['TrainingJobName']}"}
    fake_aws.running["DescribeTrainingJob"] = lambda asked: NOT_FOUND
    yield fake_aws
    opskit.unguard()


def create(name: str, count: int) -> bool:
    """Whether the guard lets a training job be sent."""
    try:
        boto3.client("sagemaker").create_training_job(
            TrainingJobName=name,
            RoleArn="arn:aws:iam::123456789012:role/execution-role",
            AlgorithmSpecification={"TrainingImage": "image", "TrainingInputMode": "File"},
            OutputDataConfig={"S3OutputPath": "s3://bucket/out"},
            ResourceConfig={"InstanceType": TYPE, "InstanceCount": count, "VolumeSizeInGB": 1},
            StoppingCondition={"MaxRuntimeInSeconds": 60},
        )
    except opskit.GuardRefused:
        return False
    return True


def running_job(name: str, count: int, status: str = "InProgress") -> dict[str, Any]:
    return {
        "TrainingJobName": name,
        "TrainingJobArn": f"arn:aws:sagemaker:us-east-1:123456789012:training-job/{name}",
        "TrainingJobStatus": status,
        "CreationTime": time.time(),
        "ResourceConfig": {"InstanceType": TYPE, "InstanceCount": count, "VolumeSizeInGB": 1},
    }


def show_job(account: FakeAws, job: dict[str, Any]) -> None:
    def shown(asked: Mapping[str, Any]) -> bool:
        return "WarmPool" not in str(asked)  # it keeps nothing warm

    account.running["ListTrainingJobs"] = lambda asked: {"TrainingJobSummaries": [job] if shown(asked) else []}
    account.running["Search"] = lambda asked: {"Results": [{"TrainingJob": job}] if shown(asked) else []}
    account.running["DescribeTrainingJob"] = lambda asked: (
        job if asked["TrainingJobName"] == job["TrainingJobName"] else NOT_FOUND
    )


def test_a_job_that_the_lists_do_not_show_yet_keeps_its_place(account: FakeAws) -> None:
    opskit.guard(first_look=False)
    assert create("one", 3)
    assert not create("two", 2)
    assert create("three", 1)


def test_a_job_that_the_lists_show_is_not_counted_twice(account: FakeAws) -> None:
    opskit.guard(first_look=False)
    assert create("one", 2)
    show_job(account, running_job("one", 2))
    assert create("two", 2)
    assert not create("three", 1)


def test_a_job_that_has_ended_unseen_holds_nothing(account: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    opskit.guard(first_look=False)
    assert create("one", 4)
    account.running["DescribeTrainingJob"] = lambda asked: running_job("one", 4, "Failed")
    # The look that asks does not wait for that answer, so one of the next looks has it.
    assert any(create(f"try-{number}", 4) for number in range(200))


def test_what_is_stopped_or_never_made_holds_nothing(account: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    opskit.guard(first_look=False)
    assert create("one", 4)
    boto3.client("sagemaker").stop_training_job(TrainingJobName="one")
    assert create("two", 4)
    assert not create("three", 4)
    monkeypatch.setattr("opskit.guards.flows.call_guard.FOUND_SECONDS", -1.0)
    assert any(create(f"try-{number}", 4) for number in range(200))


def test_nothing_is_held_for_ever(account: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    opskit.guard(first_look=False)
    assert create("one", 4)
    monkeypatch.setattr("opskit.guards.flows.call_guard.UNSEEN_SECONDS", 0.0)
    assert create("two", 4)


def needed(count: int) -> tuple[InstanceNeed, ...]:
    return (InstanceNeed(TYPE, Workload.TRAINING, count, "here"),)


def test_a_tuning_is_shown_job_by_job() -> None:
    tuning = started_resource("CreateHyperParameterTuningJob", {"HyperParameterTuningJobName": "t"})
    assert tuning is not None
    jobs = [QuotaHolder("training job", f"t-00{number}-abc", {TYPE: 1}) for number in range(3)]
    others = [QuotaHolder("training job", "t2-001", {TYPE: 1}), QuotaHolder("endpoint", "t-001", {TYPE: 1})]
    assert tuning.needs_not_listed(needed(3), others) == needed(3)
    assert tuning.needs_not_listed(needed(3), [*others, jobs[0]]) == needed(2)
    assert tuning.needs_not_listed(needed(3), jobs) == ()


@pytest.mark.parametrize("operation", sorted(JUDGES))
def test_what_can_be_told_from_others_has_a_description(operation: str) -> None:
    members = boto3.client("sagemaker", region_name="us-east-1").meta.service_model.operation_model(operation)
    named = {name: name for name in members.input_shape.members if name.endswith("Name")}
    resource = started_resource(operation, named)
    if resource is None:
        return
    describe, params = resource.description_call
    model = boto3.client("sagemaker", region_name="us-east-1").meta.service_model
    described = model.operation_model("".join(word.capitalize() for word in describe.split("_")))
    assert set(described.input_shape.required_members) == set(params)
    status = described.output_shape.members[resource._kind.status]
    ends = {word for word in status.enum if resource.has_ended({resource._kind.status: word})}
    assert not ends & {"Creating", "InProgress", "InService", "Pending", "Stopping", "Updating"}
    assert ("Failed" in ends) == (operation != "CreateEndpoint")

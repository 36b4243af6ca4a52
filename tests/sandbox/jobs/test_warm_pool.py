"""Warm pools: the instances a training job leaves behind for the next, and what counts them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from opskit.aws.session import open_session
from opskit.core.model import Workload
from opskit.quotas.reads.usage import count_in_use
from opskit.sandbox.state import SandboxState

TYPE = "ml.m4.2xlarge"
ANOTHER = "ml.m4.4xlarge"


@pytest.fixture(scope="module")
def warm_pool_client(lab_account: Any) -> Any:
    """An account that may keep two instances of a type that no other test uses, and train on two."""
    words = ("training job", "training warm pool")
    two = {f"{TYPE} for {word} usage": 2 for word in words}
    return lab_account.elsewhere("us-east-1", {**two, f"{ANOTHER} for training job usage": 1})


def pool_resources(keep_alive: int = 3600, kind: str = TYPE, **more: Any) -> dict[str, Any]:
    kept = {"KeepAlivePeriodInSeconds": keep_alive} if keep_alive else {}
    return {"InstanceType": kind, "InstanceCount": 2, "VolumeSizeInGB": 5, **kept, **more}


@pytest.fixture
def job_with_pool(lab_account: Any, warm_pool_client: Any) -> Iterator[str]:
    """A job that is over and keeps its two instances."""
    job = lab_account.train("kept", {"num_round": "1"}, ResourceConfig=pool_resources())
    assert job["TrainingJobStatus"] == "Completed"
    name = job["TrainingJobName"]
    yield name
    if pool_of(warm_pool_client, name)["Status"] == "Available":
        end_pool(warm_pool_client, name)


def pool_of(sagemaker: Any, name: str) -> dict[str, Any]:
    return dict(sagemaker.describe_training_job(TrainingJobName=name)["WarmPoolStatus"])


def end_pool(sagemaker: Any, name: str) -> None:
    sagemaker.update_training_job(TrainingJobName=name, ResourceConfig={"KeepAlivePeriodInSeconds": 0})


def named_available(sagemaker: Any) -> list[str]:
    found = sagemaker.list_training_jobs(WarmPoolStatusEquals="Available", MaxResults=100)["TrainingJobSummaries"]
    assert all(each["WarmPoolStatus"]["Status"] == "Available" for each in found)
    return [each["TrainingJobName"] for each in found]


def refusal_text(lab: Any, **resources: Any) -> str:
    with pytest.raises(ClientError) as refused:
        lab.create("refused", ResourceConfig=pool_resources(**resources))
    return str(refused.value)


def seen_by_opskit(lab: Any, monkeypatch: pytest.MonkeyPatch) -> int:
    """What the tool counts of the type as training, over HTTP like any client."""
    for name, value in lab.account.sandbox.client_environment().items():
        monkeypatch.setenv(name, value)
    counted = count_in_use(open_session().client("us-east-1"), [Workload.TRAINING])[Workload.TRAINING]
    assert counted.incomplete is None
    return counted.count(TYPE)


def test_a_pool_waits_is_listed_found_and_counted(
    lab_account: Any, warm_pool_client: Any, job_with_pool: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pool_of(warm_pool_client, job_with_pool)["Status"] == "Available"
    assert named_available(warm_pool_client) == [job_with_pool]
    filters = [{"Name": "WarmPoolStatus.Status", "Operator": "Equals", "Value": "Available"}]
    found = warm_pool_client.search(Resource="TrainingJob", SearchExpression={"Filters": filters})["Results"]
    assert [each["TrainingJob"]["TrainingJobName"] for each in found] == [job_with_pool]
    assert "with current utilization of 2 Instances" in refusal_text(lab_account, VolumeSizeInGB=6)
    assert seen_by_opskit(lab_account, monkeypatch) == 2


def test_a_job_like_it_takes_it_over(
    lab_account: Any, warm_pool_client: Any, job_with_pool: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    another = lab_account.create("taking", {"num_round": "1000000"}, ResourceConfig=pool_resources())
    old = pool_of(warm_pool_client, job_with_pool)
    assert (old["Status"], old["ReusedByJob"]) == ("Reused", another)
    assert pool_of(warm_pool_client, another)["Status"] == "InUse"
    assert seen_by_opskit(lab_account, monkeypatch) == 2
    warm_pool_client.stop_training_job(TrainingJobName=another)
    lab_account.over(another)
    assert named_available(warm_pool_client) == [another]
    end_pool(warm_pool_client, another)
    assert pool_of(warm_pool_client, another)["Status"] == "Terminated"
    assert named_available(warm_pool_client) == []
    assert seen_by_opskit(lab_account, monkeypatch) == 0


def test_a_job_that_is_refused_takes_nothing(lab_account: Any, warm_pool_client: Any, job_with_pool: str) -> None:
    with pytest.raises(ClientError, match="Longest run time"):
        lab_account.create("long", ResourceConfig=pool_resources(), StoppingCondition={"MaxRuntimeInSeconds": 432001})
    assert pool_of(warm_pool_client, job_with_pool) == {
        "Status": "Available",
        "ResourceRetainedBillableTimeInSeconds": pool_of(warm_pool_client, job_with_pool)[
            "ResourceRetainedBillableTimeInSeconds"
        ],
    }


def test_its_time_runs_out(
    lab_account: Any, warm_pool_client: Any, job_with_pool: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as later:
        later.setattr(SandboxState, "now", lambda state: datetime.now(UTC) + timedelta(minutes=61))
        assert named_available(warm_pool_client) == []
        over = pool_of(warm_pool_client, job_with_pool)
        assert (over["Status"], over["ResourceRetainedBillableTimeInSeconds"]) == ("Terminated", 3600)
        with pytest.raises(ClientError, match="no warm pool whose retention"):
            end_pool(warm_pool_client, job_with_pool)
        assert seen_by_opskit(lab_account, monkeypatch) == 0


def test_what_it_needs_besides(lab_account: Any, warm_pool_client: Any) -> None:
    told = refusal_text(lab_account, kind=ANOTHER, InstanceCount=1)
    assert f"'{ANOTHER} for training warm pool usage' is 0 Instances" in told
    with pytest.raises(ClientError, match="managed spot"):
        lab_account.create(
            "spot",
            ResourceConfig=pool_resources(),
            EnableManagedSpotTraining=True,
            StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60},
        )


def test_a_job_that_fails_or_asked_for_none_keeps_none(lab_account: Any, warm_pool_client: Any) -> None:
    failed = lab_account.train("failed", {"no_such": "1"}, ResourceConfig=pool_resources())
    assert (failed["TrainingJobStatus"], failed["WarmPoolStatus"]["Status"]) == ("Failed", "Terminated")
    plain = lab_account.train("plain", {"num_round": "1"}, ResourceConfig=pool_resources(0))
    assert "WarmPoolStatus" not in plain
    assert named_available(warm_pool_client) == []

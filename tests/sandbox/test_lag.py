"""Reads lag behind writes where AWS's do, by a seed, and nowhere else."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from opskit.sandbox.lag import LaggingRead, LagMode, ReadLag
from opskit.sandbox.scenarios import execution_role_arn
from opskit.sandbox.server import run_sandbox
from tests.sandbox.tidy import tidy_options
from tests.slow import starts_server
from tests.waiting import wait_until

CASES = range(1000)
ROLE = execution_role_arn("123456789012")
SOME = [read for read in LaggingRead if not read.is_always_late]


@pytest.mark.parametrize("read", SOME)
def test_a_tenth_of_the_cases_lags(read: LaggingRead) -> None:
    lag = ReadLag(LagMode.SOMETIMES)
    late = [delay for case in CASES if (delay := lag.delay(read, case))]
    assert 60 < len(late) < 140
    assert max(late) <= timedelta(seconds=5)


@pytest.mark.parametrize("read", [*LaggingRead])
def test_lag_can_be_always_or_never_and_search_lags_whenever_there_is_any(read: LaggingRead) -> None:
    assert all(ReadLag(LagMode.ALWAYS).delay(read, case) for case in CASES)
    assert not any(ReadLag(LagMode.NEVER).delay(read, case) for case in CASES)
    assert all(ReadLag().delay(read, case) == timedelta(0) for case in CASES)
    if read.is_always_late:
        assert all(ReadLag(LagMode.SOMETIMES).delay(read, case) for case in CASES)


def test_the_same_seed_lags_alike_and_another_otherwise() -> None:
    first, again, other = ([ReadLag(LagMode.SOMETIMES, seed).delay(SOME[0], at) for at in CASES] for seed in (1, 1, 2))
    assert first == again != other


@pytest.fixture(scope="module")
@starts_server
def late(account_of: Callable[..., Any]) -> Iterator[Any]:
    """The account that is full, on an AWS whose reads always lag."""
    with run_sandbox(tidy_options(scenario="full", lag=LagMode.ALWAYS)) as running:
        yield account_of(running)


def search(account: Any, **expression: Any) -> list[str]:
    found = account.client("sagemaker").search(Resource="TrainingJob", MaxResults=100, SearchExpression=expression)
    return sorted(each["TrainingJob"]["TrainingJobName"] for each in found["Results"])


def test_search_tells_what_ran_for_a_while_after_it_was_stopped(late: Any) -> None:
    running = {"Filters": [{"Name": "TrainingJobStatus", "Operator": "Equals", "Value": "InProgress"}]}
    sagemaker = late.client("sagemaker")
    wait_until(lambda: "churn-nightly-1" in search(late, **running))
    sagemaker.stop_training_job(TrainingJobName="churn-nightly-1")
    assert sagemaker.describe_training_job(TrainingJobName="churn-nightly-1")["TrainingJobStatus"] == "Stopped"
    assert "churn-nightly-1" in search(late, **running)
    wait_until(lambda: "churn-nightly-1" not in search(late, **running))


def test_list_tags_tells_the_tags_of_before(late: Any) -> None:
    sagemaker = late.client("sagemaker")
    arn = sagemaker.describe_notebook_instance(NotebookInstanceName="team-a")["NotebookInstanceArn"]
    read = functools.partial(sagemaker.list_tags, ResourceArn=arn)
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "opskit:keep", "Value": "thesis"}])
    assert read()["Tags"] == []
    wait_until(lambda: [tag["Value"] for tag in read()["Tags"]] == ["thesis"])
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["opskit:keep"])
    assert read()["Tags"]
    wait_until(lambda: not read()["Tags"])


def test_an_endpoint_is_not_made_of_a_configuration_that_was_just_made(late: Any) -> None:
    sagemaker = late.client("sagemaker", "eu-west-1")
    sagemaker.create_model(ModelName="m", PrimaryContainer={"Image": "i"}, ExecutionRoleArn=ROLE)
    variant = {"VariantName": "A", "ModelName": "m", "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}}
    sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
    assert sagemaker.describe_endpoint_config(EndpointConfigName="c")["EndpointConfigName"] == "c"
    with pytest.raises(ClientError, match="Could not find endpoint configuration"):
        sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="c")

    def was_made() -> bool:
        try:
            sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="c")
        except ClientError:
            return False
        return True

    wait_until(was_made)

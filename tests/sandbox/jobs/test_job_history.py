"""An account in which many jobs ran before: listed page by page, described, searched, never counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from opskit.sandbox.server import run_sandbox
from tests.sandbox.tidy import tidy_options
from tests.slow import starts_server

SIZE = 1_500
KINDS = ("Training", "Transform", "Processing")


@pytest.fixture(scope="module")
@starts_server
def old(account_of: Callable[..., Any]) -> Iterator[Any]:
    """SageMaker of such an account."""
    with run_sandbox(tidy_options(scenario="full", history=SIZE)) as running:
        yield account_of(running).client("sagemaker")


def listed(client: Any, kind: str, **filters: Any) -> list[dict[str, Any]]:
    pages = client.get_paginator(f"list_{kind.lower()}_jobs").paginate(
        SortBy="CreationTime", SortOrder="Descending", **filters, PaginationConfig={"PageSize": 100}
    )
    return [job for page in pages for job in page[f"{kind}JobSummaries"]]


@pytest.mark.parametrize("kind", KINDS)
def test_all_that_ever_ran_is_listed_newest_first_with_what_runs(old: Any, kind: str) -> None:
    jobs = listed(old, kind)
    times = [job["CreationTime"] for job in jobs]
    assert times == sorted(times, reverse=True)
    assert (times[0] - times[-1]).days == 729
    running = [job for job in jobs if job[f"{kind}JobStatus"] == "InProgress"]
    assert len(jobs) - len(running) == SIZE
    assert len({job[f"{kind}JobName"] for job in jobs}) == len(jobs)


@pytest.mark.parametrize("kind", KINDS)
def test_one_of_them_is_described_as_it_is_listed(old: Any, kind: str) -> None:
    jobs = getattr(old, f"list_{kind.lower()}_jobs")(SortBy="CreationTime", SortOrder="Ascending", MaxResults=40)
    for job in jobs[f"{kind}JobSummaries"]:
        name = {f"{kind}JobName": job[f"{kind}JobName"]}
        described = getattr(old, f"describe_{kind.lower()}_job")(**name)
        assert described[f"{kind}JobStatus"] == job[f"{kind}JobStatus"] != "InProgress"
        assert described["CreationTime"] == job["CreationTime"]
        assert ("FailureReason" in described) == (job[f"{kind}JobStatus"] == "Failed")


def test_one_of_them_is_tagged_and_deleted_for_good(old: Any) -> None:
    name = old.list_processing_jobs(MaxResults=1)["ProcessingJobSummaries"][0]
    old.add_tags(ResourceArn=name["ProcessingJobArn"], Tags=[{"Key": "team", "Value": "a"}])
    assert old.list_tags(ResourceArn=name["ProcessingJobArn"])["Tags"] == [{"Key": "team", "Value": "a"}]
    with pytest.raises(ClientError, match="is in status"):
        old.stop_processing_job(ProcessingJobName=name["ProcessingJobName"])
    old.delete_processing_job(ProcessingJobName=name["ProcessingJobName"])
    with pytest.raises(ClientError, match="Could not find"):
        old.describe_processing_job(ProcessingJobName=name["ProcessingJobName"])
    assert old.list_processing_jobs(MaxResults=1)["ProcessingJobSummaries"][0] != name


def test_search_finds_what_runs_among_them_and_them_by_their_members(old: Any) -> None:
    def found(*filters: dict[str, str]) -> list[dict[str, Any]]:
        expression = {"Filters": filters}
        answer = old.search(Resource="TrainingJob", SearchExpression=expression, MaxResults=100)
        return [each["TrainingJob"] for each in answer["Results"]]

    status = {"Name": "TrainingJobStatus", "Operator": "Equals"}
    assert {job["TrainingJobStatus"] for job in found({**status, "Value": "InProgress"})} == {"InProgress"}
    failed = found({**status, "Value": "Failed"})
    assert len(failed) == 100
    for job in failed[:3]:
        described = old.describe_training_job(TrainingJobName=job["TrainingJobName"])
        for member in ("ResourceConfig", "CreationTime", "FailureReason", "TrainingJobArn", "SecondaryStatus"):
            assert described[member] == job[member]

"""AWS goes on without us: a look that fails in passing is no end, and an end is told as it was."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from opskit.core.clock import Clock
from opskit.core.described_resources import Endpoint, TrainingJob, TransformJob
from opskit.core.events import ReadFailed
from opskit.core.exceptions import AccessDenied, AwsError, Throttled, Unreachable
from opskit.core.job_statuses import JobStatus
from opskit.core.live_resources import LiveResources
from opskit.training.events import LogLine, RunEvent, StatusChanged, deduplicate_events
from opskit.training.flows import follow

LIVE, DONE, FAILED, STOPPED = JobStatus.IN_PROGRESS, JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.STOPPED


class Account:
    """What each look sees, one after another, and a clock that only sleeping moves."""

    region = "us-east-1"

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.looks: list[Any] = []
        self.lines: list[Any] = []
        self.told: list[RunEvent] = []
        self.stopped: list[str] = []
        self.live_resources = LiveResources()
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.clock = Clock(lambda: self.now, self.sleep)
        for read in (
            "opskit.training.reads.resources.read_training_job",
            "opskit.training.reads.resources.read_transform_job",
            "opskit.training.reads.resources.read_endpoint",
        ):
            monkeypatch.setattr(read, lambda client, name: self.look())
        monkeypatch.setattr("opskit.training.reads.training_log.TrainingLog.new_lines", lambda log, client: self.read())
        monkeypatch.setattr(follow, "stop_transform", lambda client, name, why: self.stopped.append(why))

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def emit(self, event: RunEvent) -> None:
        self.told.append(event)

    def look(self) -> Any:
        seen = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(seen, Exception):
            raise seen
        return seen

    def read(self) -> Iterator[str]:
        seen = self.lines.pop(0) if self.lines else []
        if isinstance(seen, Exception):
            raise seen
        yield from seen


@pytest.fixture
def polled_account(monkeypatch: pytest.MonkeyPatch) -> Account:
    return Account(monkeypatch)


def training_job(status: JobStatus, secondary: str = "Training") -> TrainingJob:
    return TrainingJob("b-1", status, secondary, None, "s3://b/m", None)


def transform_job(status: JobStatus) -> TransformJob:
    return TransformJob("b-1", status, None, "s3://b/test.csv", "s3://b/out")


def followed_training(account: Account) -> tuple[TrainingJob, list[str]]:
    return follow.follow_training(account, "b-1", account.clock, deduplicate_events(account.emit))  # type: ignore[arg-type]


def test_states_are_told_once_and_lines_as_they_come(polled_account: Account) -> None:
    polled_account.looks = [
        training_job(LIVE, "Starting"),
        training_job(LIVE),
        training_job(LIVE),
        training_job(DONE, "Completed"),
    ]
    polled_account.lines = [[], ["[0]"], [], ["[1]"]]
    job, lines = followed_training(polled_account)
    assert job.status is DONE
    assert lines == ["[0]", "[1]"]
    assert [state.status for state in polled_account.told if isinstance(state, StatusChanged)] == [
        "Starting",
        "Training",
        "Completed",
    ]
    assert [log_line.text for log_line in polled_account.told if isinstance(log_line, LogLine)] == ["[0]", "[1]"]


@pytest.mark.parametrize("trouble", [Throttled("t", "slow", transient=True), Unreachable("u", "no network")])
def test_what_passes_is_waited_out(polled_account: Account, trouble: AwsError) -> None:
    polled_account.looks = [training_job(LIVE), *[trouble] * 20, training_job(DONE)]
    job, _ = followed_training(polled_account)
    assert job.status is DONE
    assert sum(isinstance(each, ReadFailed) for each in polled_account.told) == 1


def test_what_does_not_pass_ends_it_after_a_while(polled_account: Account) -> None:
    polled_account.looks = [training_job(LIVE), Unreachable("u", "no network")]
    with pytest.raises(Unreachable):
        followed_training(polled_account)
    assert polled_account.now - datetime(2026, 1, 1, tzinfo=UTC) < timedelta(minutes=15)


def test_a_denial_does_not_pass(polled_account: Account) -> None:
    polled_account.looks = [AccessDenied("denied", "no")]
    with pytest.raises(AccessDenied):
        followed_training(polled_account)


def test_a_log_that_may_not_be_read_is_said_once(polled_account: Account) -> None:
    polled_account.looks = [training_job(LIVE), training_job(LIVE), training_job(DONE)]
    polled_account.lines = [AccessDenied("denied", "no logs for you"), ["never read"]]
    _, lines = followed_training(polled_account)
    assert lines == []
    assert [read_failed.reason for read_failed in polled_account.told if isinstance(read_failed, ReadFailed)] == [
        "no logs for you"
    ]


def test_the_last_lines_of_a_failed_job_may_come_late(polled_account: Account) -> None:
    polled_account.looks = [training_job(FAILED, "Failed")]
    polled_account.lines = [[], [], ["why"]]
    assert followed_training(polled_account)[1] == ["why"]


def test_a_job_that_vanishes(polled_account: Account) -> None:
    polled_account.looks = [None]
    with pytest.raises(AwsError, match="is not there"):
        followed_training(polled_account)


def test_a_transform_that_runs_too_long_is_stopped_once(polled_account: Account) -> None:
    polled_account.looks = [*[transform_job(LIVE)] * 40, transform_job(STOPPED)]
    with pytest.raises(AwsError, match="opskit stopped it"):
        follow.follow_transform(polled_account, "b-1", 20, polled_account.clock, polled_account.emit)  # type: ignore[arg-type]
    assert polled_account.stopped == ["it ran longer than 20 s"]


def test_a_transform_in_time_is_left_alone(polled_account: Account) -> None:
    polled_account.looks = [transform_job(LIVE), transform_job(DONE)]
    done = follow.follow_transform(polled_account, "b-1", 20, polled_account.clock, polled_account.emit)  # type: ignore[arg-type]
    assert done.status is DONE
    assert polled_account.stopped == []


@pytest.mark.parametrize("status", ["InService", "Failed", "OutOfService"])
def test_an_endpoint_is_watched_until_it_answers_or_cannot(polled_account: Account, status: str) -> None:
    polled_account.looks = [Endpoint("b", "Creating"), Endpoint("b", status)]
    found = follow.follow_endpoint(polled_account, "b", polled_account.clock, polled_account.emit)  # type: ignore[arg-type]
    assert found
    assert found.status == status

"""Watches what AWS does until it is over. AWS goes on without us, so a look that fails in passing is no end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from opskit.act.training import stop_transform
from opskit.aws import Door
from opskit.decide.refusals import transform_failed
from opskit.errors import AwsFailure, Denied, Unreachable
from opskit.flows.clock import Clock
from opskit.flows.events import LogLine, State, Tell, Trouble
from opskit.left_running import Kind, Running
from opskit.model import Endpoint, JobStatus, TrainingJob, TransformJob
from opskit.observe import jobs
from opskit.observe.training_log import TrainingLog

T = TypeVar("T")

_PATIENCE = timedelta(minutes=10)
_FIRST_SECONDS, _LONGEST_SECONDS = 1.0, 10.0
_LATE_LOOKS = 3


@dataclass
class _Log:
    """A job's log as it is told. Logs are for people: where they cannot be read, the run says so once and goes on."""

    log: TrainingLog
    tell: Tell
    lines: list[str] = field(default_factory=list)
    given_up: bool = False

    def read(self, door: Door) -> None:
        if self.given_up:
            return
        try:
            for line in self.log.new_lines(door):
                self.lines.append(line)
                self.tell(LogLine(line))
        except AwsFailure as failure:
            if isinstance(failure, Denied):
                self.given_up = True
                self.tell(Trouble("The log cannot be read", failure.problem.message))


def follow_training(door: Door, name: str, clock: Clock, tell: Tell) -> tuple[TrainingJob, list[str]]:
    """Watch a training job to its end, whatever that is, and return it with its log.

    Raises:
        AwsFailure: it cannot be looked at any more, or is not there.
    """
    log = _Log(TrainingLog(name), tell)
    door.left_running.note_running(Running(Kind.TRAINING_JOB, name, door.region, sure=True))
    for job in looks(lambda: _there(jobs.training_job(door, name), Kind.TRAINING_JOB, name, door), clock, tell):
        if job.status.is_over:
            door.left_running.note_ended(Kind.TRAINING_JOB, name, door.region)
        _tell_state(Kind.TRAINING_JOB, name, job.secondary or job.status, tell)
        log.read(door)
        if job.status.is_over:
            _await_late_lines(log, door, job, clock)
            return job, log.lines
    raise AssertionError("unreachable")


def _await_late_lines(log: _Log, door: Door, job: TrainingJob, clock: Clock) -> None:
    """CloudWatch may show the last lines, those that say why, only after the job has ended."""
    for _ in range(_LATE_LOOKS if job.status is JobStatus.FAILED else 0):
        if log.lines or log.given_up:
            return
        clock.sleep(_FIRST_SECONDS)
        log.read(door)


def follow_transform(door: Door, name: str, max_seconds: int | None, clock: Clock, tell: Tell) -> TransformJob:
    """Watch a transform job until it is completed. SageMaker gives it no time limit, so one that runs longer than
    ``max_seconds`` while we watch is stopped.

    Raises:
        AwsFailure: it failed, was stopped, or cannot be looked at any more.
    """
    until = None if max_seconds is None else clock.now() + timedelta(seconds=max_seconds)
    ran_out = False
    door.left_running.note_running(Running(Kind.TRANSFORM_JOB, name, door.region, sure=True))
    for job in looks(lambda: _there(jobs.transform_job(door, name), Kind.TRANSFORM_JOB, name, door), clock, tell):
        if job.status.is_over:
            door.left_running.note_ended(Kind.TRANSFORM_JOB, name, door.region)
        _tell_state(Kind.TRANSFORM_JOB, name, job.status, tell)
        if job.status is JobStatus.COMPLETED:
            return job
        if job.status.is_over:
            raise transform_failed(job, door.region, ran_out=ran_out)
        if until and not ran_out and clock.now() > until:
            stop_transform(door, name, f"it ran longer than {max_seconds} s")
            ran_out = True
    raise AssertionError("unreachable")


def follow_endpoint(door: Door, name: str, clock: Clock, tell: Tell) -> Endpoint | None:
    """Watch an endpoint until it answers, has failed, or is gone (None).

    Raises:
        AwsFailure: it cannot be looked at any more.
    """
    for found in looks(lambda: jobs.endpoint(door, name), clock, tell):
        _note_endpoint(door, name, found.status if found else None)
        if found is None:
            return None
        _tell_state(Kind.ENDPOINT, name, found.status, tell)
        if found.status in ("InService", "Failed", "OutOfService", "UpdateRollbackFailed"):
            return found
    raise AssertionError("unreachable")


def _note_endpoint(door: Door, name: str, status: str | None) -> None:
    """Note whether an endpoint that was seen so, or not at all (None), is one that somebody has to stop."""
    if status in (None, "Deleting", "Failed"):
        door.left_running.note_ended(Kind.ENDPOINT, name, door.region)
        return
    sure, reached = status not in ("OutOfService", "UpdateRollbackFailed"), status == "InService"
    door.left_running.note_running(Running(Kind.ENDPOINT, name, door.region, sure=sure, reached=reached))


def looks(look: Callable[[], T], clock: Clock, tell: Tell) -> Iterator[T]:
    """Look again and again, ever more slowly, and wait out what keeps us from looking."""
    begun, seen_last = clock.now(), clock.now()
    while True:
        try:
            seen = look()
        except AwsFailure as failure:
            passing = failure.passing or isinstance(failure, Unreachable)
            if not passing or clock.now() - seen_last > _PATIENCE:
                raise
            tell(Trouble("Looking again", failure.problem.message))
        else:
            seen_last = clock.now()
            yield seen
        clock.sleep(_pause_seconds(clock.now() - begun))


def _pause_seconds(watched: timedelta) -> float:
    """A job takes minutes: look each second at first, and each ten seconds after a few minutes."""
    return min(_LONGEST_SECONDS, max(_FIRST_SECONDS, watched.total_seconds() / 30))


def _there(found: T | None, kind: Kind, name: str, door: Door) -> T:
    if found is None:
        door.left_running.note_running(Running(kind, name, door.region))  # no job can be deleted: it may come to light
        raise AwsFailure("vanished", f"The {kind.words} {name} is not there.", region=door.region)
    return found


def _tell_state(kind: Kind, name: str, state: str, tell: Tell) -> None:
    tell(State(kind, name, str(state)))

"""Follows jobs and endpoints until they end. AWS goes on without opskit, so a failed read does not end it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TypeVar

from opskit.aws.client import AwsClient
from opskit.aws.log_tail import read_log_tail
from opskit.aws.polling import poll_until_done, read_after_pauses
from opskit.core.aws_names import TRANSFORM_LOG_GROUP, LogTail
from opskit.core.clock import Clock
from opskit.core.described_resources import Endpoint, TrainingJob, TransformJob
from opskit.core.events import ReadFailed
from opskit.core.exceptions import AccessDenied, AwsError
from opskit.core.live_resources import LiveResource, ResourceKind
from opskit.explain.rules.aws_errors import may_say_why_in_log, transform_failure
from opskit.training.changes.jobs import stop_transform
from opskit.training.events import LogLine, RunEventSink, StatusChanged
from opskit.training.reads import resources
from opskit.training.reads.training_log import TrainingLog

T = TypeVar("T")

# CloudWatch shows the last lines of a failed job some seconds late, and these lines hold the reason.
_LATE_READS = 3
_LATE_READ_SECONDS = 1.0


@dataclass
class _LogFollower:
    """A job's log as it is emitted. Logs are for people: if they cannot be read, that is reported once and the run goes
    on.
    """

    log: TrainingLog
    emit: RunEventSink
    lines: list[str] = field(default_factory=list)
    given_up: bool = False

    def read_new_lines(self, client: AwsClient) -> None:
        if self.given_up:
            return
        try:
            for line in self.log.new_lines(client):
                self.lines.append(line)
                self.emit(LogLine(line))
        except AwsError as failure:
            # Other failures, such as throttling, pass: the next poll reads on from the last token.
            if isinstance(failure, AccessDenied):
                self.given_up = True
                self.emit(ReadFailed("The log cannot be read", failure.problem.message))


def follow_training(client: AwsClient, name: str, clock: Clock, emit: RunEventSink) -> tuple[TrainingJob, list[str]]:
    """Follow a training job to its end, whatever that is, and return it with its log.

    Raises:
        AwsError: the job could not be read, or does not exist.
    """
    log = _LogFollower(TrainingLog(name), emit)
    client.live_resources.note_running(LiveResource(ResourceKind.TRAINING_JOB, name, client.region, confirmed=True))
    for job in poll_until_done(
        lambda: _require_resource(resources.read_training_job(client, name), ResourceKind.TRAINING_JOB, name, client),
        clock,
        emit,
    ):
        if job.status.is_finished:
            client.live_resources.note_ended(ResourceKind.TRAINING_JOB, name, client.region)
        _emit_status(ResourceKind.TRAINING_JOB, name, job.secondary_status or job.status, emit)
        log.read_new_lines(client)
        if job.status.is_finished:
            _read_late_lines(log, client, job, clock)
            return job, log.lines
    raise AssertionError("unreachable")


def _read_late_lines(log: _LogFollower, client: AwsClient, job: TrainingJob, clock: Clock) -> None:
    """Read the last lines, which hold the reason of a failure and may appear only after the job has ended."""
    # Where lines have come the log is there; only where there is none yet the reason may be on its way.
    is_late = job.status.may_log_late and not (log.lines or log.given_up)
    pauses = [_LATE_READ_SECONDS] * (_LATE_READS if is_late else 0)
    for _ in read_after_pauses(partial(log.read_new_lines, client), clock, pauses):
        if log.lines or log.given_up:
            return


def follow_transform(
    client: AwsClient, name: str, max_seconds: int | None, clock: Clock, emit: RunEventSink
) -> TransformJob:
    """Follow a transform job until it is completed. SageMaker has no time limit for transform jobs, so one that runs
    longer than ``max_seconds`` while it is followed is stopped.

    Raises:
        AwsError: the job failed, was stopped, or could not be read.
    """
    until = None if max_seconds is None else clock.now() + timedelta(seconds=max_seconds)
    ran_out = False
    client.live_resources.note_running(LiveResource(ResourceKind.TRANSFORM_JOB, name, client.region, confirmed=True))
    for job in poll_until_done(
        lambda: _require_resource(resources.read_transform_job(client, name), ResourceKind.TRANSFORM_JOB, name, client),
        clock,
        emit,
    ):
        if job.status.is_finished:
            client.live_resources.note_ended(ResourceKind.TRANSFORM_JOB, name, client.region)
        _emit_status(ResourceKind.TRANSFORM_JOB, name, job.status, emit)
        if job.status.is_completed:
            return job
        if job.status.is_finished:
            raise transform_failure(job, client.region, _read_transform_log(client, job, clock), ran_out=ran_out)
        # Stopped once, and then followed to its end: the job says by itself what became of it.
        if until and not ran_out and clock.now() > until:
            stop_transform(client, name, f"it ran longer than {max_seconds} s")
            ran_out = True
    raise AssertionError("unreachable")


def _read_transform_log(client: AwsClient, job: TransformJob, clock: Clock) -> LogTail | None:
    if job.status.is_stopped or not may_say_why_in_log(job.failure):
        return None
    return read_log_tail(client, TRANSFORM_LOG_GROUP, f"{job.name}/", clock)


def follow_endpoint(client: AwsClient, name: str, clock: Clock, emit: RunEventSink) -> Endpoint | None:
    """Follow an endpoint until it is in service, has failed, or is gone (None).

    Raises:
        AwsError: the endpoint could not be read.
    """
    for endpoint in poll_until_done(lambda: resources.read_endpoint(client, name), clock, emit):
        _note_endpoint(client, name, endpoint)
        if endpoint is None:
            return None
        _emit_status(ResourceKind.ENDPOINT, name, endpoint.status, emit)
        if endpoint.traits.is_settled:
            return endpoint
    raise AssertionError("unreachable")


def _note_endpoint(client: AwsClient, name: str, endpoint: Endpoint | None) -> None:
    """Record whether an endpoint as it was read (None: it does not exist) has to be deleted by somebody."""
    if endpoint is None or not endpoint.traits.may_bill:
        client.live_resources.note_ended(ResourceKind.ENDPOINT, name, client.region)
        return
    confirmed, reached = endpoint.traits.surely_bills, endpoint.traits.is_in_service
    client.live_resources.note_running(
        LiveResource(ResourceKind.ENDPOINT, name, client.region, confirmed=confirmed, reached=reached)
    )


def _require_resource(resource: T | None, kind: ResourceKind, name: str, client: AwsClient) -> T:
    if resource is None:
        client.live_resources.note_running(
            LiveResource(kind, name, client.region)
        )  # no job can be deleted: it may come to light
        raise AwsError("vanished", f"The {kind.label} {name} is not there.", region=client.region)
    return resource


def _emit_status(kind: ResourceKind, name: str, state: str, emit: RunEventSink) -> None:
    emit(StatusChanged(kind, name, str(state)))

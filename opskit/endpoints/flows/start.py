"""Bring a stopped endpoint back: make it from the same configuration, wait until it is in service, set its counts,
weights, tags and scaling, see that all of it is there, and only then take its record off.

Each step looks at what is there first, so it may be killed at any moment and run again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.create_once import create_when_config_visible
from opskit.aws.log_tail import read_log_tail
from opskit.aws.polling import poll_until_done, read_after_pauses
from opskit.aws.resource_tags import read_tags
from opskit.core.aws_names import endpoint_log_group, is_possible_name
from opskit.core.clock import Clock
from opskit.core.events import EventSink, Message
from opskit.core.exceptions import AwsError, GuardRefused, OpskitError, OutcomeUnknown, UsageError
from opskit.core.live_resources import LiveResource, ResourceKind
from opskit.core.model import Unknown
from opskit.endpoints.changes import endpoints as changes
from opskit.endpoints.changes.endpoints import put_scaling
from opskit.endpoints.flows.start_guard import check_restore_quota
from opskit.endpoints.reads.attachments import read_scaling
from opskit.endpoints.reads.endpoints import describe_endpoint, read_hosted_endpoint
from opskit.endpoints.reads.stopped import StoppedEndpoint, find_stopped
from opskit.endpoints.rules.enums import EndpointAction
from opskit.endpoints.rules.model import HostedEndpoint
from opskit.endpoints.rules.restore_record import RestoreRecord, is_record_key
from opskit.endpoints.rules.scaling import missing_scaling
from opskit.endpoints.rules.start_plan import (
    StartOutcome,
    StartStep,
    missing_tags,
    plan_start,
    wanted_capacities,
)
from opskit.explain.rules.aws_errors import log_hint, may_say_why_in_log
from opskit.state.journal import mark_done

# A change of counts, tags or scaling whose answer was lost, or that is seen late, is looked for as often.
_SEEN_PAUSES_SECONDS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True)
class StartResult:
    """What became of an endpoint that was to be brought back. ``endpoint`` is how it was seen last, ``record`` what
    brings it back, and ``step`` what was due; None: there is none to tell of. ``error`` is why it is not back; None:
    nothing failed.
    """

    name: str
    outcome: StartOutcome
    endpoint: HostedEndpoint | None
    record: RestoreRecord | None
    step: StartStep | None = None
    error: OpskitError | None = None


@dataclass(frozen=True)
class StartPlan:
    """What is due for one endpoint. ``stopped`` and ``step`` None: it runs, and nothing is left to do. ``there`` is the
    endpoint of this name; None: there is none.
    """

    name: str
    stopped: StoppedEndpoint | None
    there: HostedEndpoint | None
    step: StartStep | None

    @property
    def record(self) -> RestoreRecord | None:
        """What brings it back."""
        return self.stopped.record if self.stopped else None


def plan_endpoint_start(client: AwsClient, name: str, clock: Clock) -> StartPlan:
    """See what is there of an endpoint that is to be brought back.

    Raises:
        UsageError: there is neither the endpoint nor a record of it.
        GuardRefused: its record is not whole, another endpoint has its name, or it failed and has no record.
        AwsError: AWS does not say.
    """
    if not is_possible_name(name):
        return _plan_without_record(client, name, None)
    there = read_hosted_endpoint(client, name)
    stopped = find_stopped(client, name, (there.config,) if there else ())
    if stopped is None:
        return _plan_without_record(client, name, there)
    if stopped.record is None:
        text = (
            f"What brings {name} back is not whole on the configuration {stopped.config_arn.rpartition('/')[2]}, or "
            "another version of opskit wrote it."
        )
        raise GuardRefused("record-damaged", text, _BY_HAND.format(stopped.config_arn), region=client.region)
    if there is not None and there.traits.is_going:
        return StartPlan(name, stopped, there, StartStep.CREATE)
    step = plan_start(stopped.record, there)
    if step.is_conflict and there is not None:
        text = f"There is another endpoint {name}, of the configuration {there.config}, since {there.created:%Y-%m-%d}."
        hint = f"What brings the stopped one back stays on the configuration {stopped.record.config}."
        raise GuardRefused("name-taken", text, hint, region=client.region)
    return StartPlan(name, stopped, there, step)


_BY_HAND = "`aws sagemaker list-tags --resource-arn {}` shows what is left of it."


def _plan_without_record(client: AwsClient, name: str, there: HostedEndpoint | None) -> StartPlan:
    if there is not None and there.traits.surely_bills:
        return StartPlan(name, None, there, None)
    if there is not None and not there.traits.is_going:
        text = f"The endpoint {name} is {there.status}, and there is no record that brings it back."
        hint = f"`aws sagemaker delete-endpoint --endpoint-name {name} --region {client.region}` deletes it."
        raise GuardRefused("no-record", text, hint, region=client.region)
    text = f"opskit has stopped no endpoint '{name}' in {client.region}."
    hint = "`opskit endpoint list` shows those that can be brought back; --region looks elsewhere."
    raise UsageError("no-endpoint", text, hint)


def check_planned_quota(client: AwsClient, plan: StartPlan, clock: Clock, *, guard: bool) -> None:
    """For a plan that is only shown: look whether there is room now. While the endpoint is being deleted its instances
    may still count, so that this tells nothing.

    Raises:
        GuardRefused: there is none.
        AwsError: that could not be read.
    """
    is_going = plan.there is not None and plan.there.traits.is_going
    if guard and not is_going and plan.record is not None and plan.step is not None and plan.step.makes_endpoint:
        check_restore_quota(client, plan.record, clock)


def start_endpoint(
    client: AwsClient, plan: StartPlan, clock: Clock, emit: EventSink, *, guard: bool = True
) -> StartResult:
    """Bring it back as planned; with ``guard`` only if there is room once it is to be made.

    Raises:
        OpskitError: AWS refused, or it did not come into service; run again, it goes on from there.
    """
    if plan.stopped is None or plan.record is None or plan.step is None:
        return StartResult(plan.name, StartOutcome.ALREADY, plan.there, None)
    return _Restoration(client, plan.stopped, plan.record, clock, emit, guard).run(plan)


@dataclass
class _Restoration:
    client: AwsClient
    stopped: StoppedEndpoint
    record: RestoreRecord
    clock: Clock
    emit: EventSink
    guard: bool
    told_status: str = ""

    def run(self, plan: StartPlan) -> StartResult:
        step, there = plan.step, plan.there
        assert step is not None
        if there is not None and there.traits.is_going:
            self._wait_until_gone()
        if step.runs_already:
            self._forget_record("it was never deleted")
            return StartResult(plan.name, StartOutcome.ALREADY, there, self.record, step)
        if step.deletes_failed:
            changes.delete_failed_endpoint(self.client, plan.name)
            self._wait_until_gone()
        if step.makes_endpoint:
            # Only now: while the old one was being deleted, its instances still counted.
            if self.guard:
                check_restore_quota(self.client, self.record, self.clock)
            self._create()
        # The record goes last, when all of it is back: whatever ends this run before, another goes on from it.
        self._wait_in_service()
        endpoint = self._restore_rest()
        self._forget_record("it is back")
        return StartResult(plan.name, StartOutcome.DONE, endpoint, self.record, step)

    def _create(self) -> None:
        create_when_config_visible(
            lambda: changes.create_endpoint_again(self.client, self.record, self.record.tags),
            lambda: describe_endpoint(self.client, self.record.endpoint) is not None,
            self.clock,
        )

    def _read(self) -> HostedEndpoint | None:
        return read_hosted_endpoint(self.client, self.record.endpoint)

    def _wait_until_gone(self) -> None:
        for there in poll_until_done(self._read, self.clock, self.emit):
            if there is None:
                return
            if not there.traits.is_going and not there.traits.has_failed:
                return

    def _wait_in_service(self) -> HostedEndpoint:
        """Wait until it is in service.

        Raises:
            AwsError: it failed, or is gone.
        """
        name = self.record.endpoint
        for there in poll_until_done(self._read, self.clock, self.emit):
            if there is None:
                raise AwsError("vanished", f"The endpoint {name} is not there any more.", region=self.client.region)
            self._note(there)
            if there.status != self.told_status:
                self.told_status = there.status
                self.emit(Message(f"{name}: {there.status}"))
            if there.traits.is_settled and not there.is_deploying:
                if there.traits.is_in_service:
                    return there
                raise self._failure(there)
        raise AssertionError("unreachable")

    def _failure(self, there: HostedEndpoint) -> AwsError:
        """Why it does not answer, with the last of its log."""
        hint = f"`opskit endpoint start {there.name}` tries again; its record stays."
        if may_say_why_in_log(there.failure):
            tail = read_log_tail(self.client, endpoint_log_group(there.name), "", self.clock)
            hint = f"{hint} {log_hint(tail, self.client.region)}"
        text = f"{there.name} is {there.status}: {there.failure or 'AWS gives no reason'}"
        return AwsError("endpoint-failed", text, hint, region=self.client.region)

    def _note(self, there: HostedEndpoint) -> None:
        kind, name, region = ResourceKind.ENDPOINT, self.record.endpoint, self.client.region
        if not there.traits.may_bill:
            self.client.live_resources.note_ended(kind, name, region)
            return
        running = LiveResource(kind, name, region, confirmed=True, reached=there.traits.is_in_service)
        self.client.live_resources.note_running(running)

    def _restore_rest(self) -> HostedEndpoint:
        """Set what is missing, and look again, until nothing is.

        Raises:
            AwsError: AWS refused, or does not show what it took.
        """
        missing, pauses = "", list(_SEEN_PAUSES_SECONDS)
        while True:
            endpoint = self._wait_in_service()
            before, missing = missing, self._set_missing(endpoint)
            if not missing:
                return endpoint
            if missing != before:
                pauses = list(_SEEN_PAUSES_SECONDS)
            if not pauses:
                break
            self.clock.sleep(pauses.pop(0))  # what was set may be seen late
        text = f"{self.record.endpoint} is back, but AWS does not show its {missing} as they were."
        hint = f"`opskit endpoint start {self.record.endpoint}` tries again; its record stays."
        raise OutcomeUnknown("not-restored", text, hint, region=self.client.region)

    def _set_missing(self, endpoint: HostedEndpoint) -> str:
        """Set what is missing now: what it was; empty: nothing is."""
        name, record = endpoint.name, self.record
        if capacities := wanted_capacities(record, endpoint):
            self._send(partial(changes.set_weights_and_counts, self.client, name, capacities))
            return "counts and weights"
        if tags := missing_tags(record.tags, read_tags(self.client, endpoint.arn)):
            self._send(partial(changes.add_endpoint_tags, self.client, name, endpoint.arn, tags))
            return "tags"
        # Scaling last: from when a target is there, Application Auto Scaling changes the counts by itself.
        there = read_scaling(self.client, name, [variant.name for variant in endpoint.variants])
        if isinstance(there, Unknown):
            raise AwsError("scaling-unread", f"What scales {name} could not be read: {there.reason}")
        scaling = missing_scaling(record.scaling, there, self.clock.now())
        if not scaling.is_empty:
            self._send(partial(put_scaling, self.client, name, scaling))
            return "scaling"
        return ""

    def _send(self, change: partial[None]) -> None:
        """Send a change that sets something to what it was."""
        try:
            change()
        # Nothing is repeated: the next round looks what is still missing.
        except OutcomeUnknown:
            return
        except AwsError:
            there = self._read()
            # An update that was sent before, and is seen only now, stands in the way of the next.
            if there is None or not there.traits.is_transitioning:
                raise

    def _forget_record(self, reason: str) -> None:
        """Take the record off, and see that it is off.

        Raises:
            AwsError: AWS refused, or does not show it.
        """
        arn, name = self.stopped.config_arn, self.record.endpoint
        keys = self._record_keys(arn)
        lost: OutcomeUnknown | None = None
        if keys:
            try:
                changes.forget_record(self.client, name, arn, keys, reason)
            except OutcomeUnknown as failure:
                lost = failure
        pauses = (0.0, *_SEEN_PAUSES_SECONDS[:-1])
        if not all(read_after_pauses(lambda: self._record_keys(arn), self.clock, pauses)):
            if lost is not None:
                mark_done(self.client, EndpointAction.FORGET, name, "its tags are gone")
            return
        if lost is not None:
            raise lost

    def _record_keys(self, arn: str) -> list[str]:
        tags: Mapping[str, str] = read_tags(self.client, arn)
        return [key for key in tags if is_record_key(key)]


def refused_start(name: str, error: OpskitError) -> StartResult:
    """A start that did not come about."""
    outcome = StartOutcome.UNKNOWN if isinstance(error, OutcomeUnknown) else StartOutcome.REFUSED
    return StartResult(name, outcome, None, None, error=error)


def planned_start(plan: StartPlan) -> StartResult:
    """A plan as what would be done."""
    outcome = StartOutcome.PLANNED if plan.step is not None else StartOutcome.ALREADY
    return replace(StartResult(plan.name, outcome, plan.there, plan.record), step=plan.step)

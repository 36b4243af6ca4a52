"""Stop endpoints: look, plan, write down what brings each back, look again right before the delete, delete, and see
that it happened.

The order is the safety: the record stands on the configuration, and was read back, before the delete is sent. Killed at
any moment, there is the endpoint, or the whole record, or both; run again, it goes on from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather
from opskit.aws.pacing import AdaptivePacer, ThrottledTries
from opskit.aws.polling import read_after_pauses
from opskit.aws.resource_tags import read_tags
from opskit.core.aws_statuses import EndpointStatus
from opskit.core.clock import Clock
from opskit.core.exceptions import AwsError, GuardRefused, OutcomeUnknown, Throttled
from opskit.core.grace import GraceTag, IdleStep, format_grace_tag
from opskit.core.model import Unknown
from opskit.core.stop_outcome import FRESH_SECONDS, GONE, MAX_STALE_READS, StopOutcome
from opskit.core.tags import IDLE_SINCE
from opskit.endpoints.changes import endpoints as changes
from opskit.endpoints.flows.inspect import InspectedEndpoint, inspect_endpoint
from opskit.endpoints.flows.restore_check import RestoreCheck, RestoreInputs, assess_restore, read_restore_inputs
from opskit.endpoints.flows.stop_plan import (
    EndpointStop,
    EndpointStopPolicy,
    pack_record_tags,
    plan_endpoint_stop,
    refuse_endpoint_stop,
)
from opskit.endpoints.reads.endpoints import describe_endpoint
from opskit.endpoints.rules.enums import EndpointAction
from opskit.endpoints.rules.model import HostedEndpoint
from opskit.endpoints.rules.restore_record import is_record_key, unpack_record
from opskit.keeps.flows import record_grace_before_tag
from opskit.notifications.rules import StoppableKind
from opskit.state.journal import PendingChange, mark_done

# A tag that was just added may be told of some seconds later.
_TAG_PAUSES_SECONDS = (0.0, 0.5, 1.0, 1.0, 2.0, 2.0, 4.0, 4.0, 8.0, 8.0)
# An AWS that has taken a delete may go on saying InService for a moment.
_STATUS_PAUSES_SECONDS = (0.0, 1.0, 1.0, 2.0, 4.0)
# An endpoint that keeps changing while its record is written is left to the next run.
_MAX_RECORDS = 3


def execute_endpoint_stops(
    plan: Sequence[EndpointStop], terms: EndpointStopPolicy, clock: Clock
) -> tuple[EndpointStop, ...]:
    """Stop what is planned, one after the other; one that fails does not hinder the others."""
    paces: dict[tuple[str, IdleStep], AdaptivePacer] = {}
    done = []
    for action in plan:
        if action.step.is_change and (action.outcome_is_planned or action.outcome is None):
            key = (action.inspected.client.region, action.step)
            pace = paces.setdefault(key, AdaptivePacer(clock))
            done.append(_Execution(action, terms, clock, pace).execute())
        else:
            done.append(action)
    return tuple(done)


@dataclass
class _Execution:
    """One endpoint on its way to what is due."""

    action: EndpointStop
    terms: EndpointStopPolicy
    clock: Clock
    pace: AdaptivePacer
    _sent: EndpointStop = field(init=False)
    _known: HostedEndpoint | None = None

    @property
    def client(self) -> AwsClient:
        return self.action.inspected.client

    @property
    def name(self) -> str:
        return self.action.inspected.endpoint.name

    @property
    def price(self) -> Decimal | Unknown:
        return self.action.inspected.price

    def execute(self) -> EndpointStop:
        """Do it; what AWS refuses, or a last look speaks against, is told."""
        try:
            return self._stop() if self.action.will_stop else self._tag()
        except OutcomeUnknown as failure:
            return replace(self.action, outcome=StopOutcome.UNKNOWN, reason=failure.problem.message)
        except (AwsError, GuardRefused) as failure:
            said = (
                f"AWS refused: {failure.problem.message}" if isinstance(failure, AwsError) else failure.problem.message
            )
            return replace(self.action, outcome=StopOutcome.REFUSED, reason=said)

    def _stop(self) -> EndpointStop:
        for _ in range(_MAX_RECORDS):
            check, due = self._recheck_endpoint()
            if check is None or not due.outcome_is_planned:
                return due
            written = self._write_record(check)
            after = self._delete_if_same(due, check, written)
            if after is None:
                continue
            if after.is_done or after.outcome_is_unknown:
                self._keep_record(check, written)
            # The record of one that was not deleted stays: another run may just be deleting it by that. It is known by
            # the endpoint's being there, and the next stop replaces it.
            return after
        said = "it changed again and again while its record was written; run it again"
        return replace(self.action, outcome=StopOutcome.REFUSED, reason=said)

    def _recheck_endpoint(self) -> tuple[RestoreCheck | None, EndpointStop]:
        """All that there is to know now, and what is due by that.

        Raises:
            AwsError: AWS does not say how it is.
        """
        now = self.clock.now()
        seen, parts = self._read_all(now)
        if seen is None:
            return None, replace(self.action, step=IdleStep.NOTHING, outcome=None, reason="it is gone", status=GONE)
        due = self._still_due(plan_endpoint_stop(seen, self.terms, now))
        if not due.outcome_is_planned:
            return None, due
        check = assess_restore(parts, seen, now)
        return check, due if check.refusal is None else refuse_endpoint_stop(due, check.refusal)

    def _read_all(self, now: datetime) -> tuple[InspectedEndpoint | None, RestoreInputs]:
        """Everything side by side, by the names that the look before has found; where those have changed, once more.

        Raises:
            AwsError: AWS does not say how it is.
        """
        while True:
            known = self._known or self.action.inspected.endpoint
            seen, parts = gather(
                partial(inspect_endpoint, self.client, known, self.terms.idle_policy, self.price, now),
                partial(read_restore_inputs, self.client, known),
            )
            if seen is None or _names_of(seen.endpoint) == _names_of(known):
                return seen, parts
            self._known = seen.endpoint

    def _still_due(self, due: EndpointStop) -> EndpointStop:
        """What is due by a later look."""
        due = replace(due, restore_warning=self.action.restore_warning, data_unread=self.action.data_unread)
        # To what speaks against a stop only now, nobody has agreed.
        if due.question is None or self.action.question is not None:
            return due
        said = f"{due.question.message} That was not so when it was planned"
        return replace(due, outcome=StopOutcome.REFUSED, reason=said, refusal=due.question, question=None)

    def _write_record(self, check: RestoreCheck) -> dict[str, str]:
        """Write the record and see that it stands.

        Raises:
            AwsError: it does not, or whether it does is not known.
        """
        tags, record, arn = pack_record_tags(check), check.record, check.facts.config_arn
        assert record is not None and isinstance(check.facts.config_tags, Mapping)
        left_over = [key for key in check.facts.config_tags if is_record_key(key) and key not in tags]
        lost: OutcomeUnknown | None = None
        try:
            # The new tags first, then the old ones off: a kill in between leaves a record that is whole.
            changes.write_record(self.client, record, arn, tags)
            if left_over:
                changes.forget_record(self.client, self.name, arn, left_over, "left over from an older record")
        except OutcomeUnknown as failure:
            lost = failure
        if self._record_persists(arn, tags):
            if lost is not None:
                mark_done(self.client, EndpointAction.RECORD, self.name, "its tags are there")
            return tags
        if lost is not None:
            raise lost
        text = (
            f"What brings {self.name} back was written onto the configuration {record.config}, and is not seen there."
        )
        raise AwsError("record-unseen", text, "Nothing was deleted; run it again.", region=self.client.region)

    def _keep_record(self, check: RestoreCheck, written: Mapping[str, str]) -> None:
        """See that the record still stands now that the endpoint goes."""
        arn, record = check.facts.config_arn, check.record
        # Another run of opskit, which found the endpoint there, may have taken it off in the same moment.
        there = unpack_record(read_tags(self.client, arn), arn)
        if record is not None and (there is None or there.endpoint != self.name):
            changes.write_record(self.client, record, arn, written)

    def _record_persists(self, arn: str, tags: Mapping[str, str]) -> bool:
        seen = read_after_pauses(lambda: read_tags(self.client, arn), self.clock, _TAG_PAUSES_SECONDS)
        return any(_record_tags(found) == tags for found in seen)

    def _delete_if_same(
        self, due: EndpointStop, check: RestoreCheck, written: Mapping[str, str]
    ) -> EndpointStop | None:
        """Delete it if a last look finds everything as it was recorded; None: it finds something else to record."""
        seen = due.inspected
        # Before the attempt, which replaces it: a lost answer is told with the look that the delete stood on.
        self._sent = due
        try:
            with changes.prepare_delete(self.client, seen.endpoint, due.reason, seen.usd_per_hour) as intent:
                after = self._send_until_accepted(intent, check, written)
                if not intent.is_sent:
                    intent.error = after.reason if after else "it changed while its record was written"
                    return after
        except OutcomeUnknown as failure:
            return self._resolve_delete(self._sent, failure)
        return self._resolve_delete(self._sent, None)

    def _send_until_accepted(
        self, intent: PendingChange[[]], check: RestoreCheck, written: Mapping[str, str]
    ) -> EndpointStop | None:
        """Look and send, and look again before sending again, until AWS takes it or a look speaks against it.

        Raises:
            AwsError: AWS refused, or its answer was lost (OutcomeUnknown).
        """
        throttled, old = ThrottledTries(self.pace), 0
        while True:
            turn, began = self.pace.wait_turn(), self.clock.monotonic()
            now_check, now_due = self._recheck_endpoint()
            if now_check is None or not now_due.outcome_is_planned:
                return now_due
            if not _is_recorded(now_check, check, written):
                return None
            age = self.clock.monotonic() - began
            if age > FRESH_SECONDS:
                old += 1
                if old < MAX_STALE_READS:
                    continue
                said = f"{now_due.reason}; reading it took {age:.1f} s, and opskit acts on nothing that old"
                return replace(now_due, outcome=StopOutcome.REFUSED, reason=said)
            # Noted before it is sent, so that a lost answer is told with the look that it stood on.
            self._sent = replace(now_due, looked_ms_ago=int(age * 1000))
            try:
                intent.send_change()
            except Throttled:
                self.pace.slow_down(turn)
                if throttled.is_last():
                    raise
            else:
                self.pace.mark_accepted()
                return self._sent

    def _resolve_delete(self, due: EndpointStop, failure: OutcomeUnknown | None) -> EndpointStop:
        """Confirm that it goes; where the answer was lost, what is there tells what happened."""
        status = ""
        try:
            describe = partial(describe_endpoint, self.client, self.name)
            for said in read_after_pauses(describe, self.clock, _STATUS_PAUSES_SECONDS):
                # One of another time of creation is another endpoint that somebody has made under the name since.
                is_other = said is not None and said.get("CreationTime") != due.inspected.endpoint.created
                status = GONE if said is None or is_other else str(said["EndpointStatus"])
                if status == GONE or EndpointStatus(status).traits.is_going:
                    break
        except AwsError as unread:
            reason = f"{due.reason}; whether it is deleted could not be read: {unread.problem.message}"
            return replace(due, outcome=StopOutcome.UNKNOWN, reason=reason)
        if status == GONE or EndpointStatus(status).traits.is_going:
            if failure is not None:
                mark_done(self.client, EndpointAction.STOP, self.name, status)
            return replace(due, outcome=StopOutcome.DONE, status=status)
        lost = failure.problem.message if failure else f"AWS accepted the delete, but reports {status}"
        return replace(due, outcome=StopOutcome.UNKNOWN, reason=f"{due.reason}; {lost}", status=status)

    def _tag(self) -> EndpointStop:
        """Begin or end a grace, after a last look."""
        step, seen = self.action.step, self.action.inspected
        prepare = changes.prepare_endpoint_tagging if step.begins_grace else changes.prepare_endpoint_untagging
        with prepare(self.client, seen.endpoint, [IDLE_SINCE]) as intent:
            began, now = self.clock.monotonic(), self.clock.now()
            there = inspect_endpoint(self.client, seen.endpoint, self.terms.idle_policy, self.price, now)
            if there is None:
                intent.error = "it is gone"
                return replace(self.action, step=IdleStep.NOTHING, reason="it is gone", status=GONE)
            due = plan_endpoint_stop(there, self.terms, now)
            if due.step is not step:
                intent.error = due.reason
                said = f"{due.reason}, which was not so when it was planned; the next run acts on it"
                return replace(due, step=IdleStep.NOTHING, reason=said, outcome=None)
            if step.begins_grace and due.stops_at is not None:
                record_grace_before_tag(StoppableKind.ENDPOINT, due.inspected.endpoint, due.stops_at)
            intent.send_change(*self._tag_arguments(due, now))
            age = int((self.clock.monotonic() - began) * 1000)
            told = self.action
            return replace(due, looked_ms_ago=age, restore_warning=told.restore_warning, data_unread=told.data_unread)

    def _tag_arguments(self, due: EndpointStop, now: datetime) -> tuple[dict[str, str], ...]:
        if not due.step.begins_grace:
            return ()
        grace = GraceTag(now, due.stops_at or now, self.terms.run_id)
        return ({IDLE_SINCE: format_grace_tag(grace, due.inspected.endpoint.arn)},)


def _names_of(endpoint: HostedEndpoint) -> tuple[str, ...]:
    """By what everything else of an endpoint is read."""
    return endpoint.config, *(variant.name for variant in endpoint.variants)


def _is_recorded(check: RestoreCheck, recorded: RestoreCheck, written: Mapping[str, str]) -> bool:
    """Whether a look finds what was recorded, and the record where it was written."""
    if check.record is None or recorded.record is None or not isinstance(check.facts.config_tags, Mapping):
        return False
    return check.record.holds_same(recorded.record) and _record_tags(check.facts.config_tags) == written


def _record_tags(tags: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if is_record_key(key)}

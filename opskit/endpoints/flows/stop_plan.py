"""What is due for each of the endpoints that were seen, refusals included, what became of it, and whose graces have
begun.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from secrets import token_hex

from opskit.aws.gather import gather_all
from opskit.aws.resource_tags import read_arn_tags
from opskit.core.clock import Clock
from opskit.core.exceptions import GuardRefused, Problem
from opskit.core.grace import IdleStep, next_step
from opskit.core.model import Unknown
from opskit.core.stop_outcome import ResourceStop, StopOutcome
from opskit.endpoints.flows.inspect import EndpointInspection, InspectedEndpoint
from opskit.endpoints.flows.restore_check import RestoreCheck, check_restore, read_restore_warnings
from opskit.endpoints.rules.idleness import EndpointPolicy
from opskit.endpoints.rules.restore_record import pack_record
from opskit.endpoints.rules.stop_refusals import consent_question, endpoint_status_refusal
from opskit.keeps.flows import confirm_sent_graces

NOT_LOOKED_AT = Unknown("not looked at, since it is not to be stopped", "not-looked-at")
"""Why it is not known how an endpoint could come back that stays."""


@dataclass(frozen=True)
class EndpointStop(ResourceStop[InspectedEndpoint]):
    """What is due for one endpoint, and what became of that. ``restore_warning`` is why the quota may not be there when
    it is brought back; None: there is nothing to warn of. ``data_unread`` is why it is not known whether the models'
    data are in S3; None: that is known.
    """

    restore_warning: str | Unknown | None = NOT_LOOKED_AT
    data_unread: Unknown | None = NOT_LOOKED_AT

    @property
    def is_unreadable(self) -> bool:
        """Whether it is kept because something could not be read."""
        return not self.will_stop and not self.inspected.assessment.readable


@dataclass(frozen=True)
class EndpointStopPolicy:
    """What the user calls idle, and for how long (``grace``) an idle endpoint stays tagged before it is stopped; None
    for ``grace``: it is not tagged. ``run_id`` tells the tags of this run from those of others. ``by_name``: endpoints
    were named, so idleness does not decide.
    """

    idle_policy: EndpointPolicy
    grace: timedelta | None = None
    by_name: bool = False
    run_id: str = field(default_factory=lambda: token_hex(4))


def plan_endpoint_stops(
    inspection: EndpointInspection, terms: EndpointStopPolicy, now: datetime
) -> tuple[EndpointStop, ...]:
    """What is due for the endpoints seen, refusals included: what could not be brought back is not stopped."""
    due = [plan_endpoint_stop(seen, terms, now) for seen in inspection.endpoints]
    prepared = gather_all([partial(_prepare_stop, action, now) for action in due])
    # Once a Region: each count of what is in use looks at all its endpoints.
    clients = {action.inspected.client.region: action.inspected.client for action in prepared}
    going = [action.inspected.endpoint for action in prepared if action.outcome_is_planned or action.step.begins_grace]
    notes = {
        region: read_restore_warnings(client, [each for each in going if each.region == region], now)
        for region, client in clients.items()
    }
    return tuple(_with_restore_warning(action, notes) for action in prepared)


def _with_restore_warning(
    action: EndpointStop, notes: Mapping[str, Mapping[str, str | Unknown | None]]
) -> EndpointStop:
    endpoint = action.inspected.endpoint
    return replace(action, restore_warning=notes.get(endpoint.region, {}).get(endpoint.name, NOT_LOOKED_AT))


def plan_endpoint_stop(seen: InspectedEndpoint, terms: EndpointStopPolicy, now: datetime) -> EndpointStop:
    """What is due for one endpoint by its verdict, or because it was named."""
    if not terms.by_name:
        return _plan_idle_stop(seen, terms, now)
    if seen.assessment.verdict.is_stopped:
        return EndpointStop(seen, IdleStep.NOTHING, seen.assessment.reason)
    action = EndpointStop(seen, IdleStep.STOP, "asked for by name", StopOutcome.PLANNED)
    if (refusal := endpoint_status_refusal(seen.endpoint)) is not None:
        return refuse_endpoint_stop(action, refusal)
    return replace(action, question=consent_question(seen.endpoint, seen.assessment))


def _plan_idle_stop(seen: InspectedEndpoint, terms: EndpointStopPolicy, now: datetime) -> EndpointStop:
    tags = seen.tags if isinstance(seen.tags, Mapping) else {}
    due = next_step(seen.assessment, tags, terms.grace, now, seen.endpoint.arn)
    if due.step.is_change and seen.assessment.is_idle and seen.endpoint.costs_nothing_idle:
        return EndpointStop(seen, IdleStep.NOTHING, f"{due.reason}; it has no instances, and costs nothing while idle")
    outcome = StopOutcome.PLANNED if due.step.is_stop else None
    return EndpointStop(seen, due.step, due.reason, outcome, stops_at=due.stops_at)


def refuse_endpoint_stop(action: EndpointStop, refusal: Problem) -> EndpointStop:
    """The same, left alone for this reason."""
    return replace(action, outcome=StopOutcome.REFUSED, refusal=refusal, reason=refusal.message, question=None)


def _prepare_stop(action: EndpointStop, now: datetime) -> EndpointStop:
    """The same with what only a stop has to know."""
    # A grace begins only for what could be brought back, so it is asked as much as a stop is.
    if not (action.outcome_is_planned or action.step.begins_grace):
        return action
    client = action.inspected.client
    check = check_restore(client, action.inspected, now)
    if (refusal := check.refusal or _packing_refusal(check)) is not None:
        return refuse_endpoint_stop(replace(action, step=IdleStep.STOP), refusal)
    return replace(action, data_unread=check.data_unread)


def _packing_refusal(check: RestoreCheck) -> Problem | None:
    try:
        pack_record_tags(check)
    except GuardRefused as refusal:
        return refusal.problem
    return None


def pack_record_tags(check: RestoreCheck) -> dict[str, str]:
    """The tags of a record that is to be written.

    Raises:
        GuardRefused: it does not fit.
    """
    assert check.record is not None and isinstance(check.facts.config_tags, Mapping)
    return pack_record(check.record, check.facts.config_arn, check.facts.config_tags)


def confirm_endpoint_graces(
    actions: Sequence[EndpointStop], terms: EndpointStopPolicy, clock: Clock
) -> tuple[EndpointStop, ...]:
    """The same with ``grace_begun`` where a grace has begun with this run."""
    return confirm_sent_graces(actions, _tags_of_endpoint, terms.run_id, clock)


def _tags_of_endpoint(action: EndpointStop) -> tuple[str, object]:
    arn = action.inspected.endpoint.arn
    return arn, read_arn_tags(action.inspected.client, arn)

"""See whose graces have begun: of several runs that found an endpoint idle at once, one tells of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from opskit.aws.gather import gather_all
from opskit.aws.resource_tags import read_arn_tags
from opskit.core.clock import Clock
from opskit.core.grace import judge_sent_grace
from opskit.core.model import Unknown
from opskit.core.stop_outcome import SETTLE_SECONDS
from opskit.endpoints.flows.stop_action import EndpointStop, EndpointStopPolicy


def settle_endpoint_graces(
    actions: Sequence[EndpointStop], terms: EndpointStopPolicy, clock: Clock
) -> tuple[EndpointStop, ...]:
    """The same with ``grace_begun`` where a grace has begun with this run: its tag stands after a moment, also where
    AWS's answer to it was lost.
    """
    if not any(action.sent_grace for action in actions):
        return tuple(actions)
    clock.sleep(SETTLE_SECONDS)
    return tuple(gather_all([partial(_settle_endpoint_grace, action, terms) for action in actions]))


def _settle_endpoint_grace(action: EndpointStop, terms: EndpointStopPolicy) -> EndpointStop:
    if not action.sent_grace:
        return action
    endpoint = action.inspected.endpoint
    tags = read_arn_tags(action.inspected.client, endpoint.arn)
    found = judge_sent_grace(tags, endpoint.arn, terms.run_id, action.stops_at)
    is_known = found.stops_at is not None and not isinstance(tags, Unknown)
    return replace(
        action,
        reason=f"{action.reason}; {found.word}" if found.word else action.reason,
        grace_begun=found.is_own,
        stops_at=found.stops_at,
        outcome=None if is_known else action.outcome,
    )

"""See whose graces have begun: of several runs that found a notebook idle at once, one tells of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from opskit.aws.gather import gather_all
from opskit.core.clock import Clock
from opskit.core.grace import judge_sent_grace
from opskit.core.model import Unknown
from opskit.core.stop_outcome import SETTLE_SECONDS
from opskit.notebooks.flows.inspect import read_tags_or_unknown
from opskit.notebooks.flows.stop_action import StopAction, StopPolicy


def settle_graces(actions: Sequence[StopAction], terms: StopPolicy, clock: Clock) -> tuple[StopAction, ...]:
    """The same with ``grace_begun`` where a grace has begun with this run: its tag stands after a moment. Where the
    tags cannot be read, it counts as this run's: told twice is better than not at all.
    """
    if not any(action.sent_grace for action in actions):
        return tuple(actions)
    clock.sleep(SETTLE_SECONDS)
    return tuple(gather_all([partial(_settle_grace, action, terms) for action in actions]))


def _settle_grace(action: StopAction, terms: StopPolicy) -> StopAction:
    if not action.sent_grace:
        return action
    seen = action.inspected
    tags = read_tags_or_unknown(seen.client, seen.notebook)
    found = judge_sent_grace(tags, seen.notebook.arn, terms.run_id, action.stops_at)
    is_known = found.stops_at is not None and not isinstance(tags, Unknown)
    return replace(
        action,
        reason=f"{action.reason}; {found.word}" if found.word else action.reason,
        grace_begun=found.is_own,
        stops_at=found.stops_at,
        outcome=None if is_known else action.outcome,
    )

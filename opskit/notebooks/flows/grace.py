"""See whose graces have begun: of several runs that found a notebook idle at once, one tells of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from opskit.aws.gather import gather_all
from opskit.core.clock import Clock
from opskit.core.grace_tag import parse_grace_tag
from opskit.core.model import Unknown
from opskit.core.stop_outcome import FRESH_SECONDS
from opskit.core.tag_keys import IDLE_SINCE
from opskit.notebooks.flows.inspect import read_tags_or_unknown
from opskit.notebooks.flows.stop_action import StopAction, StopPolicy

# A run that did not see our tag looked before it was there, and sends its own at most so long after its look; the
# last one that was sent stays.
_SETTLE_SECONDS = 2 * FRESH_SECONDS


def settle_graces(actions: Sequence[StopAction], terms: StopPolicy, clock: Clock) -> tuple[StopAction, ...]:
    """The same with ``grace_begun`` where a grace has begun with this run: its tag stands after a moment. Where the
    tags cannot be read, it counts as this run's: told twice is better than not at all.
    """
    if not any(action.sent_grace for action in actions):
        return tuple(actions)
    clock.sleep(_SETTLE_SECONDS)
    return tuple(gather_all([partial(_settle_grace, action, terms) for action in actions]))


def _settle_grace(action: StopAction, terms: StopPolicy) -> StopAction:
    if not action.sent_grace:
        return action
    seen = action.inspected
    tags = read_tags_or_unknown(seen.client, seen.notebook)
    if isinstance(tags, Unknown):
        return replace(action, grace_begun=True)
    stands = parse_grace_tag(tags.get(IDLE_SINCE), seen.notebook.arn)
    if stands is None:
        return replace(action, reason=f"{action.reason}; the tag is gone again, so no grace runs", stops_at=None)
    if stands.run == terms.run_id:
        return replace(action, grace_begun=True, outcome=None, stops_at=stands.until)
    reason = f"{action.reason}; another run of opskit began its grace at the same time"
    return replace(action, reason=reason, outcome=None, stops_at=stands.until)

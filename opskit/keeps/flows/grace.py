"""See whose graces have begun: of several runs that found a thing idle at once, one tells of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, Protocol, TypeVar

from opskit.aws.gather import gather_all
from opskit.core.clock import Clock
from opskit.core.grace import judge_sent_grace
from opskit.core.model import Unknown
from opskit.core.stop_outcome import SETTLE_SECONDS, StopOutcome


class GraceAction(Protocol):
    """What is due for one thing that is stopped when idle, a dataclass: its reason, its outcome, until when a grace was
    sent that may begin with this run, and whether one has.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def sent_grace(self) -> bool:
        """Whether a tag that begins a grace was sent, and AWS has not refused it."""

    @property
    def reason(self) -> str:
        """Why it is due."""

    @property
    def outcome(self) -> StopOutcome | None:
        """What became of it."""

    @property
    def stops_at(self) -> datetime | None:
        """When the grace ends."""


ActionT = TypeVar("ActionT", bound=GraceAction)
TagReader = Callable[[ActionT], tuple[str, object]]
"""The ARN of an action's thing, and its tags of now; tags that cannot be read are Unknown."""


def settle_sent_graces(
    actions: Sequence[ActionT], read_tags: TagReader[ActionT], run_id: str, clock: Clock
) -> tuple[ActionT, ...]:
    """The same with ``grace_begun`` where a grace has begun with this run: its tag stands after a moment, also where
    AWS's answer to it was lost. Where the tags cannot be read, it counts as this run's: told twice is better than not
    at all.
    """
    if not any(action.sent_grace for action in actions):
        return tuple(actions)
    clock.sleep(SETTLE_SECONDS)
    return tuple(gather_all([partial(_settle_grace, action, read_tags, run_id) for action in actions]))


def _settle_grace(action: ActionT, read_tags: TagReader[ActionT], run_id: str) -> ActionT:
    if not action.sent_grace:
        return action
    arn, tags = read_tags(action)
    found = judge_sent_grace(tags, arn, run_id, action.stops_at)
    is_known = found.stops_at is not None and not isinstance(tags, Unknown)
    return replace(
        action,
        reason=f"{action.reason}; {found.word}" if found.word else action.reason,
        grace_begun=found.is_own,
        stops_at=found.stops_at,
        outcome=None if is_known else action.outcome,
    )

"""Stop notebooks: look, plan, look again right before each stop, act, and see that it happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import partial

from opskit.act import notebooks as act
from opskit.aws import side_by_side
from opskit.decide.idleness import IdlePolicy
from opskit.errors import AwsFailure, OutcomeUnknown
from opskit.flows.clock import Clock
from opskit.flows.look_at_notebooks import Round, Seen, could_not_be_read, look_at
from opskit.model import Idleness
from opskit.observe.notebooks import notebook as read_notebook

_OFF = {"Stopping", "Stopped"}
_LOOKS = 5
_BETWEEN_SECONDS = 1.0
"""An AWS that has taken a stop may go on saying InService for a moment."""


class StopOutcome(StrEnum):
    """What became of a stop."""

    DONE = "done"
    PLANNED = "planned"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Handled:
    """One notebook: what was seen, whether it is to be stopped, and what became of that.

    ``outcome`` None: it is kept, so there was nothing to do. ``unread``: something about it could not be read.
    """

    seen: Seen
    stop: bool
    because: str
    outcome: StopOutcome | None = None
    status: str | None = None

    @property
    def unread(self) -> bool:
        """Whether it is kept because something could not be read."""
        return not self.stop and could_not_be_read(self.seen)


def plan_idle(look: Round, match: str = "*", tag: tuple[str, str] | None = None) -> tuple[Handled, ...]:
    """Which of the notebooks seen are to be stopped: those that are idle, among those that were meant."""
    return tuple(_planned(seen) for seen in look.seen if _is_meant(seen, match, tag))


def plan_named(look: Round) -> tuple[Handled, ...]:
    """Stop what was named, whatever it does: the user knows."""
    return tuple(
        Handled(seen, False, seen.judgement.because)
        if seen.judgement.verdict is Idleness.STOPPED
        else Handled(seen, True, "asked for by name", StopOutcome.PLANNED)
        for seen in look.seen
    )


def carry_out(
    plan: Sequence[Handled], policy: IdlePolicy, clock: Clock, *, by_name: bool = False
) -> tuple[Handled, ...]:
    """Stop what is planned, each after a second look; one that fails does not hinder the others."""
    return tuple(side_by_side([partial(_carried_out, handled, policy, clock, by_name) for handled in plan]))


def _is_meant(seen: Seen, match: str, tag: tuple[str, str] | None) -> bool:
    if not fnmatchcase(seen.notebook.name, match):
        return False
    tags = seen.evidence.tags
    return tag is None or (isinstance(tags, dict) and tags.get(tag[0]) == tag[1])


def _planned(seen: Seen) -> Handled:
    stop = seen.judgement.verdict is Idleness.IDLE
    return Handled(seen, stop, seen.judgement.because, StopOutcome.PLANNED if stop else None)


def _carried_out(handled: Handled, policy: IdlePolicy, clock: Clock, by_name: bool) -> Handled:
    if not handled.stop:
        return handled
    try:
        again = handled if by_name else _second_look(handled, policy, clock)
        return _stopped(again, clock) if again.stop else again
    except AwsFailure as failure:
        return Handled(handled.seen, True, failure.problem.message, StopOutcome.REFUSED)


def _second_look(handled: Handled, policy: IdlePolicy, clock: Clock) -> Handled:
    """The same notebook now: somebody may have begun to work since the plan was made."""
    seen = handled.seen
    now_there = read_notebook(seen.door, seen.notebook.name)
    if now_there is None:
        return Handled(seen, False, "it is gone")
    evidence, judgement = look_at(seen.door, now_there, policy, clock.now())
    again = Seen(seen.door, evidence, judgement, seen.usd_per_hour)
    return Handled(again, judgement.verdict is Idleness.IDLE, judgement.because, None)


def _stopped(handled: Handled, clock: Clock) -> Handled:
    seen = handled.seen
    try:
        act.stop(seen.door, seen.notebook, handled.because, seen.usd_per_hour)
    except OutcomeUnknown as failure:
        return _looked_up(handled, failure, clock)
    except AwsFailure as failure:
        return Handled(seen, True, f"AWS refused: {failure.problem.message}", StopOutcome.REFUSED)
    return _looked_up(handled, None, clock)


def _looked_up(handled: Handled, failure: OutcomeUnknown | None, clock: Clock) -> Handled:
    """Confirm that it is stopping; where the answer was lost, its status tells what happened."""
    seen = handled.seen
    try:
        status = _status_after(seen, clock)
    except AwsFailure as unread:
        because = f"{handled.because}; whether it is stopping could not be read: {unread.problem.message}"
        return Handled(seen, True, because, StopOutcome.UNKNOWN)
    if status in _OFF:
        return Handled(seen, True, handled.because, StopOutcome.DONE, status)
    lost = failure.problem.message if failure else f"AWS took the stop, but says {status}"
    return Handled(seen, True, f"{handled.because}; {lost}", StopOutcome.UNKNOWN, status)


def _status_after(seen: Seen, clock: Clock) -> str:
    """The notebook's status once it has moved, or the last one seen after a few looks."""
    status = ""
    for look in range(_LOOKS):
        if look:
            clock.sleep(_BETWEEN_SECONDS)
        now_there = read_notebook(seen.door, seen.notebook.name)
        status = now_there.status if now_there else "gone"
        if status != "InService":
            break
    return status

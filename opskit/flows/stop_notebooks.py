"""Stop notebooks: look, plan, look again right before each stop, act, and see that it happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial

from opskit.act import notebooks as act
from opskit.aws import side_by_side
from opskit.decide.grace import IDLE_SINCE, Step, due
from opskit.decide.idleness import IdlePolicy
from opskit.errors import AwsFailure, OutcomeUnknown
from opskit.flows.clock import Clock
from opskit.flows.lines import CALLERS, Lines
from opskit.flows.look_at_notebooks import Round, Seen, could_not_be_read, hang_up, look_at
from opskit.model import Idleness
from opskit.observe.notebooks import notebook as read_notebook
from opskit.state.journal import confirm

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
    """One notebook: what was seen, what is due, and what became of that.

    ``outcome`` None: there was nothing to do, or nothing but its tag. ``status`` None: it is as it was seen.
    """

    seen: Seen
    step: Step
    because: str
    outcome: StopOutcome | None = None
    status: str | None = None

    @property
    def stop(self) -> bool:
        """Whether it is to be stopped."""
        return self.step is Step.STOP

    @property
    def unread(self) -> bool:
        """Whether it is kept because something could not be read."""
        return not self.stop and could_not_be_read(self.seen)


@dataclass(frozen=True)
class Terms:
    """What the user calls idle, and how long an idle notebook stays tagged before it stops (None: no tags at all)."""

    policy: IdlePolicy
    grace: timedelta | None = None


def plan_idle(look: Round, terms: Terms, now: datetime) -> tuple[Handled, ...]:
    """What is due for the notebooks seen: those that are idle are to be stopped."""
    return tuple(_planned(seen, terms, now) for seen in look.seen)


def plan_named(look: Round) -> tuple[Handled, ...]:
    """Stop what was named, whatever it does: the user knows."""
    return tuple(
        Handled(seen, Step.NOTHING, seen.judgement.because)
        if seen.judgement.verdict is Idleness.STOPPED
        else Handled(seen, Step.STOP, "asked for by name", StopOutcome.PLANNED)
        for seen in look.seen
    )


def refuse(plan: Sequence[Handled]) -> tuple[Handled, ...]:
    """The plan as one that was not carried out."""
    return tuple(replace(each, outcome=StopOutcome.REFUSED) if each.stop else each for each in plan)


def carry_out(plan: Sequence[Handled], terms: Terms, clock: Clock, *, by_name: bool = False) -> tuple[Handled, ...]:
    """Stop what is planned, each after a second look; one that fails does not hinder the others."""
    doors = [handled.seen.door for handled in plan if handled.step is not Step.NOTHING]
    hang_up(doors[:1])
    lines = Lines(doors, spare=1)  # the journal asks AWS who we are
    deeds = [partial(_carried_out, handled, terms, clock, lines, by_name) for handled in plan]
    return tuple(side_by_side(deeds, most=CALLERS))


def _planned(seen: Seen, terms: Terms, now: datetime) -> Handled:
    tags = seen.evidence.tags
    next_due = due(seen.judgement, tags if isinstance(tags, dict) else {}, terms.grace, now)
    outcome = StopOutcome.PLANNED if next_due.step is Step.STOP else None
    return Handled(seen, next_due.step, next_due.because, outcome)


def _carried_out(handled: Handled, terms: Terms, clock: Clock, lines: Lines, by_name: bool) -> Handled:
    if not handled.stop:
        return _tagged(handled, clock, lines)
    try:
        again = handled if by_name else _second_look(handled, terms, clock, lines)
    except AwsFailure as failure:
        because = f"it could not be looked at again: {failure.problem.message}"
        return replace(handled, because=because, outcome=StopOutcome.REFUSED)
    return _stopped(again, clock, lines) if again.stop else _tagged(again, clock, lines)


def _second_look(handled: Handled, terms: Terms, clock: Clock, lines: Lines) -> Handled:
    """The same notebook now: somebody may have begun to work since the plan was made.

    Raises:
        AwsFailure: AWS does not say how it is.
    """
    seen = handled.seen
    with lines.to_aws(seen.door):
        now_there = read_notebook(seen.door, seen.notebook.name)
    if now_there is None:
        return Handled(seen, Step.NOTHING, "it is gone", status="gone")
    now = clock.now()
    evidence, judgement = look_at(seen.door, now_there, terms.policy, now, lines)
    return _planned(Seen(seen.door, evidence, judgement, seen.usd_per_hour), terms, now)


def _tagged(handled: Handled, clock: Clock, lines: Lines) -> Handled:
    """Put the tag on that starts the grace, or take it off."""
    seen = handled.seen
    if handled.step is Step.NOTHING:
        return handled
    try:
        with lines.to_aws(seen.door):
            if handled.step is Step.MARK:
                act.tag(seen.door, seen.notebook, {IDLE_SINCE: clock.now().isoformat(timespec="seconds")})
            else:
                act.untag(seen.door, seen.notebook, [IDLE_SINCE])
    except AwsFailure as failure:
        because = f"{handled.because}; its tag {IDLE_SINCE} could not be changed: {failure.problem.message}"
        outcome = StopOutcome.UNKNOWN if isinstance(failure, OutcomeUnknown) else StopOutcome.REFUSED
        return replace(handled, because=because, outcome=outcome)
    return handled


def _stopped(handled: Handled, clock: Clock, lines: Lines) -> Handled:
    seen = handled.seen
    try:
        with lines.to_aws(seen.door):
            act.stop(seen.door, seen.notebook, handled.because, seen.usd_per_hour)
    except OutcomeUnknown as failure:
        return _looked_up(handled, failure, clock, lines)
    except AwsFailure as failure:
        return replace(handled, because=f"AWS refused: {failure.problem.message}", outcome=StopOutcome.REFUSED)
    return _looked_up(handled, None, clock, lines)


def _looked_up(handled: Handled, failure: OutcomeUnknown | None, clock: Clock, lines: Lines) -> Handled:
    """Confirm that it is stopping; where the answer was lost, its status tells what happened."""
    try:
        status = _status_after(handled.seen, clock, lines)
    except AwsFailure as unread:
        because = f"{handled.because}; whether it is stopping could not be read: {unread.problem.message}"
        return replace(handled, because=because, outcome=StopOutcome.UNKNOWN)
    if status in _OFF:
        if failure:
            confirm(handled.seen.door, act.STOP, handled.seen.notebook.name, status)
        return replace(handled, outcome=StopOutcome.DONE, status=status)
    lost = failure.problem.message if failure else f"AWS took the stop, but says {status}"
    return replace(handled, because=f"{handled.because}; {lost}", outcome=StopOutcome.UNKNOWN, status=status)


def _status_after(seen: Seen, clock: Clock, lines: Lines) -> str:
    """The notebook's status once it has moved, or the last one seen after a few looks."""
    status = ""
    for look in range(_LOOKS):
        if look:
            clock.sleep(_BETWEEN_SECONDS)
        with lines.to_aws(seen.door):
            now_there = read_notebook(seen.door, seen.notebook.name)
        status = now_there.status if now_there else "gone"
        if status != "InService":
            break
    return status

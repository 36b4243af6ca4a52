"""Stop notebooks: look, plan, look again right before each stop, act, and see that it happened."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial

from opskit.act import notebooks as act
from opskit.aws import side_by_side
from opskit.decide.grace import IDLE_SINCE, Step, due
from opskit.decide.idleness import MAY_RUN, IdlePolicy
from opskit.errors import AwsFailure, OutcomeUnknown, Throttled
from opskit.flows.clock import Clock
from opskit.flows.last_look import LastLook, last_look
from opskit.flows.learnt_pace import TRIES, LearntPace
from opskit.flows.lines import CALLERS, LastLines
from opskit.flows.look_at_notebooks import Round, Seen, could_not_be_read, hang_up
from opskit.model import Idleness, Unread
from opskit.observe.notebooks import notebook as read_notebook
from opskit.state.journal import confirm

_OFF = {"Stopping", "Stopped"}
_LOOKS = 5
_BETWEEN_SECONDS = 1.0
"""An AWS that has taken a stop may go on saying InService for a moment."""

FRESH_SECONDS = 1.0
"""No change stands on anything older. Where the answers take longer, the look is made again."""

_OLD_LOOKS = 5
"""Where so many looks took longer, the next will as well: the way there is slow, and not just this moment busy."""


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
    ``looked_ms_ago`` is how old the oldest of what the change stands on was when the change was sent; None: none was.
    """

    seen: Seen
    step: Step
    because: str
    outcome: StopOutcome | None = None
    status: str | None = None
    looked_ms_ago: int | None = None

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
    """Stop what is planned, each after a last look; one that fails does not hinder the others. Regions take turns: each
    has a rate, and connections, of its own.
    """
    handled = list(plan)
    due_in: dict[str, list[int]] = {}
    for at, each in enumerate(plan):
        if each.step is not Step.NOTHING:
            due_in.setdefault(each.seen.door.region, []).append(at)
    for places in due_in.values():
        door = plan[places[0]].seen.door
        hang_up([door])
        errand = _Errand(terms, clock, by_name)
        done = side_by_side([partial(_carried_out, plan[at], errand) for at in places], most=CALLERS)
        for at, each in zip(places, done, strict=True):
            handled[at] = each
    return tuple(handled)


def _planned(seen: Seen, terms: Terms, now: datetime) -> Handled:
    tags = seen.evidence.tags
    next_due = due(seen.judgement, tags if isinstance(tags, dict) else {}, terms.grace, now)
    outcome = StopOutcome.PLANNED if next_due.step is Step.STOP else None
    return Handled(seen, next_due.step, next_due.because, outcome)


class _Errand:
    """What all changes of one Region share."""

    def __init__(self, terms: Terms, clock: Clock, by_name: bool) -> None:
        self.terms, self.clock, self.by_name = terms, clock, by_name
        self.lines = LastLines()
        self.paces = {step: LearntPace(clock) for step in Step}

    def last_look(self, handled: Handled) -> AbstractContextManager[LastLook]:
        """A last look at one of them."""
        turn = self.paces[handled.step].turn
        return last_look(handled.seen, self.terms.policy, self.clock, self.lines, turn, inside=not self.by_name)


def _carried_out(handled: Handled, errand: _Errand) -> Handled:
    """Do what is due, and where a last look finds something else due, that; but never a stop that nobody planned."""
    for _ in Step:
        if handled.step is Step.NOTHING:
            break
        after = _tried(handled, errand)
        if after.step is handled.step or after.outcome not in (None, StopOutcome.PLANNED):
            return after
        if after.stop:
            because = f"{after.because}, which was not so when it was planned; the next run stops it"
            return replace(after, step=Step.NOTHING, because=because, outcome=None)
        handled = after
    return handled


def _tried(handled: Handled, errand: _Errand) -> Handled:
    """The same once AWS took the change or refused it, or as a last look found it, with nothing changed."""
    try:
        with _intended(handled) as intent:
            after = _sent(handled, intent, errand)
            if not intent.is_sent:
                intent.why_not = after.because
                return after
    except OutcomeUnknown as failure:
        return _looked_up(handled, failure, errand) if handled.stop else _not_done(handled, failure)
    except AwsFailure as failure:
        return _not_done(handled, failure)
    return _looked_up(after, None, errand) if after.stop else after


def _intended(handled: Handled) -> AbstractContextManager[act.Intent[...]]:
    seen = handled.seen
    match handled.step:
        case Step.STOP:
            return act.stop_intended(seen.door, seen.notebook, handled.because, seen.usd_per_hour)
        case Step.MARK:
            return act.tag_intended(seen.door, seen.notebook, [IDLE_SINCE])
        case Step.UNMARK:
            return act.untag_intended(seen.door, seen.notebook, [IDLE_SINCE])
        case Step.NOTHING:
            raise ValueError("nothing is intended")


def _sent(handled: Handled, intent: act.Intent[...], errand: _Errand) -> Handled:
    """Look and send, and look again before sending again, until AWS takes it or a look speaks against it.

    Raises:
        AwsFailure: AWS refused, or its answer was lost (OutcomeUnknown).
    """
    throttled, old = 0, 0
    while True:
        with ExitStack() as held:
            try:
                look = held.enter_context(errand.last_look(handled))
            except AwsFailure as failure:
                because = f"it could not be looked at again: {failure.problem.message}"
                return replace(handled, because=because, outcome=StopOutcome.REFUSED)
            now_due = _due_now(handled, look, errand)
            if now_due.step is not handled.step or now_due.outcome is StopOutcome.REFUSED:
                return now_due
            age = errand.clock.monotonic() - look.began
            if age > FRESH_SECONDS:
                old += 1
                if old < _OLD_LOOKS:
                    continue
                because = f"{now_due.because}; its answers took {age:.1f} s, and nothing that old is acted on"
                return replace(now_due, because=because, outcome=StopOutcome.REFUSED)
            try:
                intent.send(*_with_what(handled.step, look))
            except Throttled:
                errand.paces[handled.step].slow_down(look.turn)
                throttled += 1
                if throttled == TRIES:
                    raise
            else:
                errand.paces[handled.step].taken()
                return replace(now_due, looked_ms_ago=int(age * 1000))


def _with_what(step: Step, look: LastLook) -> tuple[dict[str, str], ...]:
    """What a change is sent with: the tag that starts a grace holds the time of the look that found it idle."""
    return ({IDLE_SINCE: look.at.isoformat(timespec="seconds")},) if step is Step.MARK else ()


def _due_now(handled: Handled, look: LastLook, errand: _Errand) -> Handled:
    """What is due by the last look."""
    if look.seen is None:
        return Handled(handled.seen, Step.NOTHING, "it is gone", status="gone")
    if errand.by_name:
        return _named_now(handled, look.seen)
    return _planned(look.seen, errand.terms, errand.clock.now())


def _named_now(handled: Handled, now: Seen) -> Handled:
    """A notebook that was named is stopped, unless somebody has kept it since whoever named it was asked."""
    before = handled.seen.judgement.verdict
    if now.judgement.verdict is Idleness.STOPPED:
        return Handled(now, Step.NOTHING, now.judgement.because)
    if now.judgement.verdict is Idleness.PROTECTED and before is not Idleness.PROTECTED:
        because = f"somebody has just asked to keep it ({now.judgement.because}); stop it again if you mean it"
        return Handled(now, Step.STOP, because, StopOutcome.REFUSED)
    if isinstance(now.evidence.tags, Unread) and not isinstance(handled.seen.evidence.tags, Unread):
        because = f"whether somebody has kept it could not be read: {now.evidence.tags.because}"
        return Handled(now, Step.STOP, because, StopOutcome.REFUSED)
    return replace(handled, seen=replace(handled.seen, evidence=now.evidence))


def _not_done(handled: Handled, failure: AwsFailure) -> Handled:
    outcome = StopOutcome.UNKNOWN if isinstance(failure, OutcomeUnknown) else StopOutcome.REFUSED
    if handled.stop:
        said = f"AWS refused: {failure.problem.message}"
    else:
        said = f"{handled.because}; its tag {IDLE_SINCE} could not be changed: {failure.problem.message}"
    return replace(handled, because=said, outcome=outcome)


def _looked_up(handled: Handled, failure: OutcomeUnknown | None, errand: _Errand) -> Handled:
    """Confirm that it is stopping; where the answer was lost, its status tells what happened."""
    try:
        status = _status_after(handled.seen, errand)
    except AwsFailure as unread:
        because = f"{handled.because}; whether it is stopping could not be read: {unread.problem.message}"
        return replace(handled, because=because, outcome=StopOutcome.UNKNOWN)
    if status in _OFF:
        if failure:
            confirm(handled.seen.door, act.STOP, handled.seen.notebook.name, status)
        return replace(handled, outcome=StopOutcome.DONE, status=status)
    lost = failure.problem.message if failure else f"AWS took the stop, but says {status}"
    return replace(handled, because=f"{handled.because}; {lost}", outcome=StopOutcome.UNKNOWN, status=status)


def _status_after(seen: Seen, errand: _Errand) -> str:
    """The notebook's status once it has moved, or the last one seen after a few looks."""
    status = ""
    for look in range(_LOOKS):
        if look:
            errand.clock.sleep(_BETWEEN_SECONDS)
        with errand.lines.to_aws():
            now_there = read_notebook(seen.door, seen.notebook.name)
        status = now_there.status if now_there else "gone"
        if status not in MAY_RUN:
            break
    return status

"""Start notebooks by name: look, see whether there is room, start what fits, each with an outcome of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial

from opskit.act import notebooks as act
from opskit.aws import Door, side_by_side
from opskit.decide.notebook_room import first_that_fit
from opskit.decide.refusals import explained
from opskit.errors import AwsFailure, OpskitError, OutcomeUnknown, Refused
from opskit.flows.check_quotas import check_quotas
from opskit.flows.clock import Clock
from opskit.flows.events import Tell
from opskit.flows.follow_notebook import COMING_UP, until_in_service
from opskit.flows.learnt_pace import LearntPace, until_taken
from opskit.flows.made import made
from opskit.flows.one_notebook import the_notebook
from opskit.flows.tried import tried
from opskit.left_running import Kind
from opskit.model import Demand, Notebook, Price, Unread, Usage
from opskit.observe.notebooks import notebook as read_notebook
from opskit.observe.prices import Component, read_price
from opskit.state.journal import confirm

_CAN_START = {"Stopped", "Failed"}


class StartOutcome(StrEnum):
    """What became of a start."""

    PLANNED = "planned"
    DONE = "done"
    ALREADY = "already"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Start:
    """One notebook that was named. ``notebook`` None: it is not there, or could not be read; ``outcome`` None: it is
    yet to be started; ``error`` is why it is not running.
    """

    name: str
    notebook: Notebook | None
    outcome: StartOutcome | None = None
    error: OpskitError | None = None
    price: Price | Unread | None = None


def plan_starts(door: Door, names: Sequence[str], clock: Clock, *, guard: bool = True) -> list[Start]:
    """See which of the named can be started, and which there is room for. A stopped notebook holds no quota, so each
    start needs some.
    """
    named = list(dict.fromkeys(names))
    looks = side_by_side([partial(tried, partial(the_notebook, door, name)) for name in named])
    starts = [_seen(name, look) for name, look in zip(named, looks, strict=True)]
    kinds = [each.notebook.instance_type for each in starts if each.notebook and each.outcome is StartOutcome.PLANNED]
    if not kinds:
        return starts
    prices = _prices(door, kinds)
    room = iter(_room(door, kinds, clock) if guard else [None] * len(kinds))
    return [_judged(each, next(room), prices) if each.outcome is StartOutcome.PLANNED else each for each in starts]


def start_notebooks(door: Door, plan: Sequence[Start], clock: Clock) -> list[Start]:
    """Start what is planned; one that fails does not hinder the others."""
    pace = LearntPace(clock)
    return side_by_side([partial(_started, door, each, clock, pace) for each in plan])


def all_awaited(door: Door, starts: Sequence[Start], clock: Clock, tell: Tell) -> list[Start]:
    """The same once each that comes up is in service, or cannot come to be."""
    return [_awaited(door, each, clock, tell) for each in starts]


def _seen(name: str, look: Notebook | OpskitError) -> Start:
    if isinstance(look, OpskitError):
        return Start(name, None, StartOutcome.REFUSED, look)
    if look.status in _CAN_START:
        return Start(name, look, StartOutcome.PLANNED)
    if look.status == "InService" or look.status in COMING_UP:
        return Start(name, look, StartOutcome.ALREADY)
    hint = "Start it when it is Stopped." if look.status == "Stopping" else ""
    text = f"The notebook instance {name} is {look.status}, and AWS starts only what is Stopped or Failed."
    return Start(name, look, StartOutcome.REFUSED, Refused("cannot-start", text, hint, region=look.region))


def _room(door: Door, kinds: Sequence[str], clock: Clock) -> list[OpskitError | None]:
    demands = [Demand(kind, Usage.NOTEBOOK, count) for kind, count in Counter(kinds).items()]
    return first_that_fit(check_quotas([door], demands, clock.now()), kinds, door.region)


def _prices(door: Door, kinds: Sequence[str]) -> dict[str, Price | Unread]:
    once = list(dict.fromkeys(kinds))
    return dict(
        zip(once, side_by_side([partial(read_price, door, kind, Component.NOTEBOOK) for kind in once]), strict=True)
    )


def _judged(start: Start, error: OpskitError | None, prices: dict[str, Price | Unread]) -> Start:
    price = prices[start.notebook.instance_type] if start.notebook else None
    outcome = StartOutcome.REFUSED if error else StartOutcome.PLANNED
    return replace(start, outcome=outcome, error=error, price=price)


def _started(door: Door, start: Start, clock: Clock, pace: LearntPace) -> Start:
    if start.outcome is not StartOutcome.PLANNED:
        return start
    outcomes: list[StartOutcome] = []
    try:
        made(
            lambda: outcomes.append(_sent(door, start.name, pace)),
            partial(_is_on, door, start.name),
            clock,
            partial(confirm, door, act.START, start.name, "it comes up"),
        )
    except OutcomeUnknown as failure:
        return replace(start, outcome=StartOutcome.UNKNOWN, error=failure)
    except AwsFailure as failure:
        return replace(start, outcome=StartOutcome.REFUSED, error=explained(failure))
    door.left_running.note_reached(Kind.NOTEBOOK, start.name, door.region)
    seen = tried(partial(the_notebook, door, start.name))
    outcome = outcomes[0] if outcomes else StartOutcome.DONE  # none: what was lost or refused is there all the same
    return replace(start, outcome=outcome, notebook=start.notebook if isinstance(seen, OpskitError) else seen)


def _sent(door: Door, name: str, pace: LearntPace) -> StartOutcome:
    """Send a start. While AWS asks to slow down somebody else may start it, so it is looked at before it is sent again.

    Raises:
        AwsFailure: AWS refused, or its answer was lost (OutcomeUnknown).
    """
    with act.start_intended(door, name) as intent:

        def attempt() -> StartOutcome:
            if pace.was_refused and _is_on(door, name):
                intent.why_not = "it comes up already"
                return StartOutcome.ALREADY
            intent.send()
            return StartOutcome.DONE

        return until_taken(pace, attempt)


def _is_on(door: Door, name: str) -> bool:
    found = read_notebook(door, name)
    return found is not None and (found.status == "InService" or found.status in COMING_UP)


def _awaited(door: Door, start: Start, clock: Clock, tell: Tell) -> Start:
    if start.outcome not in (StartOutcome.DONE, StartOutcome.ALREADY):
        return start
    try:
        return replace(start, notebook=until_in_service(door, start.name, clock, tell))
    except OpskitError as error:
        seen = tried(partial(the_notebook, door, start.name))
        return replace(start, error=error, notebook=start.notebook if isinstance(seen, OpskitError) else seen)

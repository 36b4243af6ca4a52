"""Notebooks whose people start, work, rest, keep and leave, and opskit that comes by: whatever the order, no notebook
that works, is kept, or cannot be read is ever stopped, and one that nobody uses always is in the end.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from opskit.aws import Connection
from opskit.decide.grace import IDLE_SINCE
from opskit.decide.idleness import KEEP, KEEP_UNTIL, UNREADABLE_OK, IdlePolicy
from opskit.flows.clock import Clock
from opskit.flows.look_at_notebooks import look_at_all
from opskit.flows.stop_notebooks import Terms, carry_out, plan_idle
from opskit.model import JupyterView, Kernel, Notebook, Terminal, Unread

AFTER = timedelta(hours=1)
GRACE = timedelta(minutes=30)
DOOR = Connection(None, "us-east-1").door()
NAMES = ("ann", "bob", "cem")
WHO = st.sampled_from(NAMES)
TERMS = st.builds(
    Terms,
    st.builds(IdlePolicy, st.just(AFTER), st.booleans(), st.sampled_from([None, timedelta(hours=8)])),
    st.sampled_from([None, GRACE, GRACE, GRACE]),
)


@dataclass
class Desk:
    """Somebody's notebook as it truly is. ``stirred`` is when anything was last done in it."""

    since: datetime
    stirred: datetime
    status: str = "InService"
    busy: bool = False
    terminal: datetime | None = None
    silent: bool = False
    tags: dict[str, str] = field(default_factory=dict)

    def view(self) -> JupyterView | Unread:
        if self.silent:
            return Unread("it is silent")
        kernel = Kernel("k", "busy" if self.busy else "idle", self.stirred, 0)
        terminals = () if self.terminal is None else (Terminal("1", self.terminal),)
        return JupyterView((kernel,), terminals)


def works(desk: Desk, now: datetime) -> None:
    desk.busy, desk.stirred = True, now


def rests(desk: Desk, now: datetime) -> None:
    desk.busy, desk.stirred = False, now


def opens_a_terminal(desk: Desk, now: datetime) -> None:
    desk.terminal = desk.stirred = now


def closes_the_terminal(desk: Desk, now: datetime) -> None:
    desk.terminal = None


def tags(key: str, hours: int = 0) -> Callable[[Desk, datetime], None]:
    return lambda desk, now: desk.tags.update({key: (now + hours * AFTER).isoformat()})


def keeps_no_more(desk: Desk, now: datetime) -> None:
    desk.tags.pop(KEEP, None)


def is_silent(silent: bool) -> Callable[[Desk, datetime], None]:
    def deed(desk: Desk, now: datetime) -> None:
        desk.silent = silent

    return deed


DEEDS: dict[str, Callable[[Desk, datetime], None]] = {
    "nothing": lambda desk, now: None,
    "begins to work": works,
    "rests": rests,
    "opens a terminal": opens_a_terminal,
    "closes the terminal": closes_the_terminal,
    "keeps it": tags(KEEP),
    "keeps it for three hours": tags(KEEP_UNTIL, 3),
    "no longer keeps it": keeps_no_more,
    "marks it of old": tags(IDLE_SINCE, -3),
    "marks it of tomorrow": tags(IDLE_SINCE, 24),
    "excuses it": tags(UNREADABLE_OK),
    "closes its door": is_silent(True),
    "opens its door": is_silent(False),
}


class People(RuleBasedStateMachine):
    """A world of three notebooks."""

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2026, 3, 1, tzinfo=UTC)
        self.desks = {name: Desk(self.now, self.now) for name in NAMES}
        self.terms = Terms(IdlePolicy(AFTER))
        self.patches = ExitStack()
        for name, stand_in in self.stand_ins().items():
            self.patches.enter_context(patch(name, stand_in))

    def stand_ins(self) -> dict[str, Callable[..., Any]]:
        look, stop = "opskit.flows.look_at_notebooks", "opskit.flows.stop_notebooks"
        return {
            f"{look}.notebooks": lambda door: iter([self.notebook(name) for name in NAMES]),
            f"{look}.tags": lambda door, arn: self.desks[arn].tags,
            f"{look}.presigned_url": lambda door, name: name,
            f"{look}.look_inside": lambda make_url, settles, line: self.desks[make_url()].view(),
            f"{look}.read_price": lambda *asked: Unread("nobody knows"),
            f"{stop}.read_notebook": lambda door, name: self.notebook(name),
            f"{stop}.act.stop": self.stop,
            f"{stop}.act.tag": lambda door, notebook, tags: self.desks[notebook.name].tags.update(tags),
            f"{stop}.act.untag": lambda door, notebook, keys: [self.desks[notebook.name].tags.pop(key) for key in keys],
        }

    def notebook(self, name: str) -> Notebook:
        desk = self.desks[name]
        return Notebook("us-east-1", name, name, "ml.t2.medium", desk.status, desk.since)

    def stop(self, door: Any, notebook: Notebook, because: str, usd: Any) -> None:
        """The moment of truth."""
        desk = self.desks[notebook.name]
        policy, grace = self.terms.policy, self.terms.grace
        assert desk.status == "InService"
        assert not desk.busy, "it was at work"
        assert not desk.silent, "it could not be read"
        assert not self.is_kept(desk), "it was kept"
        quiet = self.now - max(desk.since, desk.stirred)
        assert quiet >= AFTER, "it was used just now"
        if desk.terminal is not None:
            assert self.now - desk.terminal >= AFTER, "somebody types"
            assert policy.ignore_terminals or (policy.max_age and quiet >= policy.max_age), "a terminal was open"
        if grace is not None:
            marked = datetime.fromisoformat(desk.tags[IDLE_SINCE])
            assert self.now - marked >= grace, "its grace was not over"
            assert marked >= desk.stirred, "it worked after it was tagged"
        desk.status = "Stopped"

    def is_kept(self, desk: Desk) -> bool:
        until = desk.tags.get(KEEP_UNTIL)
        return KEEP in desk.tags or (until is not None and datetime.fromisoformat(until) > self.now)

    @rule(name=WHO, does=st.sampled_from(list(DEEDS)))
    def somebody(self, name: str, does: str) -> None:
        self.do(name, does)

    def do(self, name: str, does: str) -> None:
        desk = self.desks[name]
        if does != "nothing" and desk.status == "Stopped":  # what is done first is to start it
            self.desks[name] = Desk(self.now, self.now, tags=desk.tags)
        else:
            DEEDS[does](desk, self.now)

    @rule(
        minutes=st.sampled_from([1, 31, 61, 500]),
        terms=TERMS,
        name=WHO,
        meanwhile=st.sampled_from(["nothing", "begins to work", "keeps it", "opens a terminal", "closes its door"]),
    )
    def opskit_comes_by(self, minutes: int, terms: Terms, name: str, meanwhile: str) -> None:
        """Some time later it plans, somebody does something, then it acts."""
        self.now += timedelta(minutes=minutes)
        self.terms = terms
        plan = plan_idle(look_at_all([DOOR], terms.policy, self.now), terms, self.now)
        self.do(name, meanwhile)
        carry_out(plan, terms, Clock(lambda: self.now, lambda seconds: None))

    def teardown(self) -> None:
        """In the end nobody works or keeps anything, and after a while all are off."""
        try:
            for desk in self.desks.values():
                desk.busy, desk.terminal, desk.silent, desk.tags = False, None, False, {}
            for _ in range(2):
                self.opskit_comes_by(61, Terms(IdlePolicy(AFTER), GRACE), NAMES[0], "nothing")
            assert {desk.status for desk in self.desks.values()} == {"Stopped"}
        finally:
            self.patches.close()


TestPeople = People.TestCase
TestPeople.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)

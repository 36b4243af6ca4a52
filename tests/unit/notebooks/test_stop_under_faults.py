"""Notebooks whose people start, work, rest, keep and leave at any moment, and opskit that comes by, on an AWS that
throttles stops and loses them: whatever the order, no notebook is stopped whose work, keep or silence was there before
its last look's requests were sent, none on anything older than a second, and one that nobody uses always is in the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from opskit.core.clock import Clock
from opskit.core.exceptions import OutcomeUnknown, Throttled
from opskit.core.model import JupyterState, Kernel, Notebook, Terminal, Unknown
from opskit.notebooks.flows.inspect import inspect_all
from opskit.notebooks.flows.stop import StopPolicy, execute_stops, plan_idle_stops
from opskit.notebooks.rules.grace import IDLE_SINCE
from opskit.notebooks.rules.idleness import KEEP, KEEP_UNTIL, UNREADABLE_OK, IdlePolicy
from opskit.state.journal import ActionRecord
from tests.fakes.stubbed_client import offline_client

AFTER = timedelta(hours=1)
GRACE = timedelta(minutes=30)
DOOR = offline_client("us-east-1")
NAMES = ("ann", "bob", "cem")
WHO = st.sampled_from(NAMES)
TERMS = st.builds(
    StopPolicy,
    st.builds(
        IdlePolicy,
        st.just(AFTER),
        st.booleans(),
        st.sampled_from([None, timedelta(hours=8)]),
        tab_age=st.sampled_from([timedelta(0), timedelta(hours=2), timedelta(hours=4)]),
    ),
    st.sampled_from([None, GRACE, GRACE, GRACE]),
)


@dataclass
class Desk:
    """Somebody's notebook as it truly is. ``stirred`` is when a kernel last did anything, ``terminal`` when somebody
    last typed in the one that is open, ``touched`` when anything else was done, by a tab of the browser for example.
    """

    since: datetime
    stirred: datetime
    touched: datetime
    status: str = "InService"
    busy: bool = False
    terminal: datetime | None = None
    silent: bool = False
    tags: dict[str, str] = field(default_factory=dict)

    def view(self) -> JupyterState | Unknown:
        if self.silent:
            return Unknown("it is silent")
        kernel = Kernel("k", "busy" if self.busy else "idle", self.stirred, 0)
        terminals = () if self.terminal is None else (Terminal("1", self.terminal),)
        return JupyterState((kernel,), terminals, max(self.stirred, self.touched, self.terminal or self.touched))

    def worked(self, policy: IdlePolicy) -> datetime:
        """When somebody last worked in it who counts."""
        typed = None if policy.ignore_terminals else self.terminal
        return max(self.since, self.stirred, typed or self.since)


def works(category: Desk, now: datetime) -> None:
    category.busy, category.stirred = True, now


def rests(category: Desk, now: datetime) -> None:
    category.busy, category.stirred = False, now


def opens_a_terminal(category: Desk, now: datetime) -> None:
    category.terminal = now


def closes_the_terminal(category: Desk, now: datetime) -> None:
    category.touched = max(category.touched, category.terminal or category.touched)
    category.terminal = None


def saves(category: Desk, now: datetime) -> None:
    category.touched = now


def tags(key: str, hours: int = 0) -> Callable[[Desk, datetime], None]:
    return lambda category, now: category.tags.update({key: (now + hours * AFTER).isoformat()})


def keeps_no_more(category: Desk, now: datetime) -> None:
    category.tags.pop(KEEP, None)


def stops_it(category: Desk, now: datetime) -> None:
    category.status = "Stopped"


def is_silent(silent: bool) -> Callable[[Desk, datetime], None]:
    def deed(category: Desk, now: datetime) -> None:
        category.silent = silent

    return deed


DEEDS: dict[str, Callable[[Desk, datetime], None]] = {
    "nothing": lambda desk, now: None,
    "begins to work": works,
    "rests": rests,
    "opens a terminal": opens_a_terminal,
    "saves": saves,
    "closes the terminal": closes_the_terminal,
    "keeps it": tags(KEEP),
    "keeps it for three hours": tags(KEEP_UNTIL, 3),
    "no longer keeps it": keeps_no_more,
    "marks it of old": tags(IDLE_SINCE, -3),
    "marks it of tomorrow": tags(IDLE_SINCE, 24),
    "excuses it": tags(UNREADABLE_OK),
    "closes its door": is_silent(True),
    "opens its door": is_silent(False),
    "stops it": stops_it,
}


@dataclass(frozen=True)
class Event:
    """What somebody does right after opskit's so-manieth question of a round, which takes AWS or Jupyter some time."""

    after: int
    name: str
    does: str


EVENTS = st.lists(st.builds(Event, st.integers(0, 60), WHO, st.sampled_from(list(DEEDS))), max_size=6)
ANSWERS = st.lists(st.sampled_from(["taken", "throttled", "throttled", "lost", "lost on the way"]), max_size=8)
SECONDS = st.sampled_from([0.01, 0.05, 0.2, 0.6])


class World(RuleBasedStateMachine):
    """A world of three notebooks. Time passes with each question, and something may happen after each."""

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2026, 3, 1, tzinfo=UTC)
        self.desks = {name: Desk(self.now, self.now, self.now) for name in NAMES}
        self.terms = StopPolicy(IdlePolicy(AFTER))
        self.asked, self.seconds = 0, 0.0
        self.events: list[Event] = []
        self.answers: list[str] = []
        self.last: dict[str, tuple[datetime, Desk]] = {}
        self.between: list[str] = []
        self.patches = ExitStack()
        for name, stand_in in self.stand_ins().items():
            self.patches.enter_context(patch(name, stand_in))

    def stand_ins(self) -> dict[str, Callable[..., Any]]:
        one_by_one: dict[str, Callable[..., Any]] = {
            name: lambda work, **_: [each() for each in work]
            for name in ("opskit.notebooks.flows.inspect.gather_all", "opskit.notebooks.flows.stop.gather_all")
        }
        one_by_one["opskit.notebooks.flows.recheck.gather"] = lambda *work: tuple(each() for each in work)
        return one_by_one | {
            "opskit.notebooks.flows.inspect.list_notebooks": lambda client: iter(
                self.told([self.notebook(name) for name in NAMES])
            ),
            "opskit.notebooks.flows.inspect.read_tags": lambda client, arn: self.told(dict(self.desks[arn].tags)),
            "opskit.notebooks.flows.inspect.read_presigned_url": lambda client, name: name,
            "opskit.notebooks.flows.inspect.inspect_jupyter": lambda make_url, is_conclusive, line: self.told(
                self.desks[make_url()].view()
            ),
            "opskit.notebooks.flows.inspect.read_workload_price": lambda *asked: Unknown("nobody knows"),
            "opskit.notebooks.flows.recheck.read_notebook": lambda client, name: self.told(self.notebook(name)),
            "opskit.notebooks.flows.recheck.read_presigned_url": lambda client, name: name,
            "opskit.notebooks.flows.recheck.open_jupyter": self.way_in,
            "opskit.notebooks.flows.recheck.OpenJupyter": Way,
            "opskit.notebooks.flows.stop.read_notebook": lambda client, name: self.told(self.notebook(name)),
            "opskit.notebooks.changes.notebooks.journal_action": self.record,
            "opskit.aws.writer.AwsWriter.call_once": lambda client, service, operation, **params: self.send(
                operation, params
            ),
            "opskit.notebooks.flows.stop.mark_done": lambda *what: None,
        }

    def clock(self) -> Clock:
        return Clock(lambda: self.now, self.sleep, lambda: self.now.timestamp())  # noqa: PLW0108 - the time as it is when it is asked for

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def told(self, answer: Any) -> Any:
        """An answer, which takes its time; what happens next, it does not tell."""
        self.sleep(self.seconds)
        for event in [event for event in self.events if event.after == self.asked]:
            self.do(event.name, event.does)
        self.asked += 1
        self.between.append("an answer")
        return answer

    @contextmanager
    def way_in(self, make_url: Callable[[], str], line: Any) -> Iterator[Any]:
        name = make_url()
        yield Way(self, name)

    @contextmanager
    def record(self, *what: Any, **more: Any) -> Iterator[ActionRecord]:
        self.between.append("the journal")
        yield ActionRecord()
        self.between.append("the journal")

    def notebook(self, name: str) -> Notebook:
        category = self.desks[name]
        return Notebook("us-east-1", name, name, "ml.t2.medium", category.status, category.since)

    def begin_last_look(self, name: str) -> None:
        """Its requests are sent now: what is so at this moment, it must see."""
        self.last[name] = (self.now, replace(self.desks[name], tags=dict(self.desks[name].tags)))
        self.between.clear()

    def send(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        name = params.get("NotebookInstanceName") or params["ResourceArn"]
        answer = self.answers.pop(0) if self.answers else "taken"
        if operation == "stop_notebook_instance":
            self.is_right_to_stop(name)
        self.told(None)
        if answer == "throttled":
            raise Throttled("throttled", "slow down")
        if answer != "lost on the way":
            self.take(operation, self.desks[name], params)
        if answer != "taken":
            raise OutcomeUnknown("outcome-unknown", "no answer came")
        return {}

    def take(self, operation: str, category: Desk, params: dict[str, Any]) -> None:
        match operation:
            case "stop_notebook_instance":
                category.status = "Stopped"
            case "add_tags":
                category.tags.update({tag["Key"]: tag["Value"] for tag in params["Tags"]})
            case "delete_tags":
                for key in params["TagKeys"]:
                    category.tags.pop(key, None)
            case _:
                pass

    def is_right_to_stop(self, name: str) -> None:
        """The moment of truth: a stop is sent. It must have been right when its last look's requests were."""
        at, category = self.last.pop(name)  # a second stop needs a look of its own
        policy, grace = self.terms.idle_policy, self.terms.grace
        assert self.now - at <= timedelta(seconds=1), "it stands on something old"
        assert set(self.between) == {"an answer"}, "something lies between the look and the stop"
        assert category.status == "InService"
        assert not category.busy, "it was at work"
        assert not category.silent, "it could not be read"
        assert not is_kept(category, at), "it was kept"
        quiet = at - category.worked(policy)
        assert quiet >= AFTER, "it was used just now"
        is_stuck = policy.max_age and quiet >= policy.max_age
        if category.terminal is not None:
            assert policy.ignore_terminals or is_stuck, "a terminal was open"
        if at - category.touched < AFTER:
            is_later = (
                category.terminal is not None and policy.ignore_terminals and category.terminal >= category.touched
            )
            assert quiet >= policy.tab_age or is_stuck or is_later, "somebody saved"
        if grace is not None:
            marked = datetime.fromisoformat(category.tags[IDLE_SINCE])
            assert at - marked >= grace, "its grace was not over"
            assert marked >= category.worked(policy), "it worked after it was tagged"

    @rule(name=WHO, does=st.sampled_from(list(DEEDS)))
    def somebody(self, name: str, does: str) -> None:
        self.do(name, does)

    def do(self, name: str, does: str) -> None:
        category = self.desks[name]
        if does != "nothing" and category.status == "Stopped":  # what is done first is to start it
            self.desks[name] = Desk(self.now, self.now, self.now, tags=category.tags)
        else:
            DEEDS[does](category, self.now)

    @rule(
        minutes=st.sampled_from([1, 31, 61, 500]),
        terms=TERMS,
        events=EVENTS,
        answers=ANSWERS,
        seconds=SECONDS,
    )
    def opskit_comes_by(
        self, minutes: int, terms: StopPolicy, events: list[Event], answers: list[str], seconds: float
    ) -> None:
        """Some time later it plans and acts; meanwhile people do what they do."""
        self.now += timedelta(minutes=minutes)
        self.terms, self.events, self.answers = terms, list(events), list(answers)
        self.asked, self.seconds = 0, seconds
        plan = plan_idle_stops(inspect_all([DOOR], terms.idle_policy, self.now), terms, self.now)
        execute_stops(plan, terms, self.clock())
        self.events = []

    def teardown(self) -> None:
        """In the end nobody works or keeps anything, and after a while all are off."""
        try:
            for category in self.desks.values():
                category.busy, category.terminal, category.silent, category.tags = False, None, False, {}
            for _ in range(2):
                self.opskit_comes_by(61, StopPolicy(IdlePolicy(AFTER), GRACE), [], ["throttled"] * 4, 0.2)
            assert {category.status for category in self.desks.values()} == {"Stopped"}
        finally:
            self.patches.close()


@dataclass
class Way:
    """The way into a notebook's Jupyter."""

    world: World
    name: str

    def open_connections(self) -> None:
        self.world.begin_last_look(self.name)

    def read_all(self) -> JupyterState | Unknown:
        seen: JupyterState | Unknown = self.world.told(self.world.desks[self.name].view())
        return seen

    def close_connections(self) -> None:
        return


def is_kept(category: Desk, now: datetime) -> bool:
    until = category.tags.get(KEEP_UNTIL)
    return KEEP in category.tags or (until is not None and datetime.fromisoformat(until) > now)


TestWorld = World.TestCase
TestWorld.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)


@pytest.mark.soak
def test_world_for_long() -> None:
    run_state_machine_as_test(World, settings=settings(max_examples=5000, stateful_step_count=50, deadline=None))

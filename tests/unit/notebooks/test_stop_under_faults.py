"""Notebooks whose people start, work, rest, keep and leave at any moment, and opskit that comes by, also twice at once,
on an AWS that throttles stops and loses them: whatever the order, no notebook is stopped whose work, keep or silence
was there before its last look's requests were sent, none on anything older than a second, and one that nobody uses
always is in the end. Nor is one whose job beside Jupyter was there when it was last looked into from inside, at most
half a minute before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from opskit.core.clock import Clock
from opskit.core.exceptions import OutcomeUnknown, Throttled
from opskit.core.grace import parse_grace_tag
from opskit.core.instance_processes import InstanceReading
from opskit.core.model import JupyterState, Notebook, Unknown
from opskit.core.tags import IDLE_SINCE, NO_INSIDE
from opskit.notebooks.flows.inspect import inspect_all
from opskit.notebooks.flows.stop import execute_stops, plan_idle_stops
from opskit.notebooks.flows.stop_plan import StopPolicy
from opskit.notebooks.rules.idleness import IdlePolicy
from opskit.notebooks.rules.own_traces import PastInspection, activity_without_inspections, trace_of_inspection
from opskit.notebooks.store import InspectionLog
from opskit.state.journal import ActionRecord
from tests.fakes.stubbed_client import offline_client
from tests.fakes.used_notebooks import USER_ACTIONS, Event, UsedNotebook, Way, is_kept

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
        inside=st.sampled_from([None, False, True, True]),
        ignore_background=st.booleans(),
    ),
    st.sampled_from([None, GRACE, GRACE, GRACE]),
)


ANOTHER_RUN = "another run comes by"
EVENTS = st.lists(
    st.builds(Event, st.integers(0, 60), WHO, st.sampled_from([*USER_ACTIONS, ANOTHER_RUN, ANOTHER_RUN])), max_size=6
)
ANSWERS = st.lists(
    st.sampled_from(["taken", "throttled", "throttled", "throttled slowly", "lost", "lost on the way"]), max_size=8
) | st.just(["throttled slowly"] * 3)
SECONDS = st.sampled_from([0.01, 0.05, 0.2, 0.6])


class World(RuleBasedStateMachine):
    """A world of three notebooks. Time passes with each question, and something may happen after each."""

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2026, 3, 1, tzinfo=UTC)
        self.used_notebooks = {name: UsedNotebook(self.now, self.now, self.now) for name in NAMES}
        self.terms = self.other_terms = StopPolicy(IdlePolicy(AFTER))
        self.asked, self.seconds = 0, 0.0
        self.events: list[Event] = []
        self.answers: list[str] = []
        self.last: dict[str, tuple[datetime, UsedNotebook]] = {}
        self.inside: dict[str, tuple[datetime, UsedNotebook]] = {}
        self.looks: dict[str, list[PastInspection]] = {name: [] for name in NAMES}
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
            "opskit.notebooks.flows.inspect.remember_names": lambda client, notebooks: None,
            **{
                f"opskit.notebooks.flows.{module}.read_arn_tags": lambda client, arn: self.told(
                    dict(self.used_notebooks[arn].tags)
                )
                for module in ("inspect", "inside", "recheck", "stop_plan")
            },
            "opskit.notebooks.flows.inspect.read_presigned_url": lambda client, name: name,
            "opskit.notebooks.flows.inspect.inspect_jupyter": lambda make_url, is_conclusive, line: self.told(
                self.used_notebooks[make_url()].view(self.now)
            ),
            "opskit.notebooks.flows.inspect.load_past_inspections": lambda client, notebook: tuple(
                self.looks[notebook.name]
            ),
            "opskit.notebooks.flows.inspect.read_workload_price": lambda *asked: Unknown("nobody knows"),
            "opskit.notebooks.flows.recheck.read_notebook": lambda client, name: self.told(self.notebook(name)),
            "opskit.notebooks.flows.inside.read_presigned_url": lambda client, name: name,
            "opskit.notebooks.flows.inside.open_jupyter": self.way_in,
            "opskit.notebooks.flows.inside.OpenJupyter": Way,
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
        notebook = self.used_notebooks[name]
        return Notebook("us-east-1", name, name, "ml.t2.medium", notebook.status, notebook.since)

    def begin_last_look(self, name: str) -> None:
        """Its requests are sent now: what is so at this moment, it must see."""
        self.last[name] = (self.now, replace(self.used_notebooks[name], tags=dict(self.used_notebooks[name].tags)))
        self.between.clear()

    def inspect_inside(self, name: str, notes: InspectionLog) -> InstanceReading:
        """Two readings, three seconds apart, through a terminal, which moves what Jupyter calls its last activity; then
        a look for files that were changed meanwhile.
        """
        notebook = self.used_notebooks[name]
        self.inside[name] = (self.now, replace(notebook, tags=dict(notebook.tags)))
        asked_at, before = self.now, self.last_activity(name)
        self.sleep(3.0)
        self.told(None)
        begun, notebook = self.inside[name][1].job, self.used_notebooks[name]
        # What has ended before the second reading is nobody's work any more, what began after the first may be unseen.
        self.inside[name][1].job = notebook.job if begun else ""
        reading = notebook.processes(self.now)
        self.told(None)
        notebook = self.used_notebooks[name]
        notebook.moved = traffic = self.now
        self.told(None)
        notes.left = trace_of_inspection(self.last_activity(name) or traffic, traffic)
        before = activity_without_inspections(before, self.looks[name]) or asked_at
        self.looks[name].insert(0, PastInspection(asked_at, before, notes.left))
        self.told(None)
        saved = self.used_notebooks[name].saved
        return replace(reading, is_changing=saved is not None and saved >= asked_at)

    def last_activity(self, name: str) -> datetime | None:
        seen = self.used_notebooks[name].view(self.now)
        return seen.last_activity if isinstance(seen, JupyterState) else None

    def send(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        name = params.get("NotebookInstanceName") or params["ResourceArn"]
        answer = self.answers.pop(0) if self.answers else "taken"
        if operation == "stop_notebook_instance":
            self.is_right_to_stop(name)
        self.told(None)
        if answer == "throttled slowly":
            self.sleep(14.0)
        if answer.startswith("throttled"):
            raise Throttled("throttled", "slow down")
        if answer != "lost on the way":
            self.take(operation, self.used_notebooks[name], params)
        if answer != "taken":
            raise OutcomeUnknown("outcome-unknown", "no answer came")
        return {}

    def take(self, operation: str, notebook: UsedNotebook, params: dict[str, Any]) -> None:
        match operation:
            case "stop_notebook_instance":
                notebook.status = "Stopped"
            case "add_tags":
                notebook.tags.update({tag["Key"]: tag["Value"] for tag in params["Tags"]})
            case "delete_tags":
                for key in params["TagKeys"]:
                    notebook.tags.pop(key, None)
            case _:
                pass

    def is_right_to_stop(self, name: str) -> None:
        """The moment of truth: a stop is sent. It must have been right when its last look's requests were."""
        at, notebook = self.last.pop(name)  # a second stop needs a look of its own
        policy, grace = self.terms.idle_policy, self.terms.grace
        assert self.now - at <= timedelta(seconds=1), "it stands on something old"
        assert set(self.between) == {"an answer"}, "something lies between the look and the stop"
        assert notebook.status == "InService"
        assert not notebook.busy, "it was at work"
        assert not notebook.silent, "it could not be read"
        # Whoever takes a keep away while opskit reads lets it be stopped.
        assert not (is_kept(notebook, at) and is_kept(self.used_notebooks[name], self.now)), "it was kept"
        self.was_right_inside(name, notebook, at)
        quiet = at - notebook.worked(policy)
        assert quiet >= AFTER, "it was used just now"
        is_stuck = policy.max_age and quiet >= policy.max_age
        if notebook.terminal is not None:
            assert policy.ignore_terminals or is_stuck, "a terminal was open"
        assert not notebook.tab or quiet >= policy.tab_age or is_stuck, "a tab was open"
        # A tab that is closed again while opskit looks inside is all that such a look may hide.
        is_hidden = any(look.after and look.asked_at <= notebook.touched <= look.after for look in self.looks[name])
        if at - notebook.touched < AFTER and not is_hidden:
            is_later = (
                notebook.terminal is not None and policy.ignore_terminals and notebook.terminal >= notebook.touched
            )
            assert quiet >= policy.tab_age or is_stuck or is_later, "somebody saved"
        if grace is not None:
            told = parse_grace_tag(notebook.tags[IDLE_SINCE], name)
            assert told is not None, "opskit did not write its tag"
            marked = told.since
            assert at - marked >= grace, "its grace was not over"
            assert marked >= notebook.worked(policy), "it worked after it was tagged"

    def was_right_inside(self, name: str, notebook: UsedNotebook, at: datetime) -> None:
        policy = self.terms.idle_policy
        if policy.inside is not True or NO_INSIDE in notebook.tags:
            return
        looked_at, inside = self.inside[name]
        assert self.now - looked_at <= timedelta(seconds=30), "its look inside is old"
        assert inside.job != "computes", "a job was at work"
        waited = policy.max_age and at - inside.worked(policy) >= policy.max_age
        assert inside.job != "sleeps" or policy.ignore_background or waited, "a job was there"
        assert notebook.saved is None or at - notebook.saved >= AFTER, "a file was changed"

    @rule(name=WHO, does=st.sampled_from(list(USER_ACTIONS)))
    def somebody(self, name: str, does: str) -> None:
        self.do(name, does)

    def do(self, name: str, does: str) -> None:
        if does == ANOTHER_RUN:
            self.let_another_run()
            return
        notebook = self.used_notebooks[name]
        if does != "nothing" and notebook.status == "Stopped":  # what is done first is to start it
            self.used_notebooks[name] = UsedNotebook(self.now, self.now, self.now, tags=notebook.tags)
        else:
            USER_ACTIONS[does](notebook, self.now)

    @rule(
        minutes=st.sampled_from([1, 31, 61, 500]),
        terms=TERMS,
        events=EVENTS,
        answers=ANSWERS,
        seconds=SECONDS,
        left=st.sampled_from(["nothing", "nothing", "computes beside Jupyter", "waits beside Jupyter", "ends its job"]),
        other=st.none() | TERMS,
    )
    def opskit_comes_by(
        self,
        minutes: int,
        terms: StopPolicy,
        events: list[Event],
        answers: list[str],
        seconds: float,
        left: str = "nothing",
        other: StopPolicy | None = None,
    ) -> None:
        """Some time later it plans and acts; meanwhile people do what they do, an ``other`` run may come by, and jobs
        are ``left`` in all.
        """
        for name in NAMES if left != "nothing" else ():
            self.do(name, left)
        self.now += timedelta(minutes=minutes)
        self.terms, self.events, self.answers = terms, list(events), list(answers)
        self.other_terms = other or replace(terms, run_id="0123abcd")
        self.asked, self.seconds = 0, seconds
        self.run_once()
        self.events = []

    def run_once(self) -> None:
        plan = plan_idle_stops(inspect_all([DOOR], self.terms.idle_policy, self.now), self.terms, self.now)
        execute_stops(plan, self.terms, self.clock())

    def let_another_run(self) -> None:
        """Another run, perhaps with other flags, plans and acts while this one waits for an answer."""
        mine = self.terms, self.events, self.last, self.inside, self.between
        self.terms, self.events, self.last, self.inside, self.between = self.other_terms, [], {}, {}, []
        self.run_once()
        self.terms, self.events, self.last, self.inside, self.between = mine

    def teardown(self) -> None:
        """In the end nobody works or keeps anything, and after a while all are off."""
        try:
            for notebook in self.used_notebooks.values():
                notebook.busy, notebook.terminal, notebook.silent, notebook.tags = False, None, False, {}
                notebook.tab, notebook.job = False, ""
            terms = StopPolicy(IdlePolicy(AFTER, inside=True), GRACE)
            for minutes in (61, 31):  # what the first look inside moved is nobody's use half an hour later
                self.opskit_comes_by(minutes, terms, [], ["throttled"] * 4, 0.2)
            assert {notebook.status for notebook in self.used_notebooks.values()} == {"Stopped"}
        finally:
            self.patches.close()


TestWorld = World.TestCase
TestWorld.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)


@pytest.mark.soak
@pytest.mark.parametrize("part", range(10))
def test_stops_in_a_random_world_for_long(part: int) -> None:
    run_state_machine_as_test(World, settings=settings(max_examples=500, stateful_step_count=50, deadline=None))

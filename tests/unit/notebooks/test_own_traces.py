"""What opskit's looks inside leave is theirs, and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.core.model import JupyterState, Notebook, NotebookVerdict, Terminal
from opskit.notebooks.rules.idleness import IdlePolicy, assess_notebook
from opskit.notebooks.rules.own_traces import (
    PastInspection,
    activity_without_inspections,
    find_stale_terminals,
    is_own_terminal,
    trace_of_inspection,
    without_own_traces,
)
from tests.fakes.notebook_evidence import jupyter_evidence

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
OURS = Terminal("opskit0123456789abcdef", NOW)
BEFORE = NOW - timedelta(hours=5)


def test_what_a_look_moved_counts_as_before_it_and_what_is_later_does_not() -> None:
    look = PastInspection(NOW, BEFORE, NOW + 4 * SECOND)
    assert activity_without_inspections(look.after, [look]) == BEFORE
    assert activity_without_inspections(NOW + 5 * SECOND, [look]) == NOW + 5 * SECOND
    assert activity_without_inspections(NOW + 3 * SECOND, [look]) == NOW + 3 * SECOND
    assert activity_without_inspections(None, [look]) is None


def test_of_a_killed_look_only_the_traffic_in_its_own_open_terminal_is_known() -> None:
    look = PastInspection(NOW, BEFORE, asked_for=OURS.name)
    ours = Terminal(OURS.name, NOW + 3 * SECOND)
    noted_first = NOW + 3 * SECOND - timedelta(milliseconds=1)
    assert activity_without_inspections(noted_first, [look], [ours]) == BEFORE
    for used in (NOW + 2 * SECOND, NOW + 3 * SECOND + timedelta(microseconds=1), NOW + 60 * SECOND):
        assert activity_without_inspections(used, [look], [ours]) == used, "somebody came after that, or before"
    for there in ([], [Terminal("1", NOW + 3 * SECOND)], [Terminal(OURS.name, None)]):
        assert activity_without_inspections(noted_first, [look], there) == noted_first, "nothing tells whose it is"


def test_what_is_younger_than_a_look_s_own_traffic_is_somebody_s() -> None:
    traffic = NOW + 4 * SECOND
    noted_first, save = traffic - timedelta(milliseconds=1), traffic + timedelta(milliseconds=1)
    assert trace_of_inspection(noted_first, traffic) == noted_first
    assert trace_of_inspection(save, traffic) == traffic
    assert activity_without_inspections(save, [PastInspection(NOW, BEFORE, trace_of_inspection(save, traffic))]) == save


@given(st.integers(1, 8))
def test_looks_in_a_row_count_as_before_the_first(count: int) -> None:
    looks: list[PastInspection] = []
    last: datetime | None = BEFORE
    for at in range(count):
        asked = NOW + at * timedelta(minutes=15)
        before = activity_without_inspections(last, looks)
        assert before is not None
        last = asked + 4 * SECOND
        looks.insert(0, PastInspection(asked, before, last))
    assert activity_without_inspections(last, looks) == BEFORE


def test_a_terminal_of_opskit_s_is_none_of_somebody_s() -> None:
    state = JupyterState((), (OURS, Terminal("1", BEFORE)), NOW)
    assert without_own_traces(state, []).terminals == (Terminal("1", BEFORE),)


def test_one_that_jupyter_named_is_known_by_what_was_written_down() -> None:
    look = PastInspection(NOW, BEFORE, terminal="3")
    assert is_own_terminal(Terminal("3", NOW + 2 * SECOND), [look])
    for other in (Terminal("2", NOW + 2 * SECOND), Terminal("3", NOW + 60 * SECOND), Terminal("3", NOW - SECOND)):
        assert not is_own_terminal(other, [look])
    shut = PastInspection(NOW, BEFORE, terminal="3", is_shut=True)
    assert not is_own_terminal(Terminal("3", NOW + 2 * SECOND), [shut])
    assert not is_own_terminal(Terminal("3", None), [look])


def test_a_number_is_given_again_once_the_command_was_typed() -> None:
    typed = PastInspection(NOW, BEFORE, terminal="3", is_typed=True)
    theirs = Terminal("3", NOW + 9 * SECOND)
    assert not is_own_terminal(theirs, [typed])
    assert find_stale_terminals([theirs], [typed], NOW + 300 * SECOND) == ()
    noted = replace(typed, after=NOW + 4 * SECOND)
    assert is_own_terminal(Terminal("3", NOW + 4 * SECOND), [noted])
    assert not is_own_terminal(theirs, [noted])


LEFT = [
    (PastInspection(NOW, BEFORE), Terminal("2", NOW + SECOND), True),
    (PastInspection(NOW, BEFORE), Terminal("2", None), True),
    (PastInspection(NOW, BEFORE, others=frozenset({"2"})), Terminal("2", NOW + SECOND), False),
    (PastInspection(NOW, BEFORE), Terminal("2", NOW + 60 * SECOND), False),
    (PastInspection(NOW, BEFORE, terminal="3", is_typed=True), Terminal("3", NOW + SECOND), True),
    (PastInspection(NOW, BEFORE, terminal="3", is_typed=True), Terminal("2", NOW + SECOND), False),
    (PastInspection(NOW, BEFORE, terminal="3", is_typed=True, is_shut=True), Terminal("3", NOW + SECOND), False),
]


@pytest.mark.parametrize(("look", "terminal", "may_be_left"), LEFT)
def test_one_that_may_be_somebody_s_stays_and_says_whose_it_may_be(
    look: PastInspection, terminal: Terminal, may_be_left: bool
) -> None:
    assert find_stale_terminals([terminal], [look], NOW + 300 * SECOND) == ()
    state = without_own_traces(JupyterState((), (terminal,), NOW + SECOND), [look])
    assert state.terminals == (replace(terminal, may_be_left=may_be_left),)
    assert state.last_activity == NOW + SECOND
    notebook = Notebook("us-east-1", "lab", "arn:lab", "ml.t2.medium", "InService", BEFORE)
    found = assess_notebook(jupyter_evidence(notebook, {}, state), IdlePolicy(timedelta(0)), NOW + 300 * SECOND)
    assert found.verdict is NotebookVerdict.UNKNOWN
    assert ("an interrupted run of opskit" in found.reason) == may_be_left


def test_only_what_is_older_than_a_minute_is_shut() -> None:
    there = [OURS, Terminal("1", BEFORE)]
    assert find_stale_terminals(there, [], NOW + 59 * SECOND) == ()
    assert find_stale_terminals(there, [], NOW + 60 * SECOND) == (OURS.name,)

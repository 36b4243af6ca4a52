"""What opskit's looks inside leave is theirs, and nothing else is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from opskit.core.model import JupyterState, Terminal
from opskit.notebooks.rules.own_traces import (
    PastLook,
    activity_without_looks,
    find_stale_terminals,
    is_own_terminal,
    without_own_traces,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
OURS = Terminal("opskit0123456789abcdef", NOW)
BEFORE = NOW - timedelta(hours=5)


def test_what_a_look_moved_counts_as_before_it_and_what_is_later_does_not() -> None:
    look = PastLook(NOW, BEFORE, NOW + 4 * SECOND)
    assert activity_without_looks(look.after, [look]) == BEFORE
    assert activity_without_looks(NOW + 5 * SECOND, [look]) == NOW + 5 * SECOND
    assert activity_without_looks(NOW + 3 * SECOND, [look]) == NOW + 3 * SECOND
    assert activity_without_looks(None, [look]) is None


def test_what_a_killed_look_moved_counts_as_before_it_too() -> None:
    look = PastLook(NOW, BEFORE)
    assert activity_without_looks(NOW + 3 * SECOND, [look]) == BEFORE
    assert activity_without_looks(NOW + 60 * SECOND, [look]) == NOW + 60 * SECOND


@given(st.integers(1, 8))
def test_looks_in_a_row_count_as_before_the_first(count: int) -> None:
    looks: list[PastLook] = []
    last: datetime | None = BEFORE
    for at in range(count):
        asked = NOW + at * timedelta(minutes=15)
        before = activity_without_looks(last, looks)
        assert before is not None
        last = asked + 4 * SECOND
        looks.insert(0, PastLook(asked, before, last))
    assert activity_without_looks(last, looks) == BEFORE


def test_a_terminal_of_opskit_s_is_none_of_somebody_s() -> None:
    state = JupyterState((), (OURS, Terminal("1", BEFORE)), NOW)
    assert without_own_traces(state, []).terminals == (Terminal("1", BEFORE),)


def test_one_that_jupyter_named_is_known_by_what_was_written_down() -> None:
    look = PastLook(NOW, BEFORE, terminal="3")
    assert is_own_terminal(Terminal("3", NOW + 2 * SECOND), [], [look])
    for other in (Terminal("2", NOW + 2 * SECOND), Terminal("3", NOW + 60 * SECOND), Terminal("3", NOW - SECOND)):
        assert not is_own_terminal(other, [other], [look])
    shut = PastLook(NOW, BEFORE, terminal="3", is_shut=True)
    assert not is_own_terminal(Terminal("3", NOW + 2 * SECOND), [], [shut])
    assert not is_own_terminal(Terminal("3", None), [], [look])


def test_one_whose_name_was_not_heard_is_the_new_one_of_that_moment() -> None:
    look = PastLook(NOW, BEFORE, others=frozenset({"1"}))
    new, old = Terminal("2", NOW + SECOND), Terminal("1", NOW + SECOND)
    assert is_own_terminal(new, [old, new], [look])
    assert not is_own_terminal(old, [old, new], [look])
    assert not is_own_terminal(new, [new, Terminal("3", NOW + SECOND)], [look]), "which of the two, nobody can tell"
    later = Terminal("2", NOW + 4 * SECOND)
    assert not is_own_terminal(later, [old, later], [look])
    assert not is_own_terminal(new, [old, new], [PastLook(NOW, BEFORE, NOW + 4 * SECOND)])


def test_only_what_is_older_than_a_minute_is_shut() -> None:
    there = [OURS, Terminal("1", BEFORE)]
    assert find_stale_terminals(there, [], NOW + 59 * SECOND) == ()
    assert find_stale_terminals(there, [], NOW + 60 * SECOND) == (OURS.name,)

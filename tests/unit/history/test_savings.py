"""A stop saves until the next start, as far as that is known; what is not known is never counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.core.model import Notebook, Unknown
from opskit.history.rules import (
    Deleted,
    EndpointCreation,
    EventKind,
    NotebookEvent,
    OtherAccount,
    Saving,
    SeenNotebook,
    UnknownAccount,
    needs_aws_lookup,
    saving_of,
    total_usd,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
NOW = NOON + timedelta(hours=10)
PRICE = Decimal("0.0464")
OFFLINE = Unknown("no network")


def after_hours(number: float) -> datetime:
    return NOON + timedelta(hours=number)


def stop_event(
    at: float = 0, *, usd: Decimal | None = PRICE, ran_since: float | None = -5, certain: bool = True
) -> NotebookEvent:
    return NotebookEvent(
        EventKind.STOP, after_hours(at), certain, usd, None if ran_since is None else after_hours(ran_since)
    )


def start_event(at: float, *, certain: bool = True) -> NotebookEvent:
    return NotebookEvent(EventKind.START, after_hours(at), certain)


def notebook_now(status: str, since: float) -> Notebook:
    return Notebook("us-east-1", "lab", "arn", "ml.t2.medium", status, after_hours(since))


UNTOLD = replace(notebook_now("Stopped", 0.1), is_change_told=False)
CASES: list[tuple[str, NotebookEvent, list[NotebookEvent], SeenNotebook, float | None, str]] = [
    ("started by opskit", stop_event(), [start_event(3)], OFFLINE, 3, "started again by opskit"),
    ("an endpoint is still off", stop_event(), [], EndpointCreation(None), 10, "still off"),
    ("an endpoint was made again", stop_event(), [], EndpointCreation(after_hours(4)), 4, "by somebody else"),
    ("an endpoint was never deleted", stop_event(), [], EndpointCreation(after_hours(-9)), None, "not deleted"),
    ("a lost delete took effect", stop_event(certain=False), [], EndpointCreation(None), 10, "still off"),
    (
        "only the next start counts",
        stop_event(),
        [start_event(3), stop_event(4), start_event(5)],
        OFFLINE,
        3,
        "by opskit",
    ),
    (
        "a start whose answer was lost ends it too",
        stop_event(),
        [start_event(3, certain=False)],
        OFFLINE,
        3,
        "by opskit",
    ),
    (
        "stopped again: AWS said since when it ran",
        stop_event(),
        [stop_event(8, ran_since=6)],
        OFFLINE,
        6,
        "by somebody else",
    ),
    (
        "stopped again by an opskit that wrote no start",
        stop_event(),
        [stop_event(8, ran_since=None)],
        OFFLINE,
        None,
        "in between",
    ),
    ("stopped twice without a start", stop_event(), [stop_event(1, ran_since=-5)], OFFLINE, None, "it did not stop"),
    ("still off", stop_event(), [], notebook_now("Stopped", 0.1), 10, "still off"),
    ("still on its way off", stop_event(), [], notebook_now("Stopping", 0), 10, "still off"),
    ("started by somebody else", stop_event(), [], notebook_now("InService", 4), 4, "by somebody else"),
    ("coming up", stop_event(), [], notebook_now("Pending", 9.9), 9.9, "by somebody else"),
    ("changed while off", stop_event(), [], notebook_now("Stopped", 7), None, "whether it ran in between is not known"),
    ("AWS tells no change", stop_event(), [], UNTOLD, None, "does not say when it was last changed"),
    ("a lost answer, and no change told", stop_event(certain=False), [], UNTOLD, None, "whether it stopped"),
    ("it never stopped", stop_event(), [], notebook_now("InService", -5), None, "it did not stop"),
    ("deleted", stop_event(), [], Deleted(), None, "deleted"),
    ("AWS cannot be asked", stop_event(), [], OFFLINE, 10, "as far as opskit's journal tells: no network"),
    ("another account's", stop_event(), [], OtherAccount(), None, "can only be told there"),
    ("nobody knows whose", stop_event(), [], UnknownAccount(), None, "not known which account"),
    ("another account's, started by opskit", stop_event(), [start_event(3)], OtherAccount(), 3, "by opskit"),
    ("no price", stop_event(usd=None), [start_event(3)], OFFLINE, None, "its price is not known"),
    ("a lost answer", stop_event(certain=False), [], OFFLINE, None, "whether it stopped is not known"),
    ("a lost answer, then a start", stop_event(certain=False), [start_event(3)], OFFLINE, None, "whether it stopped"),
    (
        "a lost answer, and AWS shows the stop",
        stop_event(certain=False),
        [],
        notebook_now("Stopped", 0.1),
        10,
        "still off",
    ),
    (
        "a lost answer, and it runs",
        stop_event(certain=False),
        [],
        notebook_now("InService", -5),
        None,
        "whether it stopped",
    ),
    (
        "the clock was set back since",
        stop_event(at=20),
        [],
        notebook_now("Stopped", 20),
        None,
        "the clocks do not agree",
    ),
    (
        "the clock was set back before the start",
        stop_event(),
        [start_event(-3)],
        OFFLINE,
        None,
        "the clocks do not agree",
    ),
]


@pytest.mark.parametrize(
    ("what", "stopped", "later", "seen", "saved", "because"), CASES, ids=[case[0] for case in CASES]
)
def test_what_a_stop_saved(
    what: str, stopped: NotebookEvent, later: list[NotebookEvent], seen: SeenNotebook, saved: float | None, because: str
) -> None:
    found = saving_of(stopped, later, seen, NOW)
    assert because in found.reason
    assert found.unconfirmed is ("as far as opskit's journal tells" in because)
    if saved is None:
        assert (found.usd, found.until) == (None, None)
    else:
        assert found.until == after_hours(saved)
        assert found.usd == (PRICE * Decimal(str(saved))).quantize(Decimal("0.0001"))


@pytest.mark.parametrize(
    ("stopped", "later", "looks"),
    [
        (stop_event(), [], True),
        (stop_event(), [start_event(1)], False),
        (stop_event(usd=None), [], False),
        (stop_event(certain=False), [], True),
    ],
)
def test_aws_is_asked_only_where_it_can_tell_something(
    stopped: NotebookEvent, later: list[NotebookEvent], looks: bool
) -> None:
    assert needs_aws_lookup(stopped, later) is looks


def test_only_what_is_known_is_summed() -> None:
    savings = [
        Saving(Decimal("1.5"), NOW, ""),
        Saving(None, None, "its price is not known"),
        Saving(Decimal(2), NOW, ""),
    ]
    assert total_usd(savings) == Decimal("3.5")
    assert total_usd([]) == 0


prices = st.none() | st.decimals(0, 100, places=4)
moments = st.floats(-50, 50)
stops = st.builds(stop_event, moments, usd=prices, ran_since=st.none() | moments, certain=st.booleans())
looks = (
    st.just(Deleted())
    | st.just(OtherAccount())
    | st.just(OFFLINE)
    | st.builds(notebook_now, st.sampled_from(["InService", "Stopped", "Odd"]), moments)
)


@given(stops, st.lists(stops | st.builds(start_event, moments), max_size=3), looks)
def test_never_less_than_nothing_nor_more_than_all_the_time_until_its_end(
    stopped: NotebookEvent, later: list[NotebookEvent], seen: SeenNotebook
) -> None:
    found = saving_of(stopped, later, seen, NOW)
    assert found.reason
    if found.usd is not None:
        assert stopped.usd_per_hour is not None
        assert found.until is not None
        assert found.until >= stopped.at
        assert 0 <= found.usd <= stopped.usd_per_hour * 101

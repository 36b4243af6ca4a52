"""What a look means for whoever waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.decide.demands import quota_name
from opskit.decide.increase import Wish
from opskit.decide.patience import End, Look, Waited, is_over, judged, waiting_exit
from opskit.errors import ExitCode
from opskit.model import NotOffered, Quota, QuotaAnswer, Request, RequestStatus, Unread, Usage

HERE = "eu-west-1"
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
WISH = Wish("ml.m4.xlarge", Usage.TRAINING, 4)
NAME = quota_name(WISH.demand())
DENIED = Unread("You may not call it.", "denied", "Allow it.")
THROTTLED = Unread("AWS asks to slow down.", "throttled")


def quota(applied: float | None, default: float | None = 0) -> Quota:
    return Quota(HERE, NAME, "L-A373146E", applied, default)


def request(status: str, desired: float = 4, *, days_ago: float = 0) -> Request:
    return Request("r", HERE, NAME, "L-1", desired, RequestStatus(status), NOW - timedelta(days=days_ago))


def look(answer: QuotaAnswer, *requests: Request, queued: bool = False, closed_for: timedelta = timedelta(0)) -> Waited:
    return judged(Look(HERE, WISH, NAME, answer, requests, queued, closed_for))


@pytest.mark.parametrize(
    ("answer", "requests", "end", "says"),
    [
        (quota(4), (), End.TRUE, "applied value is 4"),
        (quota(None, 4), (), End.TRUE, "default is 4"),
        # the applied value decides, whatever the request says
        (quota(4), (request("CASE_OPENED"),), End.TRUE, "applied value is 4"),
        (quota(4), (request("DENIED"),), End.TRUE, "applied value is 4"),
        (quota(0), (request("PENDING"),), End.WAITING, "PENDING"),
        (quota(0), (request("DENIED"), request("CASE_OPENED", days_ago=1)), End.WAITING, "CASE_OPENED"),
        (quota(0), (request("APPROVED"),), End.WAITING, "has not moved yet"),
        (quota(0), (request("DENIED"),), End.DENIED, "DENIED"),
        (quota(0), (request("NOT_APPROVED"), request("APPROVED", days_ago=9)), End.DENIED, "NOT_APPROVED"),
        (quota(0), (request("INVALID_REQUEST"),), End.DENIED, "INVALID_REQUEST"),
        (quota(0), (request("APPROVED"), request("DENIED", days_ago=9)), End.WAITING, "has not moved yet"),
        (quota(0), (request("APPROVED", 2), request("DENIED", days_ago=9)), End.DENIED, "DENIED"),
        (quota(0), (request("CASE_CLOSED"),), End.WAITING, "says nothing"),
        (quota(0), (request("APPROVED", 2),), End.WAITING, "nothing was asked for"),
        (quota(0), (), End.WAITING, "nothing was asked for"),
        (quota(None, None), (), End.WAITING, "? now"),
        (NotOffered(HERE, NAME), (), End.NOT_OFFERED, "no such quota"),
        (THROTTLED, (), End.WAITING, "slow down"),
        (DENIED, (), End.UNREADABLE, "may not"),
    ],
)
def test_what_a_look_means(answer: QuotaAnswer, requests: tuple[Request, ...], end: End, says: str) -> None:
    waited = look(answer, *requests)
    assert waited.end is end
    assert says in waited.because


def test_closed_without_a_word_is_a_no_after_a_while() -> None:
    closed = request("CASE_CLOSED")
    assert look(quota(0), closed).closed
    assert look(quota(0), closed, closed_for=timedelta(minutes=31)).end is End.DENIED
    assert look(quota(4), closed, closed_for=timedelta(minutes=31)).end is End.TRUE


def test_what_waits_in_the_queue_is_no_denial() -> None:
    waited = look(quota(0), request("DENIED", days_ago=9), queued=True)
    assert waited.end is End.WAITING
    assert "--resume" in waited.because


def ends(*kinds: End) -> list[Waited]:
    return [Waited(HERE, WISH, NAME, None, None, kind, "because") for kind in kinds]


@pytest.mark.parametrize(
    ("kinds", "over", "code"),
    [
        ((End.TRUE,), True, ExitCode.DONE),
        ((End.TRUE, End.WAITING), False, ExitCode.REFUSED),
        ((End.DENIED, End.WAITING), True, ExitCode.REFUSED),
        ((End.UNREADABLE, End.WAITING), False, ExitCode.REFUSED),
        ((End.UNREADABLE,), True, ExitCode.AWS),
        ((End.UNREADABLE, End.TRUE), True, ExitCode.PARTLY),
        ((End.UNREADABLE, End.NOT_OFFERED), True, ExitCode.REFUSED),
    ],
)
def test_when_it_is_over_and_how_it_ends(kinds: tuple[End, ...], over: bool, code: ExitCode) -> None:
    assert is_over(ends(*kinds)) is over
    assert waiting_exit(ends(*kinds)) is code


@given(
    st.builds(quota, st.none() | st.floats(0, 8), st.none() | st.floats(0, 8)),
    st.lists(st.builds(request, st.sampled_from(list(RequestStatus)), st.floats(0, 8), days_ago=st.floats(0, 9))),
    st.booleans(),
)
def test_true_means_the_value_and_nothing_else(answer: Quota, requests: list[Request], queued: bool) -> None:
    waited = look(answer, *requests, queued=queued, closed_for=timedelta(hours=1))
    assert (waited.end is End.TRUE) == (answer.value is not None and answer.value >= WISH.to)
    if any(one.status.is_open for one in requests):
        assert waited.end is not End.DENIED

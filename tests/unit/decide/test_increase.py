"""What to ask AWS for, and what stands in the way."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.decide.demands import quota_name
from opskit.decide.increase import Attempt, Outcome, Sight, SupportView, Via, Wish, plan, trace
from opskit.decide.support import Case, Desk
from opskit.model import NotOffered, Quota, Request, RequestStatus, Unread, Usage

HERE = "eu-west-1"
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
WISH = Wish("ml.m4.xlarge", Usage.TRAINING, 4)
NAME = quota_name(WISH.demand())
UNREAD = Unread("You may not call it.", "denied", "Allow it.")
DESK = Desk("service-limit-increase", "service-code-sagemaker")


def quota(applied: float | None, default: float | None = 0, *, adjustable: bool = True) -> Quota:
    return Quota(HERE, NAME, "L-A373146E", applied, default, adjustable)


def request(status: str, desired: float = 4, *, hours_ago: float = 1, id: str = "r-1") -> Request:
    created = NOW - timedelta(hours=hours_ago)
    return Request(id, HERE, NAME, "L-A373146E", desired, RequestStatus(status), created, "case-7")


def sight(seen: Quota | NotOffered | Unread, *requests: Request, support: SupportView | Unread | None = None) -> Sight:
    return Sight(HERE, NAME, seen, requests, support)


@pytest.mark.parametrize(
    ("seen", "requests", "outcome", "says"),
    [
        (quota(0), (), Outcome.PLANNED, "0 now, 4 wanted"),
        (quota(None, 0), (), Outcome.PLANNED, "0 now, 4 wanted"),
        (quota(4), (), Outcome.ALREADY_ENOUGH, "applied value is already 4"),
        (quota(None, 4), (), Outcome.ALREADY_ENOUGH, "default is already 4"),
        (quota(1, 8), (), Outcome.REFUSED, "only AWS Support can restore"),
        (quota(1, 4), (), Outcome.REFUSED, "above the default, 4"),
        (quota(1, 3), (), Outcome.PLANNED, "1 now, 4 wanted"),
        (quota(1, None), (), Outcome.PLANNED, "1 now, 4 wanted"),
        (quota(None, None), (), Outcome.UNKNOWN, "no applied value"),
        (quota(0, adjustable=False), (), Outcome.REFUSED, "not adjustable"),
        (NotOffered(HERE, NAME), (), Outcome.REFUSED, "no increase can help"),
        (UNREAD, (), Outcome.UNKNOWN, "could not be read"),
        (quota(0), (request("PENDING"),), Outcome.ALREADY_OPEN, "already open (PENDING)"),
        (quota(0), (request("CASE_OPENED", 2),), Outcome.ALREADY_OPEN, "ask for 4 when it is closed"),
        # the applied value is the truth, whatever a request says
        (quota(4), (request("CASE_OPENED"),), Outcome.ALREADY_ENOUGH, "already 4"),
        (quota(0), (request("APPROVED"),), Outcome.ALREADY_OPEN, "has not moved yet"),
        (quota(0), (request("APPROVED", hours_ago=48),), Outcome.PLANNED, "wanted"),
        (quota(0), (request("APPROVED", 2),), Outcome.PLANNED, "wanted"),
        (quota(0), (request("DENIED"), request("CASE_CLOSED", id="r-2")), Outcome.PLANNED, "wanted"),
    ],
)
def test_what_is_planned(
    seen: Quota | NotOffered | Unread, requests: tuple[Request, ...], outcome: Outcome, says: str
) -> None:
    ask = plan(WISH, sight(seen, *requests), Via.AUTO, NOW)
    assert (ask.outcome, ask.via) == (outcome, Via.SERVICE_QUOTAS)
    assert says in ask.because


def test_requests_that_cannot_be_read_might_be_there() -> None:
    ask = plan(WISH, Sight(HERE, NAME, quota(0), UNREAD), Via.AUTO, NOW)
    assert ask.outcome is Outcome.UNKNOWN
    assert ask.problem is not None
    assert (ask.problem.code, ask.problem.hint, ask.problem.region) == ("denied", "Allow it.", HERE)


@pytest.mark.parametrize("status", ["DENIED", "NOT_APPROVED", "INVALID_REQUEST", "CASE_CLOSED"])
def test_an_attempt_that_had_arrived_and_was_closed_is_not_repeated(status: str) -> None:
    attempt = Attempt(NOW - timedelta(minutes=1), 4, frozenset({"r-0"}))
    before, made = request("DENIED", id="r-0", hours_ago=0.02), request(status, id="r-1")
    assert plan(WISH, sight(quota(0), before, made), Via.AUTO, NOW, attempt).outcome is Outcome.REFUSED
    assert plan(WISH, sight(quota(0), before), Via.AUTO, NOW, attempt).outcome is Outcome.PLANNED
    other = replace(attempt, desired=3)
    assert plan(WISH, sight(quota(0), before, made), Via.AUTO, NOW, other).outcome is Outcome.PLANNED


def test_a_trace_is_a_new_request_for_the_same_value() -> None:
    attempt = Attempt(NOW, 4, frozenset({"r-0"}))
    assert trace(attempt, [request("PENDING", id="r-0"), request("PENDING", 3)]) is None
    assert trace(attempt, [request("PENDING", id="r-0"), request("PENDING")]) == request("PENDING")


def view(*cases: Case, desk: Desk | None = DESK) -> SupportView:
    return SupportView(desk, cases)


CASE = Case("case-1", "1001", f"SageMaker quota increase in {HERE}: {NAME} to 4", "opened")


@pytest.mark.parametrize(
    ("seen", "requests", "support", "outcome", "says"),
    [
        (quota(0), (), view(), Outcome.PLANNED, "wanted"),
        (quota(1, 8), (), view(), Outcome.PLANNED, "wanted"),
        (quota(0, adjustable=False), (), view(), Outcome.PLANNED, "wanted"),
        (quota(4), (), view(), Outcome.ALREADY_ENOUGH, "already"),
        (quota(0), (), view(CASE), Outcome.ALREADY_OPEN, "1001"),
        (quota(0), (), view(desk=None), Outcome.REFUSED, "offers this account no case"),
        (quota(0), (), Unread("no plan", "no-support-plan"), Outcome.REFUSED, "no plan"),
        (quota(0), (), UNREAD, Outcome.UNKNOWN, "might ask twice"),
        (quota(0), (), None, Outcome.UNKNOWN, "not looked at"),
        (quota(0), (request("PENDING"),), None, Outcome.PLANNED, "a support case moves it on"),
        (quota(0), (request("CASE_OPENED"),), view(), Outcome.ALREADY_OPEN, "already open"),
    ],
)
def test_what_is_planned_with_support(
    seen: Quota, requests: tuple[Request, ...], support: SupportView | Unread | None, outcome: Outcome, says: str
) -> None:
    ask = plan(WISH, sight(seen, *requests, support=support), Via.SUPPORT, NOW)
    assert (ask.outcome, ask.via) == (outcome, Via.SUPPORT)
    assert says in ask.because


def test_a_case_whose_fate_is_unknown_is_not_sent_again_for_an_hour() -> None:
    just_now = Attempt(NOW - timedelta(minutes=2), 4, via=Via.SUPPORT)
    long_ago = replace(just_now, at=NOW - timedelta(hours=2))
    assert plan(WISH, sight(quota(0), support=view()), Via.SUPPORT, NOW, just_now).outcome is Outcome.UNKNOWN
    assert plan(WISH, sight(quota(0), support=view()), Via.SUPPORT, NOW, long_ago).outcome is Outcome.PLANNED


values = st.none() | st.sampled_from([0.0, 0.5, 1.0, 3.0, 4.0, 5.0, 2e9])
quotas = st.one_of(
    st.builds(quota, values, values, adjustable=st.booleans()), st.just(UNREAD), st.just(NotOffered(HERE, NAME))
)
requests = st.lists(
    st.builds(
        request,
        st.sampled_from(list(RequestStatus)),
        st.sampled_from([2.0, 4.0, 8.0]),
        hours_ago=st.floats(0, 1000),
        id=st.text("abc", min_size=1),
    ),
    max_size=4,
)
supports = st.sampled_from([None, UNREAD, view(), view(CASE), view(desk=None), Unread("no plan", "no-support-plan")])


@given(quotas, requests | st.just(UNREAD), supports, st.sampled_from(list(Via)), st.floats(1, 100))
def test_nothing_is_planned_that_is_there_or_that_cannot_be_seen(
    seen: Quota | NotOffered | Unread,
    asked: list[Request] | Unread,
    support: SupportView | Unread | None,
    via: Via,
    to: float,
) -> None:
    history = asked if isinstance(asked, Unread) else tuple(asked)
    ask = plan(replace(WISH, to=to), Sight(HERE, NAME, seen, history, support), via, NOW)
    assert ask.because
    if ask.outcome is not Outcome.PLANNED:
        return
    assert isinstance(seen, Quota)
    assert seen.value is not None
    assert seen.value < to
    assert not isinstance(history, Unread)
    if ask.request_id:  # a support case, which moves on what hangs
        assert any(one.id == ask.request_id and one.status is RequestStatus.PENDING for one in history)
    else:
        assert not any(one.status.is_open for one in history)
    if ask.via is Via.SERVICE_QUOTAS and not ask.request_id:  # what AWS took already need not be asked for anew
        assert seen.adjustable
        assert seen.default is None or to > seen.default

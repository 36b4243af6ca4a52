"""What to ask AWS for, and what stands in the way."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.core.model import NotOffered, Quota, Unknown, Workload
from opskit.increases.render.increase import increase_result
from opskit.increases.rules.channel import Channel
from opskit.increases.rules.increase import (
    UNNAMED_REQUEST,
    Increase,
    IncreaseOutcome,
    IncreaseResult,
    IncreaseTarget,
    Submission,
)
from opskit.increases.rules.plan import QuotaSnapshot, SupportInfo, find_created_request, plan_increase
from opskit.increases.rules.support_cases import SupportCase, SupportCategory
from opskit.quotas.rules.model import IncreaseRequest, RequestStatus
from opskit.quotas.rules.requirements import quota_name_for

HERE = "eu-west-1"
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
WISH = IncreaseTarget("ml.m4.xlarge", Workload.TRAINING, 4)
NAME = quota_name_for(WISH.requirement())
UNREAD = Unknown("You may not call it.", "denied", "Allow it.")
DESK = SupportCategory("service-limit-increase", "service-code-sagemaker")


def planned_quota(applied: float | None, default: float | None = 0, *, adjustable: bool = True) -> Quota:
    return Quota(HERE, NAME, "L-A373146E", applied, default, adjustable)


def earlier_request(status: str, desired: float = 4, *, hours_ago: float = 1, id: str = "r-1") -> IncreaseRequest:
    created = NOW - timedelta(hours=hours_ago)
    return IncreaseRequest(id, HERE, NAME, "L-A373146E", desired, RequestStatus(status), created, "case-7")


def quota_snapshot(
    seen: Quota | NotOffered | Unknown, *requests: IncreaseRequest, support: SupportInfo | Unknown | None = None
) -> QuotaSnapshot:
    return QuotaSnapshot(HERE, NAME, seen, requests, support)


@pytest.mark.parametrize(
    ("seen", "requests", "outcome", "says"),
    [
        (planned_quota(0), (), IncreaseOutcome.PLANNED, "0 now, 4 wanted"),
        (planned_quota(None, 0), (), IncreaseOutcome.PLANNED, "0 now, 4 wanted"),
        (planned_quota(4), (), IncreaseOutcome.ALREADY_ENOUGH, "applied value is already 4"),
        (planned_quota(None, 4), (), IncreaseOutcome.ALREADY_ENOUGH, "default is already 4"),
        (planned_quota(1, 8), (), IncreaseOutcome.REFUSED, "only AWS Support can restore"),
        (planned_quota(1, 4), (), IncreaseOutcome.REFUSED, "above the default, 4"),
        (planned_quota(1, 3), (), IncreaseOutcome.PLANNED, "1 now, 4 wanted"),
        (planned_quota(1, None), (), IncreaseOutcome.PLANNED, "1 now, 4 wanted"),
        (planned_quota(None, None), (), IncreaseOutcome.UNKNOWN, "no applied value"),
        (planned_quota(0, adjustable=False), (), IncreaseOutcome.REFUSED, "not adjustable"),
        (NotOffered(HERE, NAME), (), IncreaseOutcome.REFUSED, "no increase can help"),
        (UNREAD, (), IncreaseOutcome.UNKNOWN, "could not be read"),
        (planned_quota(0), (earlier_request("PENDING"),), IncreaseOutcome.ALREADY_OPEN, "already open (PENDING)"),
        (
            planned_quota(0),
            (earlier_request("CASE_OPENED", 2),),
            IncreaseOutcome.ALREADY_OPEN,
            "request 4 when it is closed",
        ),
        # the applied value is the truth, whatever a request says
        (planned_quota(4), (earlier_request("CASE_OPENED"),), IncreaseOutcome.ALREADY_ENOUGH, "already 4"),
        (planned_quota(0), (earlier_request("APPROVED"),), IncreaseOutcome.ALREADY_OPEN, "is unchanged so far"),
        (planned_quota(0), (earlier_request("APPROVED", hours_ago=48),), IncreaseOutcome.PLANNED, "wanted"),
        (planned_quota(0), (earlier_request("APPROVED", 2),), IncreaseOutcome.PLANNED, "wanted"),
        (
            planned_quota(0),
            (earlier_request("DENIED"), earlier_request("CASE_CLOSED", id="r-2")),
            IncreaseOutcome.PLANNED,
            "wanted",
        ),
    ],
)
def test_increase_plan_by_quota_and_requests(
    seen: Quota | NotOffered | Unknown, requests: tuple[IncreaseRequest, ...], outcome: IncreaseOutcome, says: str
) -> None:
    increase = plan_increase(WISH, quota_snapshot(seen, *requests), Channel.AUTO, NOW)
    assert (increase.outcome, increase.channel) == (outcome, Channel.SERVICE_QUOTAS)
    assert says in increase.reason


@pytest.mark.parametrize("status", list(RequestStatus))
def test_what_aws_refused_before_is_told_before_it_is_asked_again(status: RequestStatus) -> None:
    older = earlier_request("DENIED", 3, hours_ago=400, id="r-0")
    newest = earlier_request(status, 2, hours_ago=24, id="r-1")
    planned = plan_increase(WISH, quota_snapshot(planned_quota(0), older, newest), Channel.SERVICE_QUOTAS, NOW)
    day = f"{newest.created:%Y-%m-%d}"
    assert (f"AWS denied the last request, to 2, of {day} ({status})" in planned.reason) is status.is_refused


def test_requests_that_cannot_be_read_might_be_there() -> None:
    increase = plan_increase(WISH, QuotaSnapshot(HERE, NAME, planned_quota(0), UNREAD), Channel.AUTO, NOW)
    assert increase.outcome is IncreaseOutcome.UNKNOWN
    problem = increase.result.problem
    assert problem is not None
    assert (problem.code, problem.hint, problem.region) == ("denied", "Allow it.", HERE)


@pytest.mark.parametrize("status", ["DENIED", "NOT_APPROVED", "INVALID_REQUEST", "CASE_CLOSED"])
def test_an_attempt_that_had_arrived_and_was_closed_is_not_repeated(status: str) -> None:
    submission = Submission(NOW - timedelta(minutes=1), 4, frozenset({"r-0"}))
    before, made = earlier_request("DENIED", id="r-0", hours_ago=0.02), earlier_request(status, id="r-1")
    assert (
        plan_increase(WISH, quota_snapshot(planned_quota(0), before, made), Channel.AUTO, NOW, submission).outcome
        is IncreaseOutcome.REFUSED
    )
    assert (
        plan_increase(WISH, quota_snapshot(planned_quota(0), before), Channel.AUTO, NOW, submission).outcome
        is IncreaseOutcome.PLANNED
    )
    other = replace(submission, desired_value=3)
    assert (
        plan_increase(WISH, quota_snapshot(planned_quota(0), before, made), Channel.AUTO, NOW, other).outcome
        is IncreaseOutcome.PLANNED
    )


def test_a_trace_is_a_new_request_for_the_same_value() -> None:
    submission = Submission(NOW, 4, frozenset({"r-0"}))
    assert (
        find_created_request(submission, [earlier_request("PENDING", id="r-0"), earlier_request("PENDING", 3)]) is None
    )
    assert find_created_request(
        submission, [earlier_request("PENDING", id="r-0"), earlier_request("PENDING")]
    ) == earlier_request("PENDING")


def support_view(*cases: SupportCase, category: SupportCategory | None = DESK) -> SupportInfo:
    return SupportInfo(category, cases)


CASE = SupportCase("case-1", "1001", f"SageMaker quota increase in {HERE}: {NAME} to 4", "opened")


@pytest.mark.parametrize(
    ("seen", "now"),
    [(planned_quota(1), "1"), (NotOffered(HERE, NAME), "-"), (UNREAD, "?"), (planned_quota(None, None), "?")],
)
def test_the_table_tells_a_quota_that_is_not_there_from_one_that_is_not_known(
    seen: Quota | NotOffered | Unknown, now: str
) -> None:
    [row] = increase_result([plan_increase(WISH, quota_snapshot(seen), Channel.AUTO, NOW)]).tables[0].rows
    assert row[1].text == now


@pytest.mark.parametrize(
    ("increase", "covered"),
    [
        (plan_increase(WISH, quota_snapshot(planned_quota(0), earlier_request("PENDING", 2)), Channel.AUTO, NOW), 2),
        # a case that AWS Support lists tells no value, and no second one is opened beside it
        (plan_increase(WISH, quota_snapshot(planned_quota(0), support=support_view(CASE)), Channel.SUPPORT, NOW), 4),
        # opskit knows what it asked for in a case that is not listed yet
        (
            plan_increase(
                WISH,
                quota_snapshot(planned_quota(0), support=support_view()),
                Channel.SUPPORT,
                NOW,
                Submission(NOW - timedelta(minutes=5), 3, channel=Channel.SUPPORT, id="case-1"),
            ),
            3,
        ),
    ],
)
def test_what_an_open_request_covers(increase: Increase, covered: float) -> None:
    assert increase.outcome is IncreaseOutcome.ALREADY_OPEN
    assert increase.covered_value == covered


def test_a_request_that_aws_does_not_name_covers_nothing() -> None:
    planned = plan_increase(WISH, quota_snapshot(planned_quota(0)), Channel.SERVICE_QUOTAS, NOW)
    assert planned.covered_value == 0
    unnamed = planned.with_result("so", IncreaseResult(IncreaseOutcome.ALREADY_OPEN, open_value=UNNAMED_REQUEST))
    assert unnamed.covered_value == 0


@pytest.mark.parametrize(
    ("seen", "requests", "support", "outcome", "says"),
    [
        (planned_quota(0), (), support_view(), IncreaseOutcome.PLANNED, "wanted"),
        (planned_quota(1, 8), (), support_view(), IncreaseOutcome.PLANNED, "wanted"),
        (planned_quota(0, adjustable=False), (), support_view(), IncreaseOutcome.PLANNED, "wanted"),
        (planned_quota(4), (), support_view(), IncreaseOutcome.ALREADY_ENOUGH, "already"),
        (planned_quota(0), (), support_view(CASE), IncreaseOutcome.ALREADY_OPEN, "1001"),
        (
            planned_quota(0),
            (),
            support_view(category=None),
            IncreaseOutcome.REFUSED,
            "does not accept SageMaker quota cases",
        ),
        (planned_quota(0), (), Unknown("no plan", "no-support-plan"), IncreaseOutcome.REFUSED, "no plan"),
        (planned_quota(0), (), UNREAD, IncreaseOutcome.UNKNOWN, "might ask twice"),
        (planned_quota(0), (), None, IncreaseOutcome.UNKNOWN, "not looked at"),
        (
            planned_quota(0),
            (earlier_request("PENDING"),),
            None,
            IncreaseOutcome.PLANNED,
            "opening a support case to move it forward",
        ),
        (
            planned_quota(0),
            (earlier_request("CASE_OPENED"),),
            support_view(),
            IncreaseOutcome.ALREADY_OPEN,
            "already open",
        ),
    ],
)
def test_what_is_planned_with_support(
    seen: Quota,
    requests: tuple[IncreaseRequest, ...],
    support: SupportInfo | Unknown | None,
    outcome: IncreaseOutcome,
    says: str,
) -> None:
    increase = plan_increase(WISH, quota_snapshot(seen, *requests, support=support), Channel.SUPPORT, NOW)
    assert (increase.outcome, increase.channel) == (outcome, Channel.SUPPORT)
    assert says in increase.reason


def test_a_case_whose_fate_is_unknown_is_not_sent_again_for_an_hour() -> None:
    just_now = Submission(NOW - timedelta(minutes=2), 4, channel=Channel.SUPPORT)
    long_ago = replace(just_now, sent_at=NOW - timedelta(hours=2))
    assert (
        plan_increase(
            WISH, quota_snapshot(planned_quota(0), support=support_view()), Channel.SUPPORT, NOW, just_now
        ).outcome
        is IncreaseOutcome.UNKNOWN
    )
    assert (
        plan_increase(
            WISH, quota_snapshot(planned_quota(0), support=support_view()), Channel.SUPPORT, NOW, long_ago
        ).outcome
        is IncreaseOutcome.PLANNED
    )


values = st.none() | st.sampled_from([0.0, 0.5, 1.0, 3.0, 4.0, 5.0, 2e9])
quotas = st.one_of(
    st.builds(planned_quota, values, values, adjustable=st.booleans()), st.just(UNREAD), st.just(NotOffered(HERE, NAME))
)
requests = st.lists(
    st.builds(
        earlier_request,
        st.sampled_from(list(RequestStatus)),
        st.sampled_from([2.0, 4.0, 8.0]),
        hours_ago=st.floats(0, 1000),
        id=st.text("abc", min_size=1),
    ),
    max_size=4,
)
supports = st.sampled_from(
    [
        None,
        UNREAD,
        support_view(),
        support_view(CASE),
        support_view(category=None),
        Unknown("no plan", "no-support-plan"),
    ]
)


@given(quotas, requests | st.just(UNREAD), supports, st.sampled_from(list(Channel)), st.floats(1, 100))
def test_nothing_is_planned_that_is_there_or_that_cannot_be_seen(
    seen: Quota | NotOffered | Unknown,
    asked: list[IncreaseRequest] | Unknown,
    support: SupportInfo | Unknown | None,
    via: Channel,
    to: float,
) -> None:
    history = asked if isinstance(asked, Unknown) else tuple(asked)
    increase = plan_increase(replace(WISH, value=to), QuotaSnapshot(HERE, NAME, seen, history, support), via, NOW)
    assert increase.reason
    if increase.outcome is not IncreaseOutcome.PLANNED:
        return
    assert isinstance(seen, Quota)
    assert seen.effective_value is not None
    assert seen.effective_value < to
    assert not isinstance(history, Unknown)
    if increase.request_id:  # a support case, which moves on what hangs
        assert any(request.id == increase.request_id and request.status is RequestStatus.PENDING for request in history)
    else:
        assert not any(request.status.is_open for request in history)
    if (
        increase.channel is Channel.SERVICE_QUOTAS and not increase.request_id
    ):  # what AWS took already need not be asked for anew
        assert seen.adjustable
        assert seen.default is None or to > seen.default


def automatic_request(desired: float, status: str = "PENDING") -> IncreaseRequest:
    return replace(earlier_request(status, desired, id="auto"), is_automatic=True)


def test_what_aws_closed_without_a_word_is_shown_before_it_is_planned_again() -> None:
    snapshot = quota_snapshot(planned_quota(0), earlier_request("CASE_CLOSED", hours_ago=99))
    increase = plan_increase(WISH, snapshot, Channel.AUTO, NOW)
    assert increase.outcome is IncreaseOutcome.PLANNED
    assert "AWS closed the last request, to 4, of 2026-05-28 without saying why (CASE_CLOSED)." in increase.reason


def test_a_request_of_automatic_management_is_told_from_ones_own() -> None:
    open_one = plan_increase(WISH, quota_snapshot(planned_quota(0), automatic_request(4)), Channel.AUTO, NOW)
    assert open_one.outcome is IncreaseOutcome.ALREADY_OPEN
    assert "A request of AWS's automatic management to 4 is already open" in open_one.reason
    denied = quota_snapshot(planned_quota(0), automatic_request(4, "DENIED"))
    assert "denied" not in plan_increase(WISH, denied, Channel.AUTO, NOW).reason


def test_a_lost_answer_is_not_found_in_what_automatic_management_asked() -> None:
    submission = Submission(NOW, 4)
    assert find_created_request(submission, [automatic_request(4)]) is None
    own = earlier_request("PENDING")
    assert find_created_request(submission, [automatic_request(4), own]) is own

"""What a look means for whoever waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.core.exceptions import ExitCode
from opskit.core.model import NotOffered, Quota, QuotaLookup, Unknown, Workload
from opskit.increases.rules.increase import IncreaseTarget
from opskit.increases.rules.waiting import (
    Observation,
    OwnRequests,
    WaitResult,
    WaitState,
    evaluate_observation,
    is_wait_over,
    wait_exit_code,
)
from opskit.quotas.rules.model import IncreaseRequest, RequestStatus
from opskit.quotas.rules.requirements import quota_name_for

HERE = "eu-west-1"
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
WISH = IncreaseTarget("ml.m4.xlarge", Workload.TRAINING, 4)
NAME = quota_name_for(WISH.requirement())
DENIED = Unknown("You may not call it.", "denied", "Allow it.")
THROTTLED = Unknown("AWS asks to slow down.", "throttled")


def awaited_quota(applied: float | None, default: float | None = 0) -> Quota:
    return Quota(HERE, NAME, "L-A373146E", applied, default)


def awaited_request(status: str, desired: float = 4, *, days_ago: float = 0) -> IncreaseRequest:
    return IncreaseRequest("r", HERE, NAME, "L-1", desired, RequestStatus(status), NOW - timedelta(days=days_ago))


def observe_quota(
    answer: QuotaLookup, *requests: IncreaseRequest, queued: bool = False, closed_for: timedelta = timedelta(0)
) -> WaitResult:
    return evaluate_observation(Observation(HERE, WISH, NAME, answer, requests, OwnRequests(queued), closed_for))


@pytest.mark.parametrize(
    ("answer", "requests", "end", "says"),
    [
        (awaited_quota(4), (), WaitState.REACHED, "applied value is 4"),
        (awaited_quota(None, 4), (), WaitState.REACHED, "default is 4"),
        # the applied value decides, whatever the request says
        (awaited_quota(4), (awaited_request("CASE_OPENED"),), WaitState.REACHED, "applied value is 4"),
        (awaited_quota(4), (awaited_request("DENIED"),), WaitState.REACHED, "applied value is 4"),
        (awaited_quota(0), (awaited_request("PENDING"),), WaitState.WAITING, "PENDING"),
        (
            awaited_quota(0),
            (awaited_request("DENIED"), awaited_request("CASE_OPENED", days_ago=1)),
            WaitState.WAITING,
            "CASE_OPENED",
        ),
        (awaited_quota(0), (awaited_request("APPROVED"),), WaitState.WAITING, "is unchanged so far"),
        (awaited_quota(0), (awaited_request("DENIED"),), WaitState.DENIED, "DENIED"),
        (
            awaited_quota(0),
            (awaited_request("NOT_APPROVED"), awaited_request("APPROVED", days_ago=9)),
            WaitState.DENIED,
            "NOT_APPROVED",
        ),
        (awaited_quota(0), (awaited_request("INVALID_REQUEST"),), WaitState.DENIED, "INVALID_REQUEST"),
        (
            awaited_quota(0),
            (awaited_request("APPROVED"), awaited_request("DENIED", days_ago=9)),
            WaitState.WAITING,
            "is unchanged so far",
        ),
        (
            awaited_quota(0),
            (awaited_request("APPROVED", 2), awaited_request("DENIED", days_ago=9)),
            WaitState.DENIED,
            "DENIED",
        ),
        (awaited_quota(0), (awaited_request("CASE_CLOSED"),), WaitState.WAITING, "without a decision"),
        (awaited_quota(0), (awaited_request("APPROVED", 2),), WaitState.WAITING, "no increase was requested"),
        (awaited_quota(0), (), WaitState.WAITING, "no increase was requested"),
        (awaited_quota(None, None), (), WaitState.WAITING, "? now"),
        (NotOffered(HERE, NAME), (), WaitState.NOT_OFFERED, "no such quota"),
        (THROTTLED, (), WaitState.WAITING, "slow down"),
        (DENIED, (), WaitState.UNREADABLE, "may not"),
    ],
)
def test_what_a_look_means(
    answer: QuotaLookup, requests: tuple[IncreaseRequest, ...], end: WaitState, says: str
) -> None:
    result = observe_quota(answer, *requests)
    assert result.state is end
    assert says in result.reason


def test_closed_without_a_word_is_a_no_after_a_while() -> None:
    closed = awaited_request("CASE_CLOSED")
    assert observe_quota(awaited_quota(0), closed).closed
    assert observe_quota(awaited_quota(0), closed, closed_for=timedelta(minutes=31)).state is WaitState.DENIED
    assert observe_quota(awaited_quota(4), closed, closed_for=timedelta(minutes=31)).state is WaitState.REACHED


def test_what_waits_in_the_queue_is_no_denial() -> None:
    result = observe_quota(awaited_quota(0), awaited_request("DENIED", days_ago=9), queued=True)
    assert result.state is WaitState.WAITING
    assert "--resume" in result.reason


@pytest.mark.parametrize("status", ["DENIED", "NOT_APPROVED", "INVALID_REQUEST", "CASE_CLOSED"])
def test_a_refusal_does_not_end_it_where_a_newer_request_of_opskit_s_may_be_open(status: str) -> None:
    observation = Observation(
        HERE,
        WISH,
        NAME,
        awaited_quota(0),
        (awaited_request(status, days_ago=9),),
        Unknown("The state folder is not readable"),
        timedelta(hours=1),
    )
    result = evaluate_observation(observation)
    assert result.state is WaitState.WAITING
    assert result.reason.endswith(
        f"ended {status}"
        + (", without a decision; the value is unchanged" if status == "CASE_CLOSED" else "")
        + "; whether opskit has asked for it again could not be read: The state folder is not readable"
    )


def results_in_states(*kinds: WaitState) -> list[WaitResult]:
    return [WaitResult(HERE, WISH, NAME, Unknown("busy"), kind, "because") for kind in kinds]


@pytest.mark.parametrize(
    ("kinds", "over", "code"),
    [
        ((WaitState.REACHED,), True, ExitCode.OK),
        ((WaitState.REACHED, WaitState.WAITING), False, ExitCode.REFUSED),
        ((WaitState.DENIED, WaitState.WAITING), True, ExitCode.REFUSED),
        ((WaitState.UNREADABLE, WaitState.WAITING), False, ExitCode.REFUSED),
        ((WaitState.UNREADABLE,), True, ExitCode.AWS_ERROR),
        ((WaitState.UNREADABLE, WaitState.REACHED), True, ExitCode.PARTIAL),
        ((WaitState.UNREADABLE, WaitState.NOT_OFFERED), True, ExitCode.REFUSED),
    ],
)
def test_when_it_is_over_and_how_it_ends(kinds: tuple[WaitState, ...], over: bool, code: ExitCode) -> None:
    assert is_wait_over(results_in_states(*kinds)) is over
    assert wait_exit_code(results_in_states(*kinds)) is code


@given(
    st.builds(awaited_quota, st.none() | st.floats(0, 8), st.none() | st.floats(0, 8)),
    st.lists(
        st.builds(awaited_request, st.sampled_from(list(RequestStatus)), st.floats(0, 8), days_ago=st.floats(0, 9))
    ),
    st.booleans(),
)
def test_true_means_the_value_and_nothing_else(answer: Quota, requests: list[IncreaseRequest], queued: bool) -> None:
    result = observe_quota(answer, *requests, queued=queued, closed_for=timedelta(hours=1))
    assert (result.state is WaitState.REACHED) == (
        answer.effective_value is not None and answer.effective_value >= WISH.value
    )
    if any(request.status.is_open for request in requests):
        assert result.state is not WaitState.DENIED

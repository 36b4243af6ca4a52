"""Decides whether a quota has its value, may still get it, or was refused. The applied value counts before any
status.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from opskit.core.exceptions import EXIT_SEVERITY, ExitCode, Problem
from opskit.core.model import NotOffered, Quota, QuotaLookup, Unknown
from opskit.increases.rules.increase import IncreaseTarget
from opskit.quotas.rules.model import IncreaseRequest, RequestStatus, format_quota_value

# CASE_CLOSED does not say how AWS decided, and the value may follow. After this long it counts as a refusal.
_CLOSED_GRACE = timedelta(minutes=30)


class WaitState(StrEnum):
    """The state of waiting for one quota."""

    REACHED = "true"
    WAITING = "waiting"
    DENIED = "denied"
    NOT_OFFERED = "not-offered"
    UNREADABLE = "unreadable"

    @property
    def is_final_no(self) -> bool:
        """Whether waiting longer cannot help."""
        match self:
            case WaitState.DENIED | WaitState.NOT_OFFERED:
                return True
            case WaitState.REACHED | WaitState.WAITING | WaitState.UNREADABLE:
                return False

    @property
    def is_reached(self) -> bool:
        """Whether the value is in effect."""
        match self:
            case WaitState.REACHED:
                return True
            case WaitState.WAITING | WaitState.DENIED | WaitState.NOT_OFFERED | WaitState.UNREADABLE:
                return False

    @property
    def is_unreadable(self) -> bool:
        """Whether it cannot be told."""
        match self:
            case WaitState.UNREADABLE:
                return True
            case WaitState.REACHED | WaitState.WAITING | WaitState.DENIED | WaitState.NOT_OFFERED:
                return False

    @property
    def may_change(self) -> bool:
        """Whether a later read may give another result."""
        match self:
            case WaitState.WAITING:
                return True
            case WaitState.REACHED | WaitState.DENIED | WaitState.NOT_OFFERED | WaitState.UNREADABLE:
                return False


_STATE_EXITS = {
    WaitState.REACHED: ExitCode.OK,
    WaitState.WAITING: ExitCode.REFUSED,
    WaitState.DENIED: ExitCode.REFUSED,
    WaitState.NOT_OFFERED: ExitCode.REFUSED,
    WaitState.UNREADABLE: ExitCode.AWS_ERROR,
}


@dataclass(frozen=True)
class WaitResult:
    """One quota that was waited for, with what was read of it.

    ``closed`` tells that AWS closed the request without a decision, ``is_unasked`` that nobody has made one;
    ``problem`` is what prevented a read; None: it was read.
    """

    region: str
    target: IncreaseTarget
    quota_name: str
    quota: QuotaLookup
    state: WaitState
    reason: str
    closed: bool = False
    problem: Problem | None = None
    is_unasked: bool = False


@dataclass(frozen=True)
class OwnRequests:
    """What opskit has asked for itself. ``queued``: it is in its queue; ``filed`` is when AWS accepted a request that
    its lists do not show yet; None: there is no such request.
    """

    queued: bool = False
    filed: datetime | None = None


@dataclass(frozen=True)
class Observation:
    """What one read for a target returned. ``own`` is what opskit itself has asked for; ``closed_for``: how long the
    request has been closed without a decision.
    """

    region: str
    target: IncreaseTarget
    quota_name: str
    answer: QuotaLookup
    requests: Sequence[IncreaseRequest] | Unknown = ()
    own: OwnRequests | Unknown = OwnRequests()
    closed_for: timedelta = timedelta(0)


def evaluate_observation(observation: Observation) -> WaitResult:
    """What an observation means for the wait."""
    match observation.answer:
        case NotOffered():
            return _wait_result(
                observation,
                WaitState.NOT_OFFERED,
                f"{observation.region} has no such quota: there is nothing to wait for",
            )
        case Unknown() as unread:
            # A missing permission does not pass by waiting; throttling and network failures do.
            state = WaitState.UNREADABLE if unread.code == "denied" else WaitState.WAITING
            problem = Problem(unread.code, unread.reason, unread.hint, observation.region)
            return _wait_result(observation, state, f"the quota could not be read: {problem.message}", problem=problem)
        case Quota() as quota:
            if quota.effective_value is not None and quota.effective_value >= observation.target.value:
                which = "default" if quota.applied is None else "applied value"
                return _wait_result(
                    observation, WaitState.REACHED, f"the {which} is {format_quota_value(quota.effective_value)}"
                )
            return _evaluate_unmet(
                observation,
                f"{format_quota_value(quota.effective_value)} now, "
                f"{format_quota_value(observation.target.value)} wanted",
            )
        case _:
            assert_never(observation.answer)


def _evaluate_unmet(observation: Observation, now: str) -> WaitResult:
    """The value is still too low: refused if the last decision was, else it may follow."""
    if isinstance(observation.requests, Unknown):
        return _wait_result(
            observation, WaitState.WAITING, f"{now}; its requests could not be read: {observation.requests.reason}"
        )
    newest = sorted(observation.requests, key=lambda request: request.created, reverse=True)
    open_request = next((request for request in newest if request.status.is_open), None)
    if open_request:
        return _wait_result(
            observation,
            WaitState.WAITING,
            f"{now}; the request to {format_quota_value(open_request.desired_value)} is {open_request.status}",
        )
    # Before the older requests: a denial of last month must not end the wait for today's request.
    own = OwnRequests() if isinstance(observation.own, Unknown) else observation.own
    if own.filed:
        at = f"{own.filed:%H:%M} UTC"
        return _wait_result(
            observation, WaitState.WAITING, f"{now}; it was requested at {at}, and AWS's lists do not show it yet"
        )
    if own.queued:
        return _wait_result(
            observation, WaitState.WAITING, f"{now}; it is queued (opskit quotas increase --resume submits it)"
        )
    sufficient = [request for request in newest if request.desired_value >= observation.target.value]
    if not sufficient and isinstance(observation.own, Unknown):
        unread = f"whether opskit has asked for it could not be read: {observation.own.reason}"
        return _wait_result(observation, WaitState.WAITING, f"{now}; AWS lists no request for it, and {unread}")
    if not sufficient:
        text = f"{now}; no increase was requested yet (opskit quotas increase)"
        return replace(_wait_result(observation, WaitState.WAITING, text), is_unasked=True)
    answered = _evaluate_answered(observation, now, sufficient[0])
    if answered.state.is_final_no and isinstance(observation.own, Unknown):
        unread = f"whether opskit has asked for it again could not be read: {observation.own.reason}"
        return replace(answered, state=WaitState.WAITING, reason=f"{answered.reason}; {unread}")
    return answered


def _evaluate_answered(observation: Observation, now: str, request: IncreaseRequest) -> WaitResult:
    text = f"{now}; the request of {request.created:%Y-%m-%d} ended {request.status}"
    match request.status:
        case RequestStatus.DENIED | RequestStatus.NOT_APPROVED | RequestStatus.INVALID_REQUEST:
            return _wait_result(observation, WaitState.DENIED, text)
        case RequestStatus.CASE_CLOSED:
            state = WaitState.DENIED if observation.closed_for >= _CLOSED_GRACE else WaitState.WAITING
            return _wait_result(observation, state, f"{text}, without a decision; the value is unchanged", closed=True)
        case RequestStatus.APPROVED | RequestStatus.PENDING | RequestStatus.CASE_OPENED:
            return _wait_result(observation, WaitState.WAITING, f"{text}; the value is unchanged so far")


def _wait_result(
    observation: Observation, state: WaitState, reason: str, *, closed: bool = False, problem: Problem | None = None
) -> WaitResult:
    return WaitResult(
        observation.region,
        observation.target,
        observation.quota_name,
        observation.answer,
        state,
        reason,
        closed,
        problem,
    )


def is_wait_over(results: Sequence[WaitResult]) -> bool:
    """Whether further reads are pointless: all values are in effect, something was refused, or the rest may not be
    read.
    """
    return any(result.state.is_final_no for result in results) or not any(result.state.may_change for result in results)


def wait_exit_code(results: Sequence[WaitResult]) -> ExitCode:
    """How the wait ended. Values that may not be read are an AWS error; besides values that are in effect they are a
    partial result.
    """
    states = {result.state for result in results}
    if len(states) > 1 and all(state.is_reached or state.is_unreadable for state in states):
        return ExitCode.PARTIAL
    return max((_STATE_EXITS[state] for state in states), key=EXIT_SEVERITY.__getitem__, default=ExitCode.OK)

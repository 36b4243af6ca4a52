"""Is a quota true yet, may it still become so, or did AWS say no? The applied value decides before any status."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from opskit.core.exceptions import EXIT_SEVERITY, ExitCode, Problem
from opskit.core.model import NotOffered, Quota, QuotaLookup, Unknown
from opskit.increases.rules.increase import IncreaseTarget
from opskit.quotas.rules.headroom import format_quota_value
from opskit.quotas.rules.model import IncreaseRequest, RequestStatus

# CASE_CLOSED says nothing: the value may follow. After this long it is taken for a no.
_CLOSED_GRACE = timedelta(minutes=30)


class WaitState(StrEnum):
    """How waiting for one quota stands."""

    REACHED = "true"
    WAITING = "waiting"
    DENIED = "denied"
    NOT_OFFERED = "not-offered"
    UNREADABLE = "unreadable"

    @property
    def is_final_no(self) -> bool:
        """Whether no amount of waiting helps."""
        match self:
            case WaitState.DENIED | WaitState.NOT_OFFERED:
                return True
            case WaitState.REACHED | WaitState.WAITING | WaitState.UNREADABLE:
                return False

    @property
    def is_reached(self) -> bool:
        """Whether the value is there."""
        match self:
            case WaitState.REACHED:
                return True
            case WaitState.WAITING | WaitState.DENIED | WaitState.NOT_OFFERED | WaitState.UNREADABLE:
                return False

    @property
    def may_change(self) -> bool:
        """Whether a later look may see something else."""
        match self:
            case WaitState.WAITING:
                return True
            case WaitState.REACHED | WaitState.DENIED | WaitState.NOT_OFFERED | WaitState.UNREADABLE:
                return False


_EXITS = {
    WaitState.REACHED: ExitCode.OK,
    WaitState.WAITING: ExitCode.REFUSED,
    WaitState.DENIED: ExitCode.REFUSED,
    WaitState.NOT_OFFERED: ExitCode.REFUSED,
    WaitState.UNREADABLE: ExitCode.AWS_ERROR,
}


@dataclass(frozen=True)
class WaitResult:
    """One quota that was waited for. ``value`` is what counts, None when it could not be read or there is none.

    ``closed`` tells that AWS closed the request without saying how; ``problem`` is what stood in the way of a look.
    """

    region: str
    target: IncreaseTarget
    quota_name: str
    quota_code: str | None
    value: float | None
    state: WaitState
    reason: str
    closed: bool = False
    problem: Problem | None = None


@dataclass(frozen=True)
class Observation:
    """What one look for a wish saw. ``queued``: it waits in opskit's own queue; ``closed_for``: how long the request
    has been seen closed without a word; ``filed``: when AWS took a request that its lists do not show yet.
    """

    region: str
    target: IncreaseTarget
    quota_name: str
    answer: QuotaLookup
    requests: Sequence[IncreaseRequest] | Unknown = ()
    queued: bool = False
    closed_for: timedelta = timedelta(0)
    filed: datetime | None = None


def evaluate_observation(look: Observation) -> WaitResult:
    """What a look means for whoever waits."""
    match look.answer:
        case NotOffered():
            return _wait_result(
                look, WaitState.NOT_OFFERED, f"{look.region} has no such quota: there is nothing to wait for"
            )
        case Unknown() as unread:
            end = WaitState.UNREADABLE if unread.code == "denied" else WaitState.WAITING
            problem = Problem(unread.code, unread.reason, unread.hint, look.region)
            return _wait_result(look, end, f"the quota could not be read: {problem.message}", problem=problem)
        case Quota() as quota:
            if quota.effective_value is not None and quota.effective_value >= look.target.value:
                which = "default" if quota.applied is None else "applied value"
                return _wait_result(
                    look, WaitState.REACHED, f"the {which} is {format_quota_value(quota.effective_value)}"
                )
            return _evaluate_unmet(
                look, f"{format_quota_value(quota.effective_value)} now, {format_quota_value(look.target.value)} wanted"
            )
        case _:
            assert_never(look.answer)


def _evaluate_unmet(look: Observation, now: str) -> WaitResult:
    """Still too low: denied when the last answer was, else it may yet come."""
    if isinstance(look.requests, Unknown):
        return _wait_result(look, WaitState.WAITING, f"{now}; its requests could not be read: {look.requests.reason}")
    newest = sorted(look.requests, key=lambda request: request.created, reverse=True)
    opened = next((request for request in newest if request.status.is_open), None)
    if opened:
        return _wait_result(
            look,
            WaitState.WAITING,
            f"{now}; the request to {format_quota_value(opened.desired_value)} is {opened.status}",
        )
    if look.filed:
        at = f"{look.filed:%H:%M} UTC"
        return _wait_result(
            look, WaitState.WAITING, f"{now}; it was asked for at {at}, and AWS's lists do not show it yet"
        )
    if look.queued:
        return _wait_result(
            look, WaitState.WAITING, f"{now}; it waits its turn (opskit quotas increase --resume files it)"
        )
    enough = [request for request in newest if request.desired_value >= look.target.value]
    if not enough:
        return _wait_result(look, WaitState.WAITING, f"{now}; nothing was asked for yet (opskit quotas increase)")
    return _evaluate_answered(look, now, enough[0])


def _evaluate_answered(look: Observation, now: str, request: IncreaseRequest) -> WaitResult:
    text = f"{now}; the request of {request.created:%Y-%m-%d} ended {request.status}"
    match request.status:
        case RequestStatus.DENIED | RequestStatus.NOT_APPROVED | RequestStatus.INVALID_REQUEST:
            return _wait_result(look, WaitState.DENIED, text)
        case RequestStatus.CASE_CLOSED:
            end = WaitState.DENIED if look.closed_for >= _CLOSED_GRACE else WaitState.WAITING
            return _wait_result(look, end, f"{text}, which says nothing; the value has not moved", closed=True)
        case RequestStatus.APPROVED | RequestStatus.PENDING | RequestStatus.CASE_OPENED:
            return _wait_result(look, WaitState.WAITING, f"{text}; the value has not moved yet")


def _wait_result(
    look: Observation, end: WaitState, reason: str, *, closed: bool = False, problem: Problem | None = None
) -> WaitResult:
    code = look.answer.code if isinstance(look.answer, Quota) else None
    value = look.answer.effective_value if isinstance(look.answer, Quota) else None
    return WaitResult(look.region, look.target, look.quota_name, code, value, end, reason, closed, problem)


def is_wait_over(seen: Sequence[WaitResult]) -> bool:
    """Whether looking again is pointless: all is true, something is a no, or what is left may not be read."""
    return any(result.state.is_final_no for result in seen) or not any(result.state.may_change for result in seen)


def wait_exit_code(seen: Sequence[WaitResult]) -> ExitCode:
    """How waiting ended. What may not be read at all is AWS's no; beside something true it is half an answer."""
    codes = {_EXITS[result.state] for result in seen}
    is_half = codes == {ExitCode.OK, ExitCode.AWS_ERROR}
    return ExitCode.PARTIAL if is_half else max(codes, key=EXIT_SEVERITY.__getitem__, default=ExitCode.OK)

"""Is a quota true yet, may it still become so, or did AWS say no? The applied value decides before any status."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from opskit.decide.headroom import number
from opskit.decide.increase import Wish
from opskit.errors import ExitCode, Problem
from opskit.model import NotOffered, Quota, QuotaAnswer, Request, RequestStatus, Unread

_NO = {RequestStatus.DENIED, RequestStatus.NOT_APPROVED, RequestStatus.INVALID_REQUEST}
_CLOSED_MEANS_NO = timedelta(minutes=30)
"""CASE_CLOSED says nothing: the value may follow. After this long it is taken for a no."""


class End(StrEnum):
    """How waiting for one quota stands."""

    TRUE = "true"
    WAITING = "waiting"
    DENIED = "denied"
    NOT_OFFERED = "not-offered"
    UNREADABLE = "unreadable"

    @property
    def is_no(self) -> bool:
        """Whether no amount of waiting helps."""
        return self in (End.DENIED, End.NOT_OFFERED)


@dataclass(frozen=True)
class Waited:
    """One quota that was waited for. ``value`` is what counts, None when it could not be read or there is none.

    ``closed`` tells that AWS closed the request without saying how; ``problem`` is what stood in the way of a look.
    """

    region: str
    wish: Wish
    quota_name: str
    quota_code: str | None
    value: float | None
    end: End
    because: str
    closed: bool = False
    problem: Problem | None = None


@dataclass(frozen=True)
class Look:
    """What one look for a wish saw. ``queued``: it waits in opskit's own queue; ``closed_for``: how long the request
    has been seen closed without a word; ``filed``: when AWS took a request that its lists do not show yet.
    """

    region: str
    wish: Wish
    name: str
    answer: QuotaAnswer
    requests: Sequence[Request] | Unread = ()
    queued: bool = False
    closed_for: timedelta = timedelta(0)
    filed: datetime | None = None


def judged(look: Look) -> Waited:
    """What a look means for whoever waits."""
    match look.answer:
        case NotOffered():
            return _waited(look, End.NOT_OFFERED, f"{look.region} has no such quota: there is nothing to wait for")
        case Unread() as unread:
            end = End.UNREADABLE if unread.code == "denied" else End.WAITING
            problem = Problem(unread.code, unread.because, unread.hint, look.region)
            return _waited(look, end, f"the quota could not be read: {problem.message}", problem=problem)
        case Quota() as quota:
            if quota.value is not None and quota.value >= look.wish.to:
                which = "default" if quota.applied is None else "applied value"
                return _waited(look, End.TRUE, f"the {which} is {number(quota.value)}")
            return _unmet(look, f"{number(quota.value)} now, {number(look.wish.to)} wanted")
        case _:
            assert_never(look.answer)


def _unmet(look: Look, now: str) -> Waited:
    """Still too low: denied when the last answer was, else it may yet come."""
    if isinstance(look.requests, Unread):
        return _waited(look, End.WAITING, f"{now}; its requests could not be read: {look.requests.because}")
    newest = sorted(look.requests, key=lambda request: request.created, reverse=True)
    opened = next((request for request in newest if request.status.is_open), None)
    if opened:
        return _waited(look, End.WAITING, f"{now}; the request to {number(opened.desired)} is {opened.status}")
    if look.filed:
        at = f"{look.filed:%H:%M} UTC"
        return _waited(look, End.WAITING, f"{now}; it was asked for at {at}, and AWS's lists do not show it yet")
    if look.queued:
        return _waited(look, End.WAITING, f"{now}; it waits its turn (opskit quotas increase --resume files it)")
    enough = [request for request in newest if request.desired >= look.wish.to]
    if not enough:
        return _waited(look, End.WAITING, f"{now}; nothing was asked for yet (opskit quotas increase)")
    return _answered(look, now, enough[0])


def _answered(look: Look, now: str, request: Request) -> Waited:
    text = f"{now}; the request of {request.created:%Y-%m-%d} ended {request.status}"
    if request.status in _NO:
        return _waited(look, End.DENIED, text)
    if request.status is RequestStatus.CASE_CLOSED:
        end = End.DENIED if look.closed_for >= _CLOSED_MEANS_NO else End.WAITING
        return _waited(look, end, f"{text}, which says nothing; the value has not moved", closed=True)
    return _waited(look, End.WAITING, f"{text}; the value has not moved yet")


def _waited(look: Look, end: End, because: str, *, closed: bool = False, problem: Problem | None = None) -> Waited:
    code = look.answer.code if isinstance(look.answer, Quota) else None
    value = look.answer.value if isinstance(look.answer, Quota) else None
    return Waited(look.region, look.wish, look.name, code, value, end, because, closed, problem)


def is_over(seen: Sequence[Waited]) -> bool:
    """Whether looking again is pointless: all is true, something is a no, or what is left may not be read."""
    return any(waited.end.is_no for waited in seen) or all(waited.end is not End.WAITING for waited in seen)


def waiting_exit(seen: Sequence[Waited]) -> ExitCode:
    """How waiting ended. What may not be read at all is AWS's no; beside something true it is half an answer."""
    ends = {waited.end for waited in seen}
    if ends <= {End.TRUE}:
        return ExitCode.DONE
    if ends <= {End.TRUE, End.UNREADABLE}:
        return ExitCode.PARTLY if End.TRUE in ends else ExitCode.AWS
    return ExitCode.REFUSED

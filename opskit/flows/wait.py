"""Wait until an applied value suffices. The value decides, whatever a request's status says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import partial

from opskit.aws import Door, side_by_side
from opskit.decide.demands import quota_name
from opskit.decide.headroom import number
from opskit.decide.increase import Wish
from opskit.errors import AwsFailure, NoCredentials
from opskit.flows.increase import Clock
from opskit.model import NotOffered, Quota, QuotaAnswer, RequestStatus, Unread
from opskit.observe.known_codes import memory_of
from opskit.observe.quotas import read_quotas
from opskit.observe.requests import requests_of

_FIRST_SECONDS, _LONGEST_SECONDS, _GROWTH = 1.0, 60.0, 1.5
_UNFAVOURABLE = {RequestStatus.DENIED, RequestStatus.NOT_APPROVED, RequestStatus.INVALID_REQUEST}


class End(StrEnum):
    """How waiting for one quota stands."""

    TRUE = "true"
    WAITING = "waiting"
    DENIED = "denied"
    NOT_OFFERED = "not-offered"


@dataclass(frozen=True)
class Waited:
    """One quota that was waited for. ``value`` None: it could not be read."""

    region: str
    wish: Wish
    quota_name: str
    quota_code: str | None
    value: float | None
    end: End
    because: str


def wait_for(
    doors: Sequence[Door], wishes: Sequence[Wish], timeout: timedelta, tell: Callable[[str], None], clock: Clock
) -> tuple[Waited, ...]:
    """Look until every wish is true, one is refused for good, or ``timeout`` has passed.

    What cannot be read is looked at again: throttling passes, and credentials can be renewed while this waits.
    """
    until = clock.now() + timeout
    pause, told = _FIRST_SECONDS, ""
    while True:
        seen = _seen(doors, wishes, clock)
        over = all(waited.end is not End.WAITING for waited in seen) or any(
            waited.end in (End.DENIED, End.NOT_OFFERED) for waited in seen
        )
        left = (until - clock.now()).total_seconds()
        if over or left <= 0:
            return seen
        saying = "; ".join(f"{waited.quota_name}: {waited.because}" for waited in seen if waited.end is End.WAITING)
        if saying != told:
            tell(saying)
            told = saying
        clock.sleep(min(pause, left))
        pause = min(pause * _GROWTH, _LONGEST_SECONDS)


def _seen(doors: Sequence[Door], wishes: Sequence[Wish], clock: Clock) -> tuple[Waited, ...]:
    work = [partial(_look, door, wish, clock) for door in doors for wish in wishes]
    return tuple(side_by_side(work))


def _look(door: Door, wish: Wish, clock: Clock) -> Waited:
    name = quota_name(wish.demand())
    answer = read_quotas(door, [name], memory_of(door, clock.now()))[name]
    code = answer.code if isinstance(answer, Quota) else None
    value = answer.value if isinstance(answer, Quota) else None
    end, because = _judged(door, wish, answer)
    return Waited(door.region, wish, name, code, value, end, because)


def _judged(door: Door, wish: Wish, answer: QuotaAnswer) -> tuple[End, str]:
    match answer:
        case NotOffered():
            return End.NOT_OFFERED, f"{door.region} has no such quota: there is nothing to wait for"
        case Unread():
            return End.WAITING, f"could not be read ({answer.because} {answer.hint}); looking again".replace(" )", ")")
        case Quota():
            if (answer.value or 0) >= wish.to:
                return End.TRUE, f"the applied value is {number(answer.value)}"
            return _unmet(door, wish, answer)


def _unmet(door: Door, wish: Wish, quota: Quota) -> tuple[End, str]:
    """Still too low: denied when the newest request for it was, else it may yet come."""
    now = f"{number(quota.value)} now, {number(wish.to)} wanted"
    try:
        requests = requests_of(door, quota.code)
    except NoCredentials as failure:
        return End.WAITING, f"{now}; {failure.problem.message} {failure.problem.hint}"
    except AwsFailure:
        return End.WAITING, now
    if not requests:
        return End.WAITING, f"{now}; nothing was asked for yet (opskit quotas increase)"
    newest = requests[0]
    if newest.status in _UNFAVOURABLE and not any(request.status.is_open for request in requests):
        return End.DENIED, f"{now}; the request of {newest.created:%Y-%m-%d} ended {newest.status}"
    return End.WAITING, f"{now}; the request is {newest.status}"

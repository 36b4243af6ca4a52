"""Wait until an applied value suffices. The value decides, whatever a request's status says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from opskit.aws import Door, side_by_side
from opskit.decide.demands import quota_name
from opskit.decide.increase import Wish
from opskit.decide.patience import End, Look, Waited, is_over, judged
from opskit.errors import CREDENTIALS, AwsFailure, NoCredentials, OpskitError, UsageProblem
from opskit.flows.clock import Clock
from opskit.model import Quota, Request, Unread
from opskit.observe.known_codes import memory_of
from opskit.observe.quotas import read_quotas, unread
from opskit.observe.requests import requests_of
from opskit.state import queue

__all__ = ["End", "Waited", "wait_for"]

_FIRST_SECONDS, _LONGEST_SECONDS, _GROWTH = 1.0, 60.0, 1.5
_SIGN_OF_LIFE = timedelta(minutes=15)
_APPEARS = timedelta(hours=1)
"""For how long a request that AWS took may be missing from its lists."""


@dataclass
class _Watch:
    """What one wait remembers between two looks."""

    tell: Callable[[str], None]
    begun: datetime
    told: str = ""
    told_at: datetime | None = None
    closed_since: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def closed_for(self, region: str, name: str, now: datetime) -> timedelta:
        """How long a quota's request has been seen closed without a word."""
        return now - self.closed_since.get((region, name), now)

    def learn(self, seen: Sequence[Waited], now: datetime) -> None:
        """Remember what is closed, and say what is new; now and then say that this still waits."""
        for waited in (waited for waited in seen if waited.closed):
            self.closed_since.setdefault((waited.region, waited.quota_name), now)
        text = "\n".join(_line(waited) for waited in seen if waited.end is not End.TRUE)
        if text != self.told:
            self.tell(text)
        elif self.told_at and now - self.told_at >= _SIGN_OF_LIFE:
            self.tell(f"Still waiting after {_span(now - self.begun)}.")
        else:
            return
        self.told, self.told_at = text, now


def wait_for(
    doors: Sequence[Door], wishes: Sequence[Wish], timeout: timedelta, tell: Callable[[str], None], clock: Clock
) -> tuple[Waited, ...]:
    """Look until every wish is true, one is refused for good, or ``timeout`` has passed; then say how each stands.

    What cannot be read is looked at again: throttling passes, and credentials can be renewed while this waits.

    Raises:
        NoCredentials: there were none that AWS takes when the waiting began.
        UsageProblem: what opskit remembers cannot be read.
    """
    watch = _Watch(tell, clock.now())
    until, pause, seen = watch.begun + timeout, _FIRST_SECONDS, _first(doors, wishes, watch, clock.now())
    while not is_over(seen) and (left := (until - clock.now()).total_seconds()) > 0:
        watch.learn(seen, clock.now())
        clock.sleep(min(pause, left))
        pause = min(pause * _GROWTH, _LONGEST_SECONDS)
        seen = _again(doors, wishes, watch, clock.now(), seen)
    return seen


def _first(doors: Sequence[Door], wishes: Sequence[Wish], watch: _Watch, now: datetime) -> tuple[Waited, ...]:
    seen = _seen(doors, wishes, watch, now)
    problems = [waited.problem for waited in seen if waited.problem and waited.problem.code in CREDENTIALS]
    if seen and len(problems) == len(seen):
        raise NoCredentials(problems[0].code, problems[0].message, problems[0].hint, region=problems[0].region)
    return seen


def _again(
    doors: Sequence[Door], wishes: Sequence[Wish], watch: _Watch, now: datetime, before: tuple[Waited, ...]
) -> tuple[Waited, ...]:
    """Another look. Credentials that AWS no longer takes are looked for anew, as they were found at the start."""
    if any(waited.problem and waited.problem.code in CREDENTIALS for waited in before):
        _renew(doors)
    try:
        return _seen(doors, wishes, watch, now)
    except NoCredentials as failure:
        _renew(doors)
        watch.tell(f"{failure.problem.message} Waiting goes on. {failure.problem.hint}".strip())
        return before


def _renew(doors: Sequence[Door]) -> None:
    for connection in {id(door.connection): door.connection for door in doors}.values():
        with suppress(AwsFailure, UsageProblem):  # the next look says what is wrong
            connection.renew()


def _seen(doors: Sequence[Door], wishes: Sequence[Wish], watch: _Watch, now: datetime) -> tuple[Waited, ...]:
    work = [partial(_look, door, wish, watch, now) for door in doors for wish in wishes]
    return tuple(side_by_side(work))


def _look(door: Door, wish: Wish, watch: _Watch, now: datetime) -> Waited:
    name = quota_name(wish.demand())
    answer = read_quotas(door, [name], memory_of(door, now))[name]
    if not isinstance(answer, Quota) or (answer.value or 0) >= wish.to:
        return judged(Look(door.region, wish, name, answer))
    requests = _requests(door, answer.code)
    queued, filed = _kept(door, name, requests, now)
    look = Look(door.region, wish, name, answer, requests, queued, watch.closed_for(door.region, name, now), filed)
    return judged(look)


def _requests(door: Door, code: str) -> Sequence[Request] | Unread:
    try:
        return requests_of(door, code)
    except AwsFailure as failure:
        return unread(failure)


def _kept(door: Door, name: str, requests: Sequence[Request] | Unread, now: datetime) -> tuple[bool, datetime | None]:
    """Whether opskit keeps a request for a quota in its queue, and when it filed one that AWS does not show yet. Where
    its state cannot be used, AWS's lists decide.
    """
    shown = set() if isinstance(requests, Unread) else {request.id for request in requests}
    try:
        queued = any((one.region, one.quota_name) == (door.region, name) for one in queue.waiting(door))
        sent = [one for one in queue.sent(door, name, now) if one.id and one.id not in shown]
    except OpskitError:
        return False, None
    return queued, next((one.since for one in sent if now - one.since < _APPEARS), None)


def _line(waited: Waited) -> str:
    hint = f" Waiting goes on. {waited.problem.hint}" if waited.problem else ""
    return f"{waited.quota_name} in {waited.region}: {waited.because}{hint}".rstrip()


def _span(span: timedelta) -> str:
    hours, seconds = divmod(int(span.total_seconds()), 3600)
    return f"{hours} h {seconds // 60} min" if hours else f"{seconds // 60} min"

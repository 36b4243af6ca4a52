"""Ask for more, once: look at quota and requests, plan, and under a lock look again and file.

The plan is a value, shown before anything is sent; filing plans anew from what it sees then, so that neither a
second terminal nor an answer that was lost makes a second request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from opskit.act.quota_requests import file_increase, open_support_case
from opskit.aws import Door, side_by_side
from opskit.decide.demands import quota_name
from opskit.decide.increase import Ask, Attempt, Outcome, Sight, Via, Wish, plan, trace
from opskit.errors import AwsFailure
from opskit.model import Quota, Request, Unread
from opskit.observe.known_codes import memory_of
from opskit.observe.quotas import read_quotas, unread, with_default
from opskit.observe.requests import requests_of
from opskit.state import queue
from opskit.state.folder import whose
from opskit.state.journal import Deed, record
from opskit.state.lock import alone

_LOOKS_SECONDS = (0.5, 1.0, 2.0)
"""How long to wait before each look for a request whose answer was lost."""


@dataclass(frozen=True)
class Clock:
    """The time and how to let it pass, handed in so that a test need not wait."""

    now: Callable[[], datetime]
    sleep: Callable[[float], None]


def plan_increases(doors: Sequence[Door], wishes: Sequence[Wish], via: Via, now: datetime) -> tuple[Ask, ...]:
    """What would be asked for in every Region; changes nothing."""
    looks = side_by_side([partial(_plans, door, wishes, via, now) for door in doors])
    return tuple(ask for asks in looks for ask in asks)


def file_increases(
    doors: Sequence[Door], asks: Sequence[Ask], why: str, clock: Clock, tell: Callable[[str], None]
) -> tuple[Ask, ...]:
    """Send what is planned; the rest comes back as it is. One Region's failure does not stop another's."""
    by_region = {door.region: door for door in doors}
    return tuple(_filed(by_region[ask.region], ask, why, clock, tell) for ask in asks)


def waiting_asks(door: Door, now: datetime) -> tuple[tuple[Door, Ask], ...]:
    """The remembered requests of the account, each planned anew in its Region.

    Raises:
        AwsFailure: AWS does not say whose account this is.
    """
    found = []
    for waiting in queue.waiting(door):
        there = door.connection.door(waiting.region)
        wish = Wish(waiting.instance_type, waiting.usage, waiting.desired)
        found.append((there, _planned(there, wish, Via(waiting.via), now)))
    return tuple(found)


def _plans(door: Door, wishes: Sequence[Wish], via: Via, now: datetime) -> list[Ask]:
    return side_by_side([partial(_planned, door, wish, via, now) for wish in wishes])


def _planned(door: Door, wish: Wish, via: Via, now: datetime) -> Ask:
    return plan(wish, _look(door, wish, now), via, now, _attempt(door, quota_name(wish.demand())))


def _look(door: Door, wish: Wish, now: datetime) -> Sight:
    """The quota with its default, and every request ever made for it."""
    name = quota_name(wish.demand())
    quota = read_quotas(door, [name], memory_of(door, now))[name]
    if not isinstance(quota, Quota):
        return Sight(door.region, name, quota, ())
    whole, requests = side_by_side([partial(with_default, door, quota), partial(_requests, door, quota.code)])
    return Sight(door.region, name, whole, requests)


def _requests(door: Door, code: str) -> tuple[Request, ...] | Unread:
    try:
        return requests_of(door, code)
    except AwsFailure as failure:
        return unread(failure)


def _attempt(door: Door, name: str) -> Attempt | None:
    """The filing of ours for this quota whose outcome nobody knows."""
    for waiting in queue.waiting(door):
        if (waiting.region, waiting.quota_name) == (door.region, name) and waiting.standing is queue.Standing.ATTEMPTED:
            return Attempt(waiting.since, waiting.desired)
    return None


def _filed(door: Door, ask: Ask, why: str, clock: Clock, tell: Callable[[str], None]) -> Ask:
    if ask.outcome is not Outcome.PLANNED or ask.via is Via.CONSOLE:
        _settle(door, ask, why, clock.now())
        return ask
    try:
        with alone("increase", *whose(door), door.region, busy=lambda: tell("Another opskit asks; waiting.")):
            again = _planned(door, ask.wish, ask.via, clock.now())
            done = _sent(door, again, why, clock) if again.outcome is Outcome.PLANNED else again
            _settle(door, done, why, clock.now())
            return done
    except AwsFailure as failure:
        return ask.ended(Outcome.UNKNOWN, failure.problem.message)


def _sent(door: Door, ask: Ask, why: str, clock: Clock) -> Ask:
    with _journalled(door, ask, why) as deed:
        if ask.via is Via.SUPPORT:
            done = _case(door, ask)
        else:
            _remember(door, ask, why, queue.Standing.ATTEMPTED, clock.now())
            done = file_increase(door, ask)
            if done.outcome is Outcome.UNKNOWN:
                done = _looked_up(door, done, clock)
        deed.outcome, deed.detail = done.outcome.value, done.request_id or done.because
    return done


def _case(door: Door, ask: Ask) -> Ask:
    if ask.request_id is None:
        because = "There is no open request a support case could be opened for: file one with --via service-quotas."
        return ask.ended(Outcome.REFUSED, because)
    return open_support_case(door, ask)


def _looked_up(door: Door, ask: Ask, clock: Clock) -> Ask:
    """What became of a request whose answer was lost: found, it was filed; else nobody knows yet."""
    attempt = Attempt(clock.now(), ask.wish.to)
    for seconds in _LOOKS_SECONDS:
        clock.sleep(seconds)
        requests = _requests(door, ask.quota_code or "")
        found = None if isinstance(requests, Unread) else trace(attempt, requests)
        if found:
            because = f"AWS's answer was lost, but the request is there; its status is {found.status}."
            return ask.ended(Outcome.FILED, because, request_id=found.id, case_id=found.case_id)
    return ask.ended(Outcome.UNKNOWN, f"{ask.because} It is not in the history yet; the next run looks again first.")


def _settle(door: Door, ask: Ask, why: str, now: datetime) -> None:
    """Keep what waits for its turn, and drop what is settled."""
    match ask.outcome:
        case Outcome.QUEUED:
            _remember(door, ask, why, queue.Standing.QUEUED, now)
        case Outcome.FILED | Outcome.ALREADY_OPEN | Outcome.ALREADY_ENOUGH | Outcome.REFUSED:
            queue.forget(door, ask.quota_name)
        case Outcome.UNKNOWN | Outcome.PLANNED:
            return


def _remember(door: Door, ask: Ask, why: str, standing: queue.Standing, now: datetime) -> None:
    wish = ask.wish
    queue.remember(
        door,
        queue.Waiting(
            door.region, ask.quota_name, wish.instance_type, wish.usage, wish.to, ask.via, why, standing, now
        ),
    )


@contextmanager
def _journalled(door: Door, ask: Ask, why: str) -> Iterator[Deed]:
    with record(door, "request increase", f"{ask.quota_name} to {ask.wish.to:g}", why or ask.because) as deed:
        yield deed


def planned_only(asks: Sequence[Ask]) -> tuple[Ask, ...]:
    """The asks that would change something, for a prompt."""
    return tuple(ask for ask in asks if ask.outcome is Outcome.PLANNED and ask.via is not Via.CONSOLE)

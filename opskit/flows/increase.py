"""Ask for more, once: look at quota and requests, plan, and under a lock look again and file.

The plan is a value, shown before anything is sent; filing plans anew from what it sees then, so that neither a
second terminal nor an answer that was lost makes a second request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from opskit.act.quota_requests import create_case, file_increase, open_support_case
from opskit.aws import Door, side_by_side
from opskit.decide.demands import quota_name, with_totals
from opskit.decide.headroom import number
from opskit.decide.increase import Ask, Attempt, Outcome, Sight, SupportView, Via, Wish, plan, trace
from opskit.decide.support import desk_for, same_case
from opskit.errors import AwsFailure, UsageProblem
from opskit.flows.clock import Clock
from opskit.model import Quota, Request, Unread, Usage
from opskit.observe.known_codes import memory_of
from opskit.observe.quotas import read_quotas, unread, with_default
from opskit.observe.requests import requests_of
from opskit.observe.support import open_cases, read_support
from opskit.state import queue
from opskit.state.folder import whose
from opskit.state.journal import Deed, record
from opskit.state.lock import alone

_LOOKS_SECONDS = (0.5, 1.0, 2.0)
"""How long to wait before each look for a request whose answer was lost."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class ShortTotal:
    """A quota over all instance types that stays below what was wished for one type. ``value`` is what counts."""

    region: str
    usage: Usage
    quota_name: str
    value: float
    to: float
    per_job: bool


def plan_increases(doors: Sequence[Door], wishes: Sequence[Wish], via: Via, now: datetime) -> tuple[Ask, ...]:
    """What would be asked for in every Region; changes nothing.

    Raises:
        AwsFailure: AWS does not say who we are.
        UsageProblem: what opskit remembers cannot be read.
    """
    looks = side_by_side([partial(_plans, door, wishes, via, now) for door in doors])
    return tuple(ask for asks in looks for ask in asks)


def file_increases(doors: Sequence[Door], asks: Sequence[Ask], why: str, clock: Clock, tell: Tell) -> tuple[Ask, ...]:
    """Send what is planned; the rest comes back as it is. One Region's failure does not stop another's.

    Raises:
        AwsFailure: AWS does not say who we are.
        UsageProblem: what opskit must remember cannot be kept.
    """
    by_region = {door.region: door for door in doors}
    return tuple(_filed(by_region[ask.region], ask, why, clock, tell) for ask in asks)


def waiting_asks(doors: Sequence[Door], now: datetime, *, everywhere: bool) -> tuple[tuple[Door, Ask, str], ...]:
    """The remembered requests of the account, each planned anew in its Region, with its reason.

    ``everywhere`` takes all Regions, not only those of the doors.

    Raises:
        AwsFailure: AWS does not say who we are.
        UsageProblem: what opskit remembers cannot be read.
    """
    named = {door.region for door in doors}
    found = [one for one in queue.waiting(doors[0]) if everywhere or one.region in named]
    return tuple(side_by_side([partial(_resumed, doors[0].connection.door(one.region), one, now) for one in found]))


def short_totals(doors: Sequence[Door], wishes: Sequence[Wish], now: datetime) -> tuple[ShortTotal, ...]:
    """The quotas over all types that would still refuse what is wished. What cannot be read is left out: it is
    news on the side, and ``quotas check`` says so.
    """
    typed = [wish for wish in wishes if wish.instance_type]
    found = side_by_side([partial(_short_totals, door, typed, now) for door in doors]) if typed else []
    return tuple(short for each in found for short in each)


def _resumed(door: Door, waiting: queue.Waiting, now: datetime) -> tuple[Door, Ask, str]:
    wish = Wish(waiting.instance_type, waiting.usage, waiting.desired)
    return door, _planned(door, wish, Via(waiting.via), now)[0], waiting.why


def _plans(door: Door, wishes: Sequence[Wish], via: Via, now: datetime) -> list[Ask]:
    return [ask for ask, _ in side_by_side([partial(_planned, door, wish, via, now) for wish in wishes])]


def _planned(door: Door, wish: Wish, via: Via, now: datetime) -> tuple[Ask, Sight]:
    attempt = _attempt(door, quota_name(wish.demand()))
    sight = _look(door, wish, via, now)
    return plan(wish, sight, via, now, attempt), sight


def _look(door: Door, wish: Wish, via: Via, now: datetime) -> Sight:
    """The quota with its default, every request ever made for it, and AWS Support where the way leads there."""
    name = quota_name(wish.demand())
    quota = read_quotas(door, [name], memory_of(door, now))[name]
    if not isinstance(quota, Quota):
        return Sight(door.region, name, quota)
    work: list[Callable[[], Any]] = [partial(with_default, door, quota), partial(_requests, door, quota.code)]
    if via is Via.SUPPORT:
        work.append(partial(_support, door, wish.usage))
    return Sight(door.region, name, *side_by_side(work))


def _requests(door: Door, code: str) -> tuple[Request, ...] | Unread:
    try:
        return requests_of(door, code)
    except AwsFailure as failure:
        return unread(failure)


def _support(door: Door, usage: Usage) -> SupportView | Unread:
    told = read_support(door)
    if isinstance(told, Unread):
        return told
    services, cases = told
    return SupportView(desk_for(services, usage), cases)


def _attempt(door: Door, name: str) -> Attempt | None:
    """The filing of ours for this quota whose outcome nobody knows."""
    for waiting in queue.waiting(door):
        if (waiting.region, waiting.quota_name) == (door.region, name) and waiting.standing is queue.Standing.ATTEMPTED:
            return Attempt(waiting.since, waiting.desired, waiting.known, Via(waiting.via))
    return None


def _filed(door: Door, ask: Ask, why: str, clock: Clock, tell: Tell) -> Ask:
    """Carry one ask out. A failure before anything was sent is this ask's alone."""
    if not ask.acts:
        _settle(door, ask, why, clock.now(), tell)
        return ask

    def busy() -> None:
        tell(f"Another opskit asks for quotas in {door.region}; waiting for it to end.")

    try:
        with alone("increase", *whose(door), door.region, busy=busy):
            again, sight = _planned(door, ask.wish, ask.via, clock.now())
            done = _sent(door, again, sight, why, clock) if again.acts else again
            _settle(door, done, why, clock.now(), tell)
            return done
    except (AwsFailure, UsageProblem) as failure:
        because = f"Nothing was sent, because the last look before it failed: {failure}"
        return ask.ended(Outcome.UNKNOWN, because, problem=failure.problem)


def _sent(door: Door, ask: Ask, sight: Sight, why: str, clock: Clock) -> Ask:
    """Write down that it is tried, try it, and look for it where no answer came."""
    attempt = Attempt(clock.now(), ask.wish.to, sight.request_ids, ask.via)
    _remember(door, ask, why, queue.Standing.ATTEMPTED, attempt.at, attempt.known)
    with _journalled(door, ask, why) as deed:
        done = _asked(door, ask, why)
        if done.outcome is Outcome.UNKNOWN:
            done = _looked_up(door, done, attempt, clock)
        elif done.outcome is Outcome.ALREADY_OPEN:
            done = _with_request(done, _requests(door, ask.quota_code or ""))
        deed.outcome, deed.detail = done.outcome.value, done.request_id or done.case_id or done.because
    return done


def _asked(door: Door, ask: Ask, why: str) -> Ask:
    if ask.via is not Via.SUPPORT:
        return file_increase(door, ask)
    return open_support_case(door, ask) if ask.request_id else create_case(door, ask, why)


def _with_request(ask: Ask, requests: tuple[Request, ...] | Unread) -> Ask:
    """An ask that AWS says is open already, with the request that is."""
    known = () if isinstance(requests, Unread) else requests
    open_one = next((request for request in known if request.status.is_open), None)
    if open_one is None:
        return ask
    ended = ask.ended(ask.outcome, ask.because, request_id=open_one.id, case_id=open_one.case_id)
    return replace(ended, open_to=open_one.desired)


def _looked_up(door: Door, ask: Ask, attempt: Attempt, clock: Clock) -> Ask:
    """What became of an ask whose answer was lost: found, it was filed; else nobody knows yet."""
    for seconds in _LOOKS_SECONDS:
        clock.sleep(seconds)
        found = _trace(door, ask, attempt)
        if found:
            return found
    because = f"{ask.because} It is not to be seen yet; the next run looks again before it asks."
    return ask.ended(Outcome.UNKNOWN, because, problem=ask.problem)


def _trace(door: Door, ask: Ask, attempt: Attempt) -> Ask | None:
    """The ask as filed, when AWS shows what it made; None when it does not."""
    lost = "AWS's answer was lost, but"
    if ask.desk:
        case = _case(door, ask)
        return ask.ended(Outcome.FILED, f"{lost} the case is there.", case_id=case) if case else None
    requests = _requests(door, ask.quota_code or "")
    known = () if isinstance(requests, Unread) else requests
    if ask.via is Via.SUPPORT:
        moved = next((one for one in known if one.id == ask.request_id and one.case_id), None)
        return ask.ended(Outcome.FILED, f"{lost} the case is there.", case_id=moved.case_id) if moved else None
    made = trace(attempt, known)
    because = f"{lost} the request is there; its status is {made.status}." if made else ""
    return ask.ended(Outcome.FILED, because, request_id=made.id, case_id=made.case_id) if made else None


def _case(door: Door, ask: Ask) -> str | None:
    try:
        cases = open_cases(door)
    except AwsFailure:
        return None
    case = same_case(ask.quota_name, ask.wish.instance_type, ask.wish.usage, ask.region, cases)
    return case.display_id if case else None


def _settle(door: Door, ask: Ask, why: str, now: datetime, tell: Tell) -> None:
    """Keep what waits for its turn, and drop what is settled. AWS has its part already: trouble here is only told."""
    to, everything = ask.wish.to, 0.0
    try:
        match ask.outcome:
            case Outcome.QUEUED:
                _remember(door, ask, why, queue.Standing.QUEUED, now)
            case Outcome.FILED | Outcome.REFUSED:
                queue.forget(door, ask.quota_name, to, to)
            case Outcome.ALREADY_ENOUGH:
                queue.forget(door, ask.quota_name, everything, to)
            case Outcome.ALREADY_OPEN:
                queue.forget(door, ask.quota_name, everything, ask.open_to or 0.0)
            case Outcome.UNKNOWN | Outcome.PLANNED:
                return
    except UsageProblem as failure:
        tell(f"{failure} {failure.problem.hint}")


def _remember(
    door: Door, ask: Ask, why: str, standing: queue.Standing, now: datetime, known: frozenset[str] = frozenset()
) -> None:
    wish = ask.wish
    waiting = queue.Waiting(
        door.region, ask.quota_name, wish.instance_type, wish.usage, wish.to, ask.via, why, standing, now, known
    )
    queue.remember(door, waiting)


@contextmanager
def _journalled(door: Door, ask: Ask, why: str) -> Iterator[Deed]:
    action = "open support case" if ask.via is Via.SUPPORT else "request increase"
    with record(door, action, f"{ask.quota_name} to {number(ask.wish.to)}", why or ask.because) as deed:
        yield deed


def _short_totals(door: Door, wishes: Sequence[Wish], now: datetime) -> list[ShortTotal]:
    above = [each for each in with_totals(wish.demand() for wish in wishes) if each.instance_type is None]
    quotas = read_quotas(door, [quota_name(demand) for demand in above], memory_of(door, now))
    return [
        ShortTotal(door.region, demand.usage, quota.name, quota.value, demand.need, demand.per_job)
        for demand in above
        if isinstance(quota := quotas[quota_name(demand)], Quota)
        and quota.value is not None
        and quota.value < demand.need
    ]


def planned_only(asks: Sequence[Ask]) -> tuple[Ask, ...]:
    """The asks that would change something, for a prompt."""
    return tuple(ask for ask in asks if ask.acts)

"""What would be asked for: look at the quotas, the requests and what opskit remembers, and plan. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from opskit.aws import Door, side_by_side
from opskit.decide.demands import quota_name, with_totals
from opskit.decide.increase import Ask, Attempt, Sight, SupportView, Via, Wish, plan, with_support
from opskit.decide.support import desk_for
from opskit.errors import AwsFailure
from opskit.model import Quota, Request, Unread, Usage
from opskit.observe.known_codes import memory_of
from opskit.observe.quotas import read_quotas, unread, with_default
from opskit.observe.requests import requests_of
from opskit.observe.support import read_support
from opskit.state import queue


@dataclass(frozen=True)
class ShortTotal:
    """A quota over all instance types that stays below what was wished for one type. ``value`` is what counts."""

    region: str
    usage: Usage
    quota_name: str
    value: float
    to: float
    per_job: bool


def plan_with_totals(
    doors: Sequence[Door], wishes: Sequence[Wish], via: Via, now: datetime
) -> tuple[tuple[Ask, ...], tuple[ShortTotal, ...]]:
    """What would be asked for, and what would still refuse it; read side by side.

    Raises:
        AwsFailure: AWS does not say who we are.
        UsageProblem: what opskit remembers cannot be read.
    """
    asks, totals = side_by_side(
        [partial(plan_increases, doors, wishes, via, now), partial(short_totals, doors, wishes, now)]
    )
    return asks, totals


def plan_increases(doors: Sequence[Door], wishes: Sequence[Wish], via: Via, now: datetime) -> tuple[Ask, ...]:
    """What would be asked for in every Region; changes nothing.

    Raises:
        AwsFailure: AWS does not say who we are.
        UsageProblem: what opskit remembers cannot be read.
    """
    looks = side_by_side([partial(_plans, door, wishes, via, now) for door in doors])
    return tuple(ask for asks in looks for ask in asks)


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
    return door, look_and_plan(door, wish, Via(waiting.via), now)[0], waiting.why


def _plans(door: Door, wishes: Sequence[Wish], via: Via, now: datetime) -> list[Ask]:
    return [ask for ask, _ in side_by_side([partial(look_and_plan, door, wish, via, now) for wish in wishes])]


def look_and_plan(door: Door, wish: Wish, via: Via, now: datetime) -> tuple[Ask, Sight]:
    """One wish in one Region: what was seen, and what to do about it. AWS Support is asked only where the way leads
    there, or where Service Quotas cannot take the wish and Support may.

    Raises:
        AwsFailure: AWS does not say who we are.
        UsageProblem: what opskit remembers cannot be read.
    """
    name = quota_name(wish.demand())
    try:
        attempt = last_attempt(door, name, via, now)  # first: without it nothing else is worth a wait
        sight = _look(door, wish, via, now)
    except AwsFailure as failure:
        if via is not Via.CONSOLE:
            raise
        sight, attempt = Sight(door.region, name, unread(failure)), None  # the form can be filled in all the same
    ask = plan(wish, sight, via, now, attempt)
    if via is Via.AUTO and ask.only_support:
        sight = replace(sight, support=_support(door, wish.usage))
        return with_support(ask, plan(wish, sight, Via.SUPPORT, now, last_attempt(door, name, Via.SUPPORT, now))), sight
    return ask, sight


def _look(door: Door, wish: Wish, via: Via, now: datetime) -> Sight:
    """The quota with its default, every request ever made for it, and AWS Support where the way leads there."""
    name = quota_name(wish.demand())
    quota = read_quotas(door, [name], memory_of(door, now))[name]
    if not isinstance(quota, Quota):
        return Sight(door.region, name, quota)
    work: list[Callable[[], Any]] = [
        partial(_with_default, door, quota),
        partial(requests_or_why_not, door, quota.code),
    ]
    if via is Via.SUPPORT:
        work.append(partial(_support, door, wish.usage))
    return Sight(door.region, name, *side_by_side(work))


def requests_or_why_not(door: Door, code: str) -> tuple[Request, ...] | Unread:
    """Everything that was ever asked for one quota."""
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


def _with_default(door: Door, quota: Quota) -> Quota:
    """The quota with its default where that can be read. Where it cannot, AWS itself refuses what is below it."""
    known = with_default(door, quota)
    return quota if isinstance(known, Unread) else known


def last_attempt(door: Door, name: str, via: Via, now: datetime) -> Attempt | None:
    """The filing of ours for this quota whose outcome nobody knows, or that AWS may not show yet; of several, one that
    went the way ``via`` goes.

    Raises:
        AwsFailure: AWS does not say who we are.
        UsageProblem: what opskit remembers cannot be read.
    """
    sent = [Attempt(one.since, one.desired, one.known, Via(one.via), one.id) for one in queue.sent(door, name, now)]
    same = [attempt for attempt in sent if (attempt.via is Via.SUPPORT) == (via is Via.SUPPORT)]
    return next(iter([*same, *sent]), None)


def _short_totals(door: Door, wishes: Sequence[Wish], now: datetime) -> list[ShortTotal]:
    above = [each for each in with_totals(wish.demand() for wish in wishes) if each.instance_type is None]
    try:
        quotas = read_quotas(door, [quota_name(demand) for demand in above], memory_of(door, now))
    except AwsFailure:
        return []
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

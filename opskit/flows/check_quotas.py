"""Look whether there is room: quotas, what is in use and what was asked for, side by side, then judge."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from opskit.aws import Door, side_by_side
from opskit.decide.alternatives import alternatives, lacking, used_up
from opskit.decide.demands import quota_name, with_totals
from opskit.decide.headroom import QuotaCheck, judge, worst_first
from opskit.errors import CREDENTIALS, Problem
from opskit.flows.alternatives import Others, look_for_others
from opskit.model import Demand, Headroom, InUse, NotOffered, Quota, QuotaAnswer, Request, Unread, Usage, Verdict
from opskit.observe.known_codes import Memory, memory_of
from opskit.observe.quotas import read_quotas
from opskit.observe.requests import open_requests
from opskit.observe.usage import count_in_use

_REGIONS_AT_ONCE = 40
_NO_ROOM = (Verdict.SHORT, Verdict.PENDING, Verdict.NOT_OFFERED)


@dataclass(frozen=True)
class _Seen:
    """What one look at a Region brought back."""

    region: str
    demands: Sequence[Demand]
    quotas: dict[str, QuotaAnswer]
    in_use: dict[Usage, InUse]
    requests: tuple[Request, ...] | Unread
    others: Others = field(default_factory=Others)


def check_quotas(doors: Sequence[Door], demands: Sequence[Demand], now: datetime) -> QuotaCheck:
    """Judge every demand, and the totals above them, in every Region; the worst comes first.

    Raises:
        NoCredentials: there are none to ask with.
    """
    return check_each([(door, demands) for door in doors], now)


def check_each(wanted: Sequence[tuple[Door, Sequence[Demand]]], now: datetime, *, suggest: bool = False) -> QuotaCheck:
    """Judge what is demanded of each Region, and the totals above it; the worst comes first. ``suggest`` looks for
    other types where there is no room.

    Raises:
        NoCredentials: there are none to ask with.
    """
    looks: list[_Seen] = side_by_side(
        [partial(_look if len(wanted) == 1 else _visit, *each, now, suggest=suggest) for each in wanted],
        most=_REGIONS_AT_ONCE,
    )
    judged = [headroom for look in looks for headroom in _judged(look)]
    return QuotaCheck(
        headrooms=worst_first(judged),
        problems=tuple(dict.fromkeys(problem for look in looks for problem in _problems(look))),
        dark=frozenset(look.region for look in looks if _is_dark(look)),
        locked_out=all(_is_locked_out(look) for look in looks),
    )


def _visit(door: Door, demands: Sequence[Demand], now: datetime, *, suggest: bool) -> _Seen:
    """A look at one Region of many: nothing of it stays but what was seen."""
    try:
        return _look(door, demands, now, suggest=suggest)
    finally:
        door.leave()


def _look(door: Door, demands: Sequence[Demand], now: datetime, *, suggest: bool) -> _Seen:
    wanted = with_totals(demands)
    (quotas, others, memory), in_use, requests = side_by_side(
        [
            lambda: _quotas(door, wanted, now, suggest=suggest),
            lambda: count_in_use(door, {demand.usage for demand in wanted}),
            lambda: open_requests(door),
        ]
    )
    seen = _Seen(door.region, demands, quotas, in_use, requests, others)
    return _with_more_others(door, seen, memory) if suggest else seen


def _quotas(
    door: Door, wanted: Sequence[Demand], now: datetime, *, suggest: bool
) -> tuple[dict[str, QuotaAnswer], Others, Memory]:
    """The quotas, and those of other types where no count can make these suffice: while what is in use is still
    being counted.
    """
    memory = memory_of(door, now)
    quotas = read_quotas(door, list(dict.fromkeys(map(quota_name, wanted))), memory)
    short = lacking(wanted, quotas) if suggest else []
    return quotas, look_for_others(door, short, memory, len(quotas)), memory


def _with_more_others(door: Door, seen: _Seen, memory: Memory) -> _Seen:
    """Other types for what is used up, too, which only the count could tell."""
    asked = len(seen.quotas) + len(seen.others.quotas)
    more = look_for_others(door, used_up(list(_judged(seen))), memory, asked)
    return replace(seen, others=Others(seen.others.quotas | more.quotas, {**seen.others.prices, **more.prices}))


def _judged(seen: _Seen) -> Iterable[Headroom]:
    offered = [demand for demand in seen.demands if not isinstance(_quota(seen, demand), NotOffered)]
    above = [demand for demand in with_totals(offered) if demand.instance_type is None]
    for demand in (*seen.demands, *above):
        # A total that does not exist stands above nothing.
        if demand.instance_type or not isinstance(_quota(seen, demand), NotOffered):
            yield _judge(seen, demand)


def _judge(seen: _Seen, demand: Demand) -> Headroom:
    in_use = seen.in_use[demand.usage]
    headroom = judge(seen.region, demand, _quota(seen, demand), in_use, seen.requests)
    if headroom.verdict not in _NO_ROOM:
        return headroom
    quotas = {**seen.quotas, **seen.others.quotas}
    return replace(headroom, alternatives=alternatives(seen.region, demand, quotas, in_use, seen.others.prices))


def _quota(seen: _Seen, demand: Demand) -> QuotaAnswer:
    return seen.quotas[quota_name(demand)]


def _problems(seen: _Seen) -> Iterable[Problem]:
    unread = [answer for answer in seen.quotas.values() if isinstance(answer, Unread)]
    unread += [in_use.missing for in_use in seen.in_use.values() if in_use.missing]
    if isinstance(seen.requests, Unread):
        unread.append(seen.requests)
    for value in unread:
        yield Problem(value.code, value.because, value.hint, seen.region)


def _is_dark(seen: _Seen) -> bool:
    """Whether no quota could be read. What is only remembered as not offered was not read."""
    answers = seen.quotas.values()
    return any(isinstance(answer, Unread) for answer in answers) and not any(
        isinstance(answer, Quota) for answer in answers
    )


def _is_locked_out(seen: _Seen) -> bool:
    unread = [answer for answer in seen.quotas.values() if isinstance(answer, Unread)]
    return bool(unread) and all(answer.code in CREDENTIALS for answer in unread)

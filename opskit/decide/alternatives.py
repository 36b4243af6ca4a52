"""Which other types could do what there is no room for: those of the same class that have room now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain, zip_longest
from math import inf

from opskit.decide.demands import quota_name, with_totals
from opskit.decide.headroom import judge
from opskit.decide.machines import similar
from opskit.model import (
    Alternative,
    Demand,
    Headroom,
    InUse,
    NotOffered,
    Price,
    Quota,
    QuotaAnswer,
    Unread,
    Usage,
    Verdict,
)

MOST = 3
"""So many are named at most for one demand."""

Prices = Mapping[tuple[str, Usage], Price | Unread]


def lacking(wanted: Iterable[Demand], quotas: Mapping[str, QuotaAnswer]) -> list[Demand]:
    """The demands that another type could meet: not offered, or above their quota whatever is in use. Not those
    whose account-wide total is too small, which would stand in any type's way.
    """
    small = [demand for demand in wanted if _is_too_small(quotas[quota_name(demand)], demand.need)]
    barred = {demand.usage for demand in small if demand.instance_type is None}
    gone = [demand for demand in wanted if demand.instance_type and _is_gone(quotas[quota_name(demand)])]
    return [demand for demand in (*small, *gone) if demand.instance_type and demand.usage not in barred]


def used_up(judged: Sequence[Headroom]) -> list[Demand]:
    """The demands that would fit, were less of their quota in use, where another type could meet them: again not
    those whose total leaves no room.
    """
    barred = {
        each.demand.usage for each in judged if not each.demand.instance_type and each.verdict is not Verdict.FITS
    }
    return [
        each.demand
        for each in judged
        if each.verdict in (Verdict.SHORT, Verdict.PENDING)
        and each.demand.instance_type
        and each.demand.usage not in barred
        and (each.applied if each.applied is not None else each.default or 0) >= each.demand.need
    ]


def _is_too_small(answer: QuotaAnswer, need: int) -> bool:
    return isinstance(answer, Quota) and answer.value is not None and answer.value < need


def _is_gone(answer: QuotaAnswer) -> bool:
    return isinstance(answer, NotOffered)


def worth_asking(lacking: Iterable[Demand], hint: Callable[[str], float | None], most: int) -> tuple[Demand, ...]:
    """Which quotas to look at, ``most`` in all: the best guess for each demand first, then the next for each. The
    best are those that had room when they were last seen. ``hint`` is the value last seen of a quota, infinite for
    one that was not seen but may exist, None for one that does not.
    """
    rows = [_guesses(demand, hint) for demand in lacking]
    turns = chain.from_iterable(zip_longest(*rows))
    return tuple(dict.fromkeys(each for each in turns if each))[:most]


def _guesses(demand: Demand, hint: Callable[[str], float | None]) -> list[Demand]:
    others = [Demand(kind, demand.usage, demand.need) for kind in similar(demand.instance_type or "")]
    hints = {other: value for other in others if (value := hint(quota_name(other))) is not None}
    roomy = [other for other, value in hints.items() if demand.need <= value < inf]
    unseen = [other for other, value in hints.items() if value == inf]
    return [*roomy, *unseen][:MOST]


def alternatives(
    region: str, demand: Demand, quotas: Mapping[str, QuotaAnswer], in_use: InUse, prices: Prices
) -> tuple[Alternative, ...]:
    """The types that have room now for a demand, the closest first, three at most. ``quotas`` are those that were
    read, by name, the totals among them: what was not read has no room.
    """
    found = []
    for kind in similar(demand.instance_type or ""):
        free = _free(region, Demand(kind, demand.usage, demand.need), quotas, in_use)
        if free is not None:
            found.append(Alternative(kind, int(free), prices.get((kind, demand.usage))))
    return tuple(found[:MOST])


def _free(region: str, demand: Demand, quotas: Mapping[str, QuotaAnswer], in_use: InUse) -> float | None:
    """For how many there is room, under the totals too; None where there is too little, or nobody knows."""
    if quota_name(demand) not in quotas:
        return None
    answers = [(each, quotas[quota_name(each)]) for each in with_totals([demand]) if quota_name(each) in quotas]
    judged = [
        judge(region, each, answer, in_use, ())
        for each, answer in answers
        if each.instance_type or not isinstance(answer, NotOffered)
    ]
    if any(headroom.verdict is not Verdict.FITS for headroom in judged):
        return None
    return min(headroom.free or 0.0 for headroom in judged)

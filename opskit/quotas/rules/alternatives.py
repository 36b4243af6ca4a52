"""Which other types could do what there is no room for: those of the same class that have room now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain, zip_longest
from math import inf

from opskit.core.model import NotOffered, Price, Quota, QuotaLookup, Requirement, Unknown, Workload
from opskit.quotas.rules.headroom import assess_headroom
from opskit.quotas.rules.instance_types import similar_types
from opskit.quotas.rules.model import Alternative, Headroom, InUseCounts
from opskit.quotas.rules.requirements import quota_name_for, with_totals

MAX_ALTERNATIVES = 3
"""So many are named at most for one demand."""

Prices = Mapping[tuple[str, Workload], Price | Unknown]


def unmet_by_quota(wanted: Iterable[Requirement], quotas: Mapping[str, QuotaLookup]) -> list[Requirement]:
    """The demands that another type could meet: not offered, or above their quota whatever is in use. Not those
    whose account-wide total is too small, which would stand in any type's way.
    """
    small = [
        requirement for requirement in wanted if _is_below_need(quotas[quota_name_for(requirement)], requirement.count)
    ]
    barred = {requirement.workload for requirement in small if requirement.instance_type is None}
    gone = [
        requirement
        for requirement in wanted
        if requirement.instance_type and _is_not_offered(quotas[quota_name_for(requirement)])
    ]
    return [
        requirement
        for requirement in (*small, *gone)
        if requirement.instance_type and requirement.workload not in barred
    ]


def unmet_by_use(headrooms: Sequence[Headroom]) -> list[Requirement]:
    """The demands that would fit, were less of their quota in use, where another type could meet them: again not
    those whose total leaves no room.
    """
    barred = {
        headroom.requirement.workload
        for headroom in headrooms
        if not headroom.requirement.instance_type and not headroom.verdict.is_room
    }
    return [
        headroom.requirement
        for headroom in headrooms
        if headroom.verdict.is_too_little
        and headroom.requirement.instance_type
        and headroom.requirement.workload not in barred
        and (headroom.applied if headroom.applied is not None else headroom.default or 0) >= headroom.requirement.count
    ]


def _is_below_need(answer: QuotaLookup, need: int) -> bool:
    return isinstance(answer, Quota) and answer.effective_value is not None and answer.effective_value < need


def _is_not_offered(answer: QuotaLookup) -> bool:
    return isinstance(answer, NotOffered)


def select_candidates(
    lacking: Iterable[Requirement], hint: Callable[[str], float | None], most: int
) -> tuple[Requirement, ...]:
    """Which quotas to look at, ``most`` in all: the best guess for each demand first, then the next for each. The
    best are those that had room when they were last seen. ``hint`` is the value last seen of a quota, infinite for
    one that was not seen but may exist, None for one that does not.
    """
    rows = [_candidate_types(requirement, hint) for requirement in lacking]
    turns = chain.from_iterable(zip_longest(*rows))
    return tuple(dict.fromkeys(each for each in turns if each))[:most]


def _candidate_types(requirement: Requirement, hint: Callable[[str], float | None]) -> list[Requirement]:
    others = [
        Requirement(instance_type, requirement.workload, requirement.count)
        for instance_type in similar_types(requirement.instance_type or "")
    ]
    hints = {other: value for other in others if (value := hint(quota_name_for(other))) is not None}
    roomy = [other for other, value in hints.items() if requirement.count <= value < inf]
    unseen = [other for other, value in hints.items() if value == inf]
    return [*roomy, *unseen][:MAX_ALTERNATIVES]


def find_alternatives(
    region: str, requirement: Requirement, quotas: Mapping[str, QuotaLookup], in_use: InUseCounts, prices: Prices
) -> tuple[Alternative, ...]:
    """The types that have room now for a demand, the closest first, three at most. ``quotas`` are those that were
    read, by name, the totals among them: what was not read has no room.
    """
    found = []
    for instance_type in similar_types(requirement.instance_type or ""):
        free = _free_instances(
            region, Requirement(instance_type, requirement.workload, requirement.count), quotas, in_use
        )
        if free is not None:
            found.append(Alternative(instance_type, int(free), prices.get((instance_type, requirement.workload))))
    return tuple(found[:MAX_ALTERNATIVES])


def _free_instances(
    region: str, requirement: Requirement, quotas: Mapping[str, QuotaLookup], in_use: InUseCounts
) -> float | None:
    """For how many there is room, under the totals too; None where there is too little, or nobody knows."""
    if quota_name_for(requirement) not in quotas:
        return None
    answers = [
        (requirement, quotas[quota_name_for(requirement)])
        for requirement in with_totals([requirement])
        if quota_name_for(requirement) in quotas
    ]
    headrooms = [
        assess_headroom(region, requirement, answer, in_use, ())
        for requirement, answer in answers
        if requirement.instance_type or not isinstance(answer, NotOffered)
    ]
    if any(not headroom.verdict.is_room for headroom in headrooms):
        return None
    return min(headroom.free or 0.0 for headroom in headrooms)

"""Finds other instance types for a requirement that does not fit: those of the same class that have enough quota
now.
"""

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
"""The number of alternatives that are reported per requirement."""

Prices = Mapping[tuple[str, Workload], Price | Unknown]


def unmet_by_quota(wanted: Iterable[Requirement], quotas: Mapping[str, QuotaLookup]) -> list[Requirement]:
    """The requirements that another type could meet: not offered, or above their quota whatever is in use. Those whose
    account-wide total is too small are left out, since the total limits every type.
    """
    small = [
        requirement for requirement in wanted if _is_below_need(quotas[quota_name_for(requirement)], requirement.count)
    ]
    limited_by_total = {requirement.workload for requirement in small if requirement.instance_type is None}
    not_offered = [
        requirement
        for requirement in wanted
        if requirement.instance_type and _is_not_offered(quotas[quota_name_for(requirement)])
    ]
    return [
        requirement
        for requirement in (*small, *not_offered)
        if requirement.instance_type and requirement.workload not in limited_by_total
    ]


def unmet_by_use(headrooms: Sequence[Headroom]) -> list[Requirement]:
    """The requirements that would fit if less of their quota were in use, if another type could meet them: again not
    those that their total limits.
    """
    limited_by_total = {
        headroom.requirement.workload
        for headroom in headrooms
        if not headroom.requirement.instance_type and not headroom.verdict.is_room
    }
    return [
        headroom.requirement
        for headroom in headrooms
        if headroom.verdict.is_too_little
        and headroom.requirement.instance_type
        and headroom.requirement.workload not in limited_by_total
        and (headroom.applied if headroom.applied is not None else headroom.default or 0) >= headroom.requirement.count
    ]


def _is_below_need(lookup: QuotaLookup, need: int) -> bool:
    return isinstance(lookup, Quota) and lookup.effective_value is not None and lookup.effective_value < need


def _is_not_offered(lookup: QuotaLookup) -> bool:
    return isinstance(lookup, NotOffered)


def select_candidates(
    lacking: Iterable[Requirement], last_value: Callable[[str], float | None], limit: int
) -> tuple[Requirement, ...]:
    """Which quotas to read, ``limit`` in all: the best candidate for each requirement first, then the next for each.
    Types that had enough quota when last read come first. ``last_value`` returns a quota's last known value: infinite
    if it may exist and was never read, None if it does not exist.
    """
    rows = [_candidate_types(requirement, last_value) for requirement in lacking]
    interleaved = chain.from_iterable(zip_longest(*rows))
    return tuple(dict.fromkeys(candidate for candidate in interleaved if candidate))[:limit]


def _candidate_types(requirement: Requirement, last_value: Callable[[str], float | None]) -> list[Requirement]:
    alternatives = [
        Requirement(instance_type, requirement.workload, requirement.count)
        for instance_type in similar_types(requirement.instance_type or "")
    ]
    values = {
        alternative: value
        for alternative in alternatives
        if (value := last_value(quota_name_for(alternative))) is not None
    }
    roomy = [alternative for alternative, value in values.items() if requirement.count <= value < inf]
    unseen = [alternative for alternative, value in values.items() if value == inf]
    return [*roomy, *unseen][:MAX_ALTERNATIVES]


def find_alternatives(
    region: str, requirement: Requirement, quotas: Mapping[str, QuotaLookup], in_use: InUseCounts, prices: Prices
) -> tuple[Alternative, ...]:
    """The types that have enough quota now for a requirement, the most similar first, at most three. ``quotas`` are
    those that were read, by name, with the totals: what was not read does not count as available.
    """
    alternatives = []
    for instance_type in similar_types(requirement.instance_type or ""):
        free = _free_instances(
            region, Requirement(instance_type, requirement.workload, requirement.count), quotas, in_use
        )
        if free is not None:
            alternatives.append(
                Alternative(instance_type, int(free), prices.get((instance_type, requirement.workload)))
            )
    return tuple(alternatives[:MAX_ALTERNATIVES])


def _free_instances(
    region: str, requirement: Requirement, quotas: Mapping[str, QuotaLookup], in_use: InUseCounts
) -> float | None:
    """The number of instances that are available, under the totals too; None if not enough are, or it is unknown."""
    if quota_name_for(requirement) not in quotas:
        return None
    lookups = [
        (requirement, quotas[quota_name_for(requirement)])
        for requirement in with_totals([requirement])
        if quota_name_for(requirement) in quotas
    ]
    headrooms = [
        assess_headroom(region, requirement, lookup, in_use, ())
        for requirement, lookup in lookups
        if requirement.instance_type or not isinstance(lookup, NotOffered)
    ]
    if any(not headroom.verdict.is_room for headroom in headrooms):
        return None
    return min(headroom.free or 0.0 for headroom in headrooms)

"""Finds other instance types for a requirement that does not fit: those of the same class that have enough quota now.

The families and sizes are from AWS's lists of SageMaker instance types. They only serve suggestions: whether a type may
be started is decided by its quota.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from itertools import chain, zip_longest
from math import inf, log2

from opskit.core.model import Price, Quota, QuotaLookup, Requirement, Unknown, Workload, is_not_offered
from opskit.core.workloads import WORKLOADS
from opskit.quotas.rules.headroom import assess_headroom
from opskit.quotas.rules.model import Alternative, Headroom, InUseCounts
from opskit.quotas.rules.requirements import quota_name_for, with_totals


class InstanceClass(StrEnum):
    """What a type is made for."""

    GENERAL = "general purpose"
    COMPUTE = "compute"
    MEMORY = "memory"
    GPU = "GPU"
    INFERENCE = "Inferentia"
    TRAINING = "Trainium"


_CLASS_OF_LETTERS = {
    **dict.fromkeys(("t", "m"), InstanceClass.GENERAL),
    "c": InstanceClass.COMPUTE,
    **dict.fromkeys(("r", "x", "z"), InstanceClass.MEMORY),
    **dict.fromkeys(("p", "g", "gr"), InstanceClass.GPU),
    "inf": InstanceClass.INFERENCE,
    "trn": InstanceClass.TRAINING,
}

# The types to suggest, by family; of two that are equally similar the earlier one is preferred.
_SIZES = {
    "m5": "large xlarge 2xlarge 4xlarge 12xlarge 24xlarge",
    "m6i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge",
    "m7i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
    "m4": "xlarge 2xlarge 4xlarge 10xlarge 16xlarge",
    "m5d": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge",
    "t3": "medium large xlarge 2xlarge",
    "t2": "medium large xlarge 2xlarge",
    "c5": "large xlarge 2xlarge 4xlarge 9xlarge 18xlarge",
    "c6i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge",
    "c7i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
    "c4": "large xlarge 2xlarge 4xlarge 8xlarge",
    "c5d": "large xlarge 2xlarge 4xlarge 9xlarge 18xlarge",
    "c5n": "xlarge 2xlarge 4xlarge 9xlarge 18xlarge",
    "r5": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge",
    "r6i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge",
    "r7i": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
    "r5d": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge",
    "g4dn": "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
    "g5": "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
    "g6": "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
    "p3": "2xlarge 8xlarge 16xlarge",
    "g6e": "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge",
    "p2": "xlarge 8xlarge 16xlarge",
    "p3dn": "24xlarge",
    "p4d": "24xlarge",
    "p4de": "24xlarge",
    "p5": "48xlarge",
    "p5e": "48xlarge",
    "p5en": "48xlarge",
    "inf1": "xlarge 2xlarge 6xlarge 24xlarge",
    "inf2": "xlarge 8xlarge 24xlarge 48xlarge",
    "trn1": "2xlarge 32xlarge",
    "trn1n": "32xlarge",
    "trn2": "48xlarge",
}

# The number of GPUs or Neuron chips, for types that have more than one.
_ACCELERATORS = {
    "p2": {"8xlarge": 8, "16xlarge": 16},
    "p3": {"8xlarge": 4, "16xlarge": 8},
    "p3dn": {"24xlarge": 8},
    "p4d": {"24xlarge": 8},
    "p4de": {"24xlarge": 8},
    "p5": {"48xlarge": 8},
    "p5e": {"48xlarge": 8},
    "p5en": {"48xlarge": 8},
    "g4dn": {"12xlarge": 4},
    "g5": {"12xlarge": 4, "24xlarge": 4, "48xlarge": 8},
    "g6": {"12xlarge": 4, "24xlarge": 4, "48xlarge": 8},
    "g6e": {"12xlarge": 4, "24xlarge": 4, "48xlarge": 8},
    "inf1": {"6xlarge": 4, "24xlarge": 16},
    "inf2": {"24xlarge": 6, "48xlarge": 12},
    "trn1": {"32xlarge": 16},
    "trn1n": {"32xlarge": 16},
    "trn2": {"48xlarge": 16},
}
_ALL_TYPES = tuple(f"ml.{family}.{size}" for family, sizes in _SIZES.items() for size in sizes.split())
_BURSTABLE = ("ml.t2.", "ml.t3.")
# Sizes relative to an xlarge of 4, so that a 2xlarge is 8; metal counts like a 24xlarge.
_STEPS = {"nano": 0.25, "micro": 0.25, "small": 0.5, "medium": 1, "large": 2, "xlarge": 4, "metal": 96}
# A smaller type may be too small for the data: half a size step of distance more than a larger one.
_SMALLER_PENALTY = 0.5


def instance_class(instance_type: str) -> InstanceClass | None:
    """The class of a type, by the letters of its family; None for an unknown one."""
    letters = re.match(r"ml\.([a-z]+)\d", instance_type)
    return _CLASS_OF_LETTERS.get(letters[1]) if letters else None


@cache
def similar_types(instance_type: str) -> tuple[str, ...]:
    """The types of the same class, most similar first: same number of accelerators, then the nearest size, rather
    larger.
    """
    type_class = instance_class(instance_type)
    if type_class is None:
        return ()
    candidates = [
        candidate for candidate in _ALL_TYPES if candidate != instance_type and instance_class(candidate) is type_class
    ]
    return tuple(sorted(candidates, key=lambda other: _type_distance(instance_type, other)))


def _type_distance(first: str, second: str) -> tuple[float, bool, float]:
    """The distance of two types: accelerators first, then whether both burst, then the size."""
    (first_accelerators, first_size), (second_accelerators, second_size) = map(_type_capacity, (first, second))
    # Burstable families are cheap for a reason, and so unlike all others.
    bursts = first.startswith(_BURSTABLE) != second.startswith(_BURSTABLE)
    # By doublings: from 1 to 2 is as far as from 4 to 8.
    step = log2(second_size / first_size)
    accelerators = abs(log2(second_accelerators / first_accelerators))
    return accelerators, bursts, abs(step) + (_SMALLER_PENALTY if step < 0 else 0)


def _type_capacity(instance_type: str) -> tuple[int, float]:
    """The number of a type's accelerators, and its size, with an xlarge as 4 and a 2xlarge as 8."""
    _, family, size = instance_type.split(".", 2)
    multiple = re.fullmatch(r"(?:metal-)?([1-9]\d*)xl(?:arge)?", size)
    return _ACCELERATORS.get(family, {}).get(size, 1), 4 * int(multiple[1]) if multiple else _STEPS.get(size, 4)


MAX_ALTERNATIVES = 3
"""The number of alternatives that are reported per requirement."""

Prices = Mapping[tuple[str, Workload], Price | Unknown]

_UNREAD_PRICE = Unknown("its price was not read")


def unmet_by_quota(wanted: Iterable[Requirement], quotas: Mapping[str, QuotaLookup]) -> list[Requirement]:
    """The requirements that another type could meet: not offered, or above their quota whatever is in use. Those whose
    account-wide total is too small are left out, since the total limits every type.
    """
    small = [
        requirement
        for requirement in wanted
        if isinstance(quota := quotas[quota_name_for(requirement)], Quota)
        and quota.effective_value is not None
        and quota.effective_value < requirement.count
    ]
    limited_by_total = {requirement.workload for requirement in small if requirement.instance_type is None}
    not_offered = [
        requirement
        for requirement in wanted
        if requirement.instance_type and is_not_offered(quotas[quota_name_for(requirement)])
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
        and (headroom.quota_value or 0) >= headroom.requirement.count
    ]


def select_candidates(
    lacking: Iterable[Requirement], last_value: Callable[[str], float | None], limit: int
) -> tuple[Requirement, ...]:
    """Which quotas to read, ``limit`` in all: the best candidate for each requirement first, then the next for each.
    Types that had enough quota when last read come first. ``last_value`` returns a quota's last known value: infinite
    if it may exist and was never read, None if it does not exist.
    """
    rows = []
    for requirement in lacking:
        alternatives = [
            Requirement(instance_type, requirement.workload, requirement.count)
            for instance_type in similar_types(requirement.instance_type or "")
        ]
        values = {alternative: last_value(quota_name_for(alternative)) for alternative in alternatives}
        known = {alternative: value for alternative, value in values.items() if value is not None}
        roomy = [alternative for alternative, value in known.items() if requirement.count <= value < inf]
        unseen = [alternative for alternative, value in known.items() if value == inf]
        rows.append([*roomy, *unseen][:MAX_ALTERNATIVES])
    interleaved = chain.from_iterable(zip_longest(*rows))
    return tuple(dict.fromkeys(candidate for candidate in interleaved if candidate))[:limit]


def find_alternatives(
    region: str, requirement: Requirement, quotas: Mapping[str, QuotaLookup], in_use: InUseCounts, prices: Prices
) -> tuple[Alternative, ...]:
    """The types that have enough quota now for a requirement, the most similar first, at most three. ``quotas`` are
    those that were read, by name, with the totals: what was not read does not count as available.
    """
    alternatives = []
    for instance_type in similar_types(requirement.instance_type or ""):
        instead = Requirement(instance_type, requirement.workload, requirement.count)
        if quota_name_for(instead) not in quotas:
            continue
        limits = [limit for limit in with_totals([instead]) if quota_name_for(limit) in quotas]
        headrooms = [
            assess_headroom(region, limit, lookup, in_use, ())
            for limit in limits
            # A total that does not exist limits nothing.
            if not is_not_offered(lookup := quotas[quota_name_for(limit)]) or limit.instance_type
        ]
        if all(headroom.verdict.is_room for headroom in headrooms):
            free = int(min(headroom.free or 0.0 for headroom in headrooms))
            price = prices.get((instance_type, requirement.workload), _UNREAD_PRICE)
            has_price = WORKLOADS[requirement.workload].price is not None
            alternatives.append(Alternative(instance_type, free, price if has_price else None))
    return tuple(alternatives[:MAX_ALTERNATIVES])

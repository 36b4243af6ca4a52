"""Finds what helps where a quota is too small or too full, in few concurrent calls: other instance types with enough
quota, and whose the instances are that fill it and what they cost. It reports what it finds and never fails.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather, gather_all
from opskit.aws.prices import read_workload_price
from opskit.aws.resource_tags import read_owners
from opskit.core.model import Price, PriceKey, QuotaLookup, Requirement, Unknown, Workload
from opskit.core.workloads import WORKLOADS
from opskit.quotas.reads.code_cache import QuotaCodeCache, load_cache
from opskit.quotas.reads.quotas import read_cached_quotas, read_quotas
from opskit.quotas.reads.usage import count_in_use
from opskit.quotas.rules.alternatives import MAX_ALTERNATIVES, Prices, find_alternatives, select_candidates
from opskit.quotas.rules.holders import HeldQuota, hourly_cost, oldest_holders
from opskit.quotas.rules.model import (
    UNKNOWN_TYPE,
    Alternative,
    Headroom,
    InUseCounts,
    QuotaHolder,
)
from opskit.quotas.rules.requirements import quota_name_for, with_totals
from opskit.quotas.store import read_missing_prices

Held = Mapping[str, tuple[HeldQuota, ...]]
"""What holds each quota, by the quota's name."""

_TypePrices = Mapping[tuple[str, Workload], Price | Unknown]


_NO_ARN = Unknown("AWS does not tell its ARN, by which its tags are read")


def find_holders(
    client: AwsClient, headrooms: Sequence[Headroom], in_use: Mapping[Workload, InUseCounts], now: datetime
) -> Held:
    """What holds each of the quotas that are too full. Each resource is looked at once, and each price."""
    chosen = {
        headroom.quota_name: (headroom, oldest_holders(headroom, in_use[headroom.requirement.workload]))
        for headroom in headrooms
    }
    if not any(holders for _, holders in chosen.values()):
        return {}
    arns = dict.fromkeys(holder.arn for _, holders in chosen.values() for holder in holders if holder.arn)
    types = dict.fromkeys(
        (instance_type, headroom.requirement.workload)
        for headroom, holders in chosen.values()
        for holder in holders
        for instance_type in _types_of(headroom, holder)
    )
    owners, prices = gather(
        partial(read_owners, client, list(arns)),
        partial(gather_all, [partial(read_workload_price, client, *each) for each in types]),
    )
    by_type = dict(zip(types, prices, strict=True))
    return {
        name: tuple(
            _held_quota(headroom, holder, owners[holder.arn] if holder.arn else _NO_ARN, by_type, now)
            for holder in holders
        )
        for name, (headroom, holders) in chosen.items()
        if holders
    }


def _types_of(headroom: Headroom, holder: QuotaHolder) -> list[str]:
    """The instance types that a holder has of a quota."""
    wanted = headroom.requirement.instance_type
    known = [instance_type for instance_type in holder.instances if instance_type.startswith("ml.")]
    return [instance_type for instance_type in known if wanted in (None, instance_type)]


def _held_quota(
    headroom: Headroom, holder: QuotaHolder, owner: str | Unknown | None, prices: _TypePrices, now: datetime
) -> HeldQuota:
    workload = headroom.requirement.workload
    counted = [
        (holder.count(instance_type), prices.get((instance_type, workload)))
        for instance_type in _types_of(headroom, holder)
    ]
    is_priced = holder.is_counted and (
        headroom.requirement.instance_type is not None or UNKNOWN_TYPE not in holder.instances
    )
    return HeldQuota(
        holder,
        holder.count(headroom.requirement.instance_type) if holder.is_counted else None,
        max(timedelta(0), now - holder.since) if holder.since else None,
        owner,
        hourly_cost(counted) if is_priced else None,
    )


# The number of quotas that can be read at AWS's rates without waiting, including those of the check itself.
_MAX_UNTHROTTLED = 12
# The number of alternatives to consider when the listings were just read, so that each costs at most a price lookup.
_MAX_JUST_LISTED = 9


@dataclass(frozen=True)
class Suggestions:
    """Quotas and prices of other types, as far as they could be read."""

    quotas: dict[str, QuotaLookup] = field(default_factory=dict)
    prices: Prices = field(default_factory=dict)


def choose_candidates(
    lacking: Sequence[Requirement], cache: QuotaCodeCache, quotas_read: int
) -> tuple[Requirement, ...]:
    """The types most similar to those that are ``lacking``; none if nothing is lacking or no candidate is likely.
    ``quotas_read`` is the number of quotas that are read besides.
    """
    limit = _MAX_JUST_LISTED if cache.listed_at == cache.now else max(MAX_ALTERNATIVES, _MAX_UNTHROTTLED - quotas_read)
    return select_candidates(lacking, cache.last_value, limit)


def read_suggestions(client: AwsClient, candidates: Sequence[Requirement], cache: QuotaCodeCache) -> Suggestions:
    """The quotas and prices of the ``candidates``, in one round of calls."""
    if not candidates:
        return Suggestions()
    quotas, prices = gather(
        partial(read_cached_quotas, client, [quota_name_for(requirement) for requirement in candidates], cache),
        partial(_read_prices, client, candidates, cache.now),
    )
    return Suggestions(quotas, prices)


def find_types_with_headroom(client: AwsClient, requirement: Requirement, now: datetime) -> tuple[Alternative, ...]:
    """The types that have enough quota now, as a replacement for one that AWS has no capacity of, whatever its own
    quota.

    Raises:
        CredentialsError: there are no valid credentials.
    """
    cache = load_cache(client, now)

    def read_candidates() -> Suggestions:
        totals_above = [
            quota_name_for(requirement)
            for requirement in with_totals([requirement])
            if requirement.instance_type is None
        ]
        totals = read_quotas(client, totals_above, cache)
        suggestions = read_suggestions(client, choose_candidates([requirement], cache, len(totals_above)), cache)
        return Suggestions({**totals, **suggestions.quotas}, suggestions.prices)

    candidates, in_use = gather(read_candidates, partial(count_in_use, client, {requirement.workload}))
    return find_alternatives(
        client.region, requirement, candidates.quotas, in_use[requirement.workload], candidates.prices
    )


def _read_prices(client: AwsClient, candidates: Sequence[Requirement], now: datetime) -> Prices:
    """The prices of what has one, at most a day old."""
    keys: dict[Requirement, PriceKey] = {
        requirement: (component.value, str(requirement.instance_type))
        for requirement in candidates
        if (component := WORKLOADS[requirement.workload].price)
    }
    readers = {
        key: partial(read_workload_price, client, str(each.instance_type), each.workload) for each, key in keys.items()
    }
    prices = read_missing_prices(client, readers, now)
    return {(str(each.instance_type), each.workload): prices[key] for each, key in keys.items()}

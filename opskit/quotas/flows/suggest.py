"""Finds other instance types with enough quota, in few concurrent calls. It reports what it finds and never fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather
from opskit.aws.prices import read_workload_price
from opskit.core.model import PriceKey, QuotaLookup, Requirement
from opskit.core.workloads import WORKLOADS
from opskit.quotas.reads.code_cache import QuotaCodeCache, load_cache
from opskit.quotas.reads.listed_prices import read_missing_prices
from opskit.quotas.reads.quotas import read_cached_quotas, read_quotas
from opskit.quotas.reads.usage import count_in_use
from opskit.quotas.rules.alternatives import MAX_ALTERNATIVES, Prices, find_alternatives, select_candidates
from opskit.quotas.rules.model import Alternative
from opskit.quotas.rules.requirements import quota_name_for, with_totals

# The number of quotas that can be read at AWS's rates without waiting, including those of the check itself.
_MAX_UNTHROTTLED = 12
# The number of alternatives to consider when the listings were just read, so that each costs at most a price lookup.
_MAX_JUST_LISTED = 9


@dataclass(frozen=True)
class Suggestions:
    """Quotas and prices of other types, as far as they could be read."""

    quotas: dict[str, QuotaLookup] = field(default_factory=dict)
    prices: Prices = field(default_factory=dict)

    def with_more(self, more: Suggestions) -> Suggestions:
        """These and others."""
        return Suggestions({**self.quotas, **more.quotas}, {**self.prices, **more.prices})


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

"""Looks for other types that have room, in few calls and side by side; it names what it finds and never fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather, gather_all
from opskit.aws.prices import read_workload_price
from opskit.core.model import Price, QuotaLookup, Requirement, Unknown
from opskit.core.workloads import WORKLOADS
from opskit.quotas.reads.code_cache import QuotaCodeCache, load_cache
from opskit.quotas.reads.quotas import read_cached_quotas, read_quotas
from opskit.quotas.reads.usage import count_in_use
from opskit.quotas.rules.alternatives import MAX_ALTERNATIVES, Prices, find_alternatives, select_candidates
from opskit.quotas.rules.model import Alternative
from opskit.quotas.rules.requirements import quota_name_for, with_totals

# So many quotas can be asked for at once at AWS's rates, those of the check itself among them.
_MAX_UNTHROTTLED = 12
# So many others are looked at where a look through the listings has just told them all.
_MAX_JUST_LISTED = 9


@dataclass(frozen=True)
class Suggestions:
    """Quotas and prices of other types, as far as they could be had."""

    quotas: dict[str, QuotaLookup] = field(default_factory=dict)
    prices: Prices = field(default_factory=dict)


def find_suggestions(
    client: AwsClient, lacking: Sequence[Requirement], cache: QuotaCodeCache, asked: int
) -> Suggestions:
    """The types most like what is lacking. One round of calls, none where nothing is lacking or nothing is likely;
    ``asked`` is how many quotas were asked for just before.
    """
    most = _MAX_JUST_LISTED if cache.listed_at == cache.now else max(MAX_ALTERNATIVES, _MAX_UNTHROTTLED - asked)
    wanted = select_candidates(lacking, cache.last_value, most)
    if not wanted:
        return Suggestions()
    priced = [requirement for requirement in wanted if WORKLOADS[requirement.workload].price]
    quotas, prices = gather(
        partial(read_cached_quotas, client, [quota_name_for(requirement) for requirement in wanted], cache),
        partial(gather_all, [partial(_read_requirement_price, client, requirement) for requirement in priced]),
    )
    return Suggestions(
        quotas,
        {
            (str(requirement.instance_type), requirement.workload): each
            for requirement, each in zip(priced, prices, strict=True)
        },
    )


def find_types_with_headroom(client: AwsClient, requirement: Requirement, now: datetime) -> tuple[Alternative, ...]:
    """The types that have room now instead of one that AWS does not give, whatever its own quota says.

    Raises:
        CredentialsError: there are none to ask with.
    """
    cache = load_cache(client, now)

    def read_candidates() -> Suggestions:
        above = [
            quota_name_for(requirement)
            for requirement in with_totals([requirement])
            if requirement.instance_type is None
        ]
        totals = read_quotas(client, above, cache)
        others = find_suggestions(client, [requirement], cache, len(above))
        return Suggestions({**totals, **others.quotas}, others.prices)

    found, in_use = gather(read_candidates, partial(count_in_use, client, {requirement.workload}))
    return find_alternatives(client.region, requirement, found.quotas, in_use[requirement.workload], found.prices)


def _read_requirement_price(client: AwsClient, requirement: Requirement) -> Price | Unknown:
    return read_workload_price(client, str(requirement.instance_type), requirement.workload)

"""Finds out whose a full quota's instances are and what they cost. It reports what it can and never fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather, gather_all
from opskit.aws.prices import read_workload_price
from opskit.core.model import Price, Unknown, Workload
from opskit.quotas.reads.resource_tags import read_owners
from opskit.quotas.rules.holders import HeldQuota, hourly_cost, oldest_holders
from opskit.quotas.rules.model import UNKNOWN_TYPE, Headroom, InUseCounts, QuotaHolder

Held = Mapping[str, tuple[HeldQuota, ...]]
"""What holds each quota, by the quota's name."""

_TypePrices = Mapping[tuple[str, Workload], Price | Unknown]


def find_holders(
    client: AwsClient, headrooms: Sequence[Headroom], in_use: Mapping[Workload, InUseCounts], now: datetime
) -> Held:
    """What holds each of the quotas that are too full. Each resource is looked at once, and each price."""
    chosen = {
        headroom.quota_name: (headroom, oldest_holders(headroom, in_use[headroom.requirement.workload]))
        for headroom in headrooms
    }
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
        name: tuple(_held_quota(headroom, holder, owners.get(holder.arn or ""), by_type, now) for holder in holders)
        for name, (headroom, holders) in chosen.items()
        if holders
    }


def _types_of(headroom: Headroom, holder: QuotaHolder) -> list[str]:
    """The instance types that a holder has of a quota."""
    wanted = headroom.requirement.instance_type
    known = [instance_type for instance_type in holder.instances if instance_type.startswith("ml.")]
    return [instance_type for instance_type in known if wanted in (None, instance_type)]


def _held_quota(
    headroom: Headroom, holder: QuotaHolder, owner: str | None, prices: _TypePrices, now: datetime
) -> HeldQuota:
    workload = headroom.requirement.workload
    counted = [
        (holder.count(instance_type), prices.get((instance_type, workload)))
        for instance_type in _types_of(headroom, holder)
    ]
    is_priced = headroom.requirement.instance_type is not None or UNKNOWN_TYPE not in holder.instances
    return HeldQuota(
        holder,
        holder.count(headroom.requirement.instance_type),
        max(timedelta(0), now - holder.since) if holder.since else None,
        owner,
        hourly_cost(counted) if is_priced else None,
    )

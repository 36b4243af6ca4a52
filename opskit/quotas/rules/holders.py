"""What holds a quota that is too full, and what that costs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from opskit.core.model import Price, Unknown
from opskit.quotas.rules.model import Headroom, InUseCounts, QuotaHolder

MAX_HOLDERS = 5
"""The number of holders that are reported per quota."""

_LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class HeldQuota:
    """A resource and the part of a quota that it holds. ``count`` None: AWS did not report the number of its instances;
    ``age`` None: AWS did not report when it began; ``owner`` None: no tag names one; ``usd_per_hour`` None: not known.
    """

    holder: QuotaHolder
    count: int | None
    age: timedelta | None = None
    owner: str | Unknown | None = None
    usd_per_hour: Decimal | None = None


def oldest_holders(headroom: Headroom, in_use: InUseCounts) -> tuple[QuotaHolder, ...]:
    """What holds a quota that is too full, the oldest first; none if it would be too small with nothing in use."""
    requirement = headroom.requirement
    value = headroom.quota_value or 0
    # No instances hold a maximum per job, and none the volumes, which stay when they are gone.
    counts_no_instances = requirement.per_job or requirement.of_volumes
    if not headroom.verdict.is_too_little or counts_no_instances or value < requirement.count:
        return ()
    holding = [holder for holder in in_use.holders if holder.count(requirement.instance_type)]
    return tuple(sorted(holding, key=lambda holder: (holder.since or _LAST, holder.name))[:MAX_HOLDERS])


def hourly_cost(instances: Iterable[tuple[int, Price | Unknown | None]]) -> Decimal | None:
    """What instances cost, from their numbers and prices; None if a price is not known."""
    costs = [count * price.usd_per_hour if isinstance(price, Price) else None for count, price in instances]
    known = [cost for cost in costs if cost is not None]
    return sum(known, Decimal(0)) if known and len(known) == len(costs) else None

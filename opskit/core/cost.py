"""What a run pays for, and the most that it can cost, in USD."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from opskit.core.model import InstanceConfig, Price, Requirement, Unknown, Workload


@dataclass(frozen=True)
class CostItem:
    """One thing a run pays for: its instances, what they are for, and their price."""

    workload: Workload
    config: InstanceConfig
    price: Price | Unknown

    def requirement(self) -> Requirement:
        """What it needs of the quotas."""
        return Requirement(self.config.instance_type, self.workload, self.config.count)


def estimate_usd(cost_items: Iterable[CostItem]) -> Decimal | None:
    """The most that the parts with an end can cost, in USD: price x instances x allowed time. What has no end is
    in ``hourly_usd``. None when a price is not known: then nobody knows the most.
    """
    total = Decimal(0)
    for item in cost_items:
        if isinstance(item.price, Unknown):
            return None
        total += item.price.usd_per_hour * item.config.count * (item.config.max_seconds or 0) / 3600
    return total.quantize(Decimal("0.0001"))


def hourly_usd(cost_items: Iterable[CostItem]) -> Decimal:
    """What the parts without an end cost, in USD an hour; those whose price is not known are not in it."""
    endless = [item for item in cost_items if item.config.max_seconds is None]
    return sum(
        (item.price.usd_per_hour * item.config.count for item in endless if isinstance(item.price, Price)), Decimal(0)
    )

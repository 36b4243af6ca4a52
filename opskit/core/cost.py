"""What a run consists of and its highest possible cost, in USD."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from opskit.core.model import InstanceConfig, Price, Requirement, Unknown, Workload


@dataclass(frozen=True)
class CostItem:
    """One part of a run that costs money: its instances, their workload, and their price."""

    workload: Workload
    config: InstanceConfig
    price: Price | Unknown

    def requirement(self) -> Requirement:
        """The quota that this part needs."""
        return Requirement(self.config.instance_type, self.workload, self.config.count)


def find_cost_item(cost_items: Iterable[CostItem], workload: Workload) -> CostItem | None:
    """The part of a run for a workload; None: it has none."""
    return next((item for item in cost_items if item.workload is workload), None)


def estimate_usd(cost_items: Iterable[CostItem]) -> Decimal | None:
    """The highest cost of the parts that have a maximum run time, in USD: price x instances x maximum time. Parts
    without one are in ``hourly_usd``. None if a price is not known.
    """
    total = Decimal(0)
    for item in cost_items:
        # A sum without this part would look like an upper bound and could pass a budget that the run exceeds.
        if isinstance(item.price, Unknown):
            return None
        total += item.price.usd_per_hour * item.config.count * (item.config.max_seconds or 0) / 3600
    # AWS's prices have up to ten decimals; a tenth of a cent is what people can use.
    return total.quantize(Decimal("0.0001"))


def usd_per_day(cost_items: Iterable[CostItem]) -> Decimal | None:
    """What the parts without a maximum run time cost a day, in USD; None if there is none, or a price is not known."""
    endless = [item for item in cost_items if item.config.max_seconds is None]
    if not endless or any(isinstance(item.price, Unknown) for item in endless):
        return None
    return hourly_usd(endless) * 24


def hourly_usd(cost_items: Iterable[CostItem]) -> Decimal:
    """The cost of the parts without a maximum run time, in USD per hour; parts whose price is not known are left
    out.
    """
    endless = [item for item in cost_items if item.config.max_seconds is None]
    return sum(
        (item.price.usd_per_hour * item.config.count for item in endless if isinstance(item.price, Price)), Decimal(0)
    )

"""What a running resource costs, from the prices of its parts, in USD."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from opskit.core.model import Price, PriceKey, Unknown
from opskit.inventory.rules.running_resource import (
    BilledConcurrency,
    BilledInstances,
    BilledPart,
    BilledVolume,
    RunningResource,
)


def price_key(part: BilledPart) -> PriceKey:
    """What the price of a part's unit is looked up by."""
    match part:
        case BilledInstances(instance_type=instance_type, component=component):
            return component.value, instance_type or ""
        case BilledVolume(storage=storage):
            return storage.value, ""
        case BilledConcurrency(memory_mb=memory):
            return "provisioned-concurrency", str(memory)


def price_keys(resources: Iterable[RunningResource]) -> dict[PriceKey, BilledPart]:
    """One part of each price that these resources need."""
    parts = (part for resource in resources if _needs_prices(resource) for part in resource.parts)
    return {price_key(part): part for part in parts}


def _needs_prices(resource: RunningResource) -> bool:
    return not (resource.unpriced or resource.free)


def hourly_price(resource: RunningResource, prices: Mapping[PriceKey, Price | Unknown]) -> Decimal | Unknown:
    """What a resource costs an hour; why that is not known where one of its parts has no price."""
    if resource.unpriced:
        return Unknown(resource.unpriced, "no-price")
    if resource.free:
        return Decimal(0)
    if not resource.parts:
        return Unknown("AWS does not say what it is billed for", "no-price")
    total = Decimal(0)
    for part in resource.parts:
        units = _part_units(part)
        if units is None:
            return Unknown("AWS does not say the number of its instances", "no-count")
        price = prices[price_key(part)]
        if units and isinstance(price, Unknown):
            return price
        total += units * price.usd_per_hour if isinstance(price, Price) else 0
    return total


def _part_units(part: BilledPart) -> int | None:
    match part:
        case BilledInstances(count=count):
            return count
        case BilledVolume(gigabytes=gigabytes):
            return gigabytes
        case BilledConcurrency(units=units):
            return units

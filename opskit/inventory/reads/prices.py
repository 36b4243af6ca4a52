"""The prices of what runs, each read once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.prices import read_concurrency_price, read_listed_price, read_storage_price
from opskit.core.model import Price, PriceKey, Unknown
from opskit.inventory.rules.prices import price_keys
from opskit.inventory.rules.running_resource import (
    BilledConcurrency,
    BilledInstances,
    BilledPart,
    BilledVolume,
    RunningResource,
)
from opskit.quotas.store import read_missing_prices


def read_prices(
    client: AwsClient, resources: Iterable[RunningResource], now: datetime
) -> Mapping[PriceKey, Price | Unknown]:
    """The price of one unit of each part of these resources, in USD per hour, at most a day old."""
    parts = price_keys(resources)
    return read_missing_prices(client, {key: partial(_read_part_price, client, parts[key]) for key in parts}, now)


def _read_part_price(client: AwsClient, part: BilledPart) -> Price | Unknown:
    match part:
        case BilledInstances(instance_type=instance_type, component=component):
            if instance_type is None:
                return Unknown("AWS does not say its instance type", "no-instance-type")
            return read_listed_price(client, instance_type, component)
        case BilledVolume(storage=storage):
            return read_storage_price(client, storage)
        case BilledConcurrency(memory_mb=memory):
            return read_concurrency_price(client, memory)

"""Remembers the prices of AWS's price list for a day. One rate holds for the price list of all Regions, so a look at
many of them would mostly wait for prices that it had yesterday.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from opskit.aws.client import AwsClient
from opskit.aws.prices import LISTED_SOURCE
from opskit.core.model import Price, PriceKey, Unknown
from opskit.state.records import Record, RecordTable
from opskit.state.region_memory import load_region_memory, save_region_memory

# For a day: all Regions' prices are read at one rate, from one Region's API.
_KEPT = timedelta(hours=24)
PRICES_TABLE = RecordTable(
    name="listed_prices",
    file="listed-prices.sqlite",
    schema=(
        """CREATE TABLE IF NOT EXISTS listed_prices (
    endpoint TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL, component TEXT NOT NULL, type TEXT NOT NULL,
    usd TEXT NOT NULL, source TEXT NOT NULL, read_at TEXT NOT NULL,
    PRIMARY KEY (endpoint, account, region, component, type)
)""",
    ),
    columns=("endpoint", "account", "region", "component", "type", "usd", "source", "read_at"),
    key=("endpoint", "account", "region", "component", "type"),
    partition=3,
    kept_for=_KEPT,
)


def load_listed_prices(client: AwsClient, wanted: Iterable[PriceKey], now: datetime) -> dict[PriceKey, Price]:
    """The prices that were read less than a day ago; what has none then is asked for every time."""
    oldest, newest = (now - _KEPT).isoformat(), now.isoformat()
    found = load_region_memory(client, PRICES_TABLE, _parse_price)
    return {key: found[key][0] for key in wanted if key in found and oldest < found[key][1] <= newest}


def _parse_price(row: Record) -> tuple[PriceKey, tuple[Price, str]]:
    """A price, and when it was read."""
    price = Price(Decimal(str(row["usd"])), str(row["source"]))
    return (str(row["component"]), str(row["type"])), (price, str(row["read_at"]))


def save_listed_prices(client: AwsClient, prices: Mapping[PriceKey, Price | Unknown], now: datetime) -> None:
    """Remember those that AWS lists. Where the state cannot be written, they are read again."""
    records: list[Record] = [
        {
            "component": component,
            "type": instance_type,
            "usd": str(price.usd_per_hour),
            "source": price.source,
            "read_at": now.isoformat(),
        }
        for (component, instance_type), price in prices.items()
        if isinstance(price, Price) and price.source == LISTED_SOURCE
    ]
    save_region_memory(client, PRICES_TABLE, records, keeps_others=True)

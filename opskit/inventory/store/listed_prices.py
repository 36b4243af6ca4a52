"""Remembers the prices of AWS's price list for a day. One rate holds for the price list of all Regions, so a look at
many of them would mostly wait for prices that it had yesterday.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation

from opskit.aws.client import AwsClient
from opskit.core.exceptions import AwsError
from opskit.core.model import Price, Unknown
from opskit.inventory.rules.prices import PriceKey
from opskit.state.home import state_home
from opskit.state.paths import account_key
from opskit.state.records import Record, RecordTable

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
    try:
        place = (*account_key(client), client.region)
        rows = [each.record for each in state_home().records.read_records(PRICES_TABLE, *place)]
        found = {
            (str(row["component"]), str(row["type"])): Price(Decimal(str(row["usd"])), str(row["source"]))
            for row in rows
            if oldest < str(row["read_at"]) <= newest
        }
    # Forgetting costs only another look; an error here must not keep anybody from one.
    except (OSError, sqlite3.Error, InvalidOperation, AwsError):
        return {}
    return {key: found[key] for key in wanted if key in found}


def save_listed_prices(client: AwsClient, prices: Mapping[PriceKey, Price | Unknown], now: datetime) -> None:
    """Remember these. Where the state cannot be written, they are read again."""
    with suppress(OSError, sqlite3.Error, AwsError):
        endpoint, account = account_key(client)
        records: list[Record] = [
            {
                "endpoint": endpoint,
                "account": account,
                "region": client.region,
                "component": component,
                "type": instance_type,
                "usd": str(price.usd_per_hour),
                "source": price.source,
                "read_at": now.isoformat(),
            }
            for (component, instance_type), price in prices.items()
            if isinstance(price, Price)
        ]
        state_home().records.put_records(PRICES_TABLE, records)

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
from opskit.state.paths import account_key
from opskit.state.store import open_db

_KEPT = timedelta(hours=24)
_FILE = "listed-prices.sqlite"
_SCHEMA = """CREATE TABLE IF NOT EXISTS listed_prices (
    endpoint TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL, component TEXT NOT NULL, type TEXT NOT NULL,
    usd TEXT NOT NULL, source TEXT NOT NULL, read_at TEXT NOT NULL,
    PRIMARY KEY (endpoint, account, region, component, type)
)"""


def load_listed_prices(client: AwsClient, wanted: Iterable[PriceKey], now: datetime) -> dict[PriceKey, Price]:
    """The prices that were read less than a day ago; what has none then is asked for every time."""
    try:
        with open_db(_FILE, _SCHEMA) as connection:
            rows = connection.execute(
                "SELECT component, type, usd, source FROM listed_prices"
                " WHERE endpoint = ? AND account = ? AND region = ? AND read_at > ? AND read_at <= ?",
                (*account_key(client), client.region, (now - _KEPT).isoformat(), now.isoformat()),
            ).fetchall()
        found = {(row["component"], row["type"]): Price(Decimal(row["usd"]), row["source"]) for row in rows}
    # Forgetting costs only another look; an error here must not keep anybody from one.
    except (OSError, sqlite3.Error, InvalidOperation, AwsError):
        return {}
    return {key: found[key] for key in wanted if key in found}


def save_listed_prices(client: AwsClient, prices: Mapping[PriceKey, Price | Unknown], now: datetime) -> None:
    """Remember these. Where the state folder cannot be written, they are read again."""
    with suppress(OSError, sqlite3.Error, AwsError), open_db(_FILE, _SCHEMA) as connection:
        where = (*account_key(client), client.region)
        connection.executemany(
            "INSERT OR REPLACE INTO listed_prices VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (*where, *key, str(price.usd_per_hour), price.source, now.isoformat())
                for key, price in prices.items()
                if isinstance(price, Price)
            ],
        )

"""Prices of AWS's price list, of which only those are read that are not remembered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather_all
from opskit.core.model import Price, PriceKey, Unknown
from opskit.quotas.store import load_listed_prices, save_listed_prices


def read_missing_prices(
    client: AwsClient, wanted: Mapping[PriceKey, Callable[[], Price | Unknown]], now: datetime
) -> dict[PriceKey, Price | Unknown]:
    """The ``wanted`` prices, in USD per hour, at most a day old. Each is read by its own function, side by side, unless
    it is remembered; what AWS lists is remembered.
    """
    if not wanted:
        return {}
    known = load_listed_prices(client, wanted, now)
    missing = {key: read for key, read in wanted.items() if key not in known}
    new = dict(zip(missing, gather_all(list(missing.values())), strict=True))
    if new:
        save_listed_prices(client, new, now)
    return {**known, **new}

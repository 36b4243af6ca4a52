"""Prices that are not known because they could not be read, as every list of what costs money reports them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from opskit.core.exceptions import Problem
from opskit.core.model import Unknown

# AWS lists no price, or does not say for what: nothing failed.
_NO_PRICE_CODES = frozenset({"no-price", "no-price-list", "no-instance-type", "no-count"})


def unread_price_problems(prices: Iterable[tuple[str, object]], noun: str) -> Iterator[Problem]:
    """Why prices, each with its Region, could not be read: one problem for each Region. ``noun`` is what each is of."""
    unread: dict[str, list[Unknown]] = {}
    for region, price in prices:
        if isinstance(price, Unknown) and price.code not in _NO_PRICE_CODES:
            unread.setdefault(region, []).append(price)
    for region, gaps in unread.items():
        what = f"1 {noun}" if len(gaps) == 1 else f"{len(gaps)} {noun}s"
        text = f"The price of {what} could not be read: {gaps[0].reason.rstrip('.')}."
        yield Problem(gaps[0].code, text, gaps[0].hint, region)

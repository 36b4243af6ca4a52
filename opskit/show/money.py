"""What a run costs, in words."""

from __future__ import annotations

from collections.abc import Sequence

from opskit.decide.guard import Part, estimate_usd, hourly_usd
from opskit.model import Price, Unread


def money(parts: Sequence[Part]) -> list[str]:
    """What the parts cost at most, and whose prices these are; nothing where nothing is to be paid."""
    if not parts:
        return []
    unpriced = [part.price.because for part in parts if isinstance(part.price, Unread)]
    if unpriced:
        return [f"What this costs at most is not known: {unpriced[0]}."]
    prices = sorted({part.price.source for part in parts if isinstance(part.price, Price)})
    estimate, hourly = estimate_usd(parts), hourly_usd(parts)
    total = f"At most {estimate.normalize():f} USD" if estimate else ""
    extra = f"{hourly} USD for each hour of the endpoint" if hourly else ""
    return [f"{', and '.join(each for each in (total, extra) if each)} (prices: {'; '.join(prices)})."]

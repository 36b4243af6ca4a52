"""The cost of a run as text."""

from __future__ import annotations

from collections.abc import Sequence

from opskit.core.cost import CostItem, estimate_usd, hourly_usd
from opskit.core.model import Price, Unknown


def cost_lines(cost_items: Sequence[CostItem]) -> list[str]:
    """The maximum cost of the parts, and the source of the prices; empty if nothing costs money."""
    if not cost_items:
        return []
    unpriced = [item.price.reason for item in cost_items if isinstance(item.price, Unknown)]
    if unpriced:
        return [f"What this costs at most is not known: {unpriced[0]}."]
    prices = sorted({item.price.source for item in cost_items if isinstance(item.price, Price)})
    estimate, hourly = estimate_usd(cost_items), hourly_usd(cost_items)
    total = f"At most {estimate.normalize():f} USD" if estimate else ""
    extra = f"{hourly} USD for each hour of the endpoint" if hourly else ""
    return [f"{', and '.join(text for text in (total, extra) if text)} (prices: {'; '.join(prices)})."]

"""What notebooks that run cost: per hour, and since they were started."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from opskit.core.model import Notebook


@dataclass(frozen=True)
class NotebookCost:
    """What a notebook costs. ``started`` None: it does not run, so it costs nothing but its volume. ``usd_per_hour``
    None: nobody knows its price, so nobody knows ``usd_since_start`` either.
    """

    started: datetime | None
    usd_per_hour: Decimal | None
    usd_since_start: Decimal | None


@dataclass(frozen=True)
class NotebookCosts:
    """What those that run cost together. ``unpriced`` of them have a price that nobody knows; they are not in the
    sums, which are then what is paid at least.
    """

    running: int
    unpriced: int
    usd_per_hour: Decimal
    usd_since_start: Decimal


def notebook_cost(notebook: Notebook, usd_per_hour: Decimal | None, now: datetime) -> NotebookCost:
    """What one costs, in USD: ``usd_per_hour`` (None: its price is not known) and what it has cost since its last
    start. AWS bills it while it is in service, by the second; a start that lies in the future by AWS's clock is now.
    """
    if not notebook.traits.is_in_service:
        return NotebookCost(None, usd_per_hour, None)
    seconds = max(Decimal((now - notebook.status_changed_at).total_seconds()), Decimal(0))
    spent = None if usd_per_hour is None else (usd_per_hour * seconds / 3600).quantize(Decimal("0.0001"))
    return NotebookCost(notebook.status_changed_at, usd_per_hour, spent)


def sum_costs(costs: Iterable[NotebookCost]) -> NotebookCosts:
    """The sums over those that run, in USD, and of how many the price is not known."""
    running = [cost for cost in costs if cost.started is not None]
    return NotebookCosts(
        running=len(running),
        unpriced=sum(cost.usd_per_hour is None for cost in running),
        usd_per_hour=sum((cost.usd_per_hour or Decimal(0) for cost in running), Decimal(0)),
        usd_since_start=sum((cost.usd_since_start or Decimal(0) for cost in running), Decimal(0)),
    )

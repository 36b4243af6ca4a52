"""What notebooks that run cost: per hour, and since they were started."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from opskit.core.aws_statuses import NotebookStatus
from opskit.core.model import Notebook


@dataclass(frozen=True)
class NotebookCost:
    """What a notebook costs. ``started`` None: it is not seen to run, and with ``may_run`` it is not known whether it
    does; else it costs nothing but its volume. ``usd_per_hour`` None: nobody knows its price. ``usd_since_start`` None:
    there is none that is known.
    """

    started: datetime | None
    usd_per_hour: Decimal | None
    usd_since_start: Decimal | None
    may_run: bool = False


@dataclass(frozen=True)
class NotebookCosts:
    """What those that run cost together. ``unpriced`` of them have a price that nobody knows, and of ``undated`` nobody
    knows since when they run; they are not in the sums, which are then what is paid at least. ``may_run`` are others of
    which nobody knows whether they run.
    """

    running: int
    unpriced: int
    usd_per_hour: Decimal
    usd_since_start: Decimal
    may_run: int = 0
    undated: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether the sums are all that is paid."""
        return not (self.unpriced or self.may_run or self.undated)


def notebook_cost(notebook: Notebook, usd_per_hour: Decimal | None, now: datetime) -> NotebookCost:
    """What one costs, in USD: ``usd_per_hour`` (None: its price is not known) and what it has cost since its last
    start. AWS bills it while it is in service, by the second; a start that lies in the future by AWS's clock is now.
    What a maintenance means, or a status that AWS adds later, is not known.
    """
    if not notebook.traits.is_in_service:
        may_run = notebook.traits.is_maintained or notebook.state is NotebookStatus.UNKNOWN
        return NotebookCost(None, usd_per_hour, None, may_run)
    if usd_per_hour is None or not notebook.is_change_told:
        return NotebookCost(notebook.status_changed_at, usd_per_hour, None)
    seconds = max(Decimal((now - notebook.status_changed_at).total_seconds()), Decimal(0))
    spent = (usd_per_hour * seconds / 3600).quantize(Decimal("0.0001"))
    return NotebookCost(notebook.status_changed_at, usd_per_hour, spent)


def sum_costs(costs: Iterable[NotebookCost]) -> NotebookCosts:
    """The sums over those that run, in USD, and of how many the price is not known."""
    seen = list(costs)
    running = [cost for cost in seen if cost.started is not None]
    return NotebookCosts(
        running=len(running),
        unpriced=sum(cost.usd_per_hour is None for cost in running),
        usd_per_hour=sum((cost.usd_per_hour or Decimal(0) for cost in running), Decimal(0)),
        usd_since_start=sum((cost.usd_since_start or Decimal(0) for cost in running), Decimal(0)),
        may_run=sum(cost.may_run for cost in seen),
        undated=sum(cost.usd_per_hour is not None and cost.usd_since_start is None for cost in running),
    )

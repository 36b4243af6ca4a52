from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from opskit.core.model import Notebook
from opskit.notebooks.rules.costs import NotebookCost, NotebookCosts, notebook_cost, sum_costs

NOW = datetime(2026, 1, 2, tzinfo=UTC)
PRICE = Decimal("0.0464")


def since(hours: float, status: str = "InService") -> Notebook:
    return Notebook("us-east-1", "lab", "arn", "ml.t2.medium", status, NOW - timedelta(hours=hours))


@pytest.mark.parametrize(
    ("notebook", "price", "spent", "runs"),
    [
        (since(10), PRICE, Decimal("0.4640"), True),
        (since(0), PRICE, Decimal(0), True),
        (since(-0.05), PRICE, Decimal(0), True),  # AWS's clock is ahead of ours
        (since(10), None, None, True),
        (since(10, "Stopped"), PRICE, None, False),
        (since(10, "Pending"), PRICE, None, False),
        (since(10, "Failed"), None, None, False),
    ],
)
def test_one_costs_from_its_start_while_it_is_in_service(
    notebook: Notebook, price: Decimal | None, spent: Decimal | None, runs: bool
) -> None:
    assert notebook_cost(notebook, price, NOW) == NotebookCost(
        notebook.status_changed_at if runs else None, price, spent
    )


def test_what_one_has_cost_is_not_known_where_aws_does_not_say_since_when_it_runs() -> None:
    cost = notebook_cost(replace(since(10), is_change_told=False), PRICE, NOW)
    assert (cost.usd_per_hour, cost.usd_since_start) == (PRICE, None)
    total = sum_costs([cost, notebook_cost(since(10), PRICE, NOW)])
    assert (total.running, total.undated, total.is_whole) == (2, 1, False)


def test_together_they_cost_what_is_known_and_the_unknown_is_counted() -> None:
    costs = [
        notebook_cost(since(10), PRICE, NOW),
        notebook_cost(since(5), PRICE, NOW),
        notebook_cost(since(1), None, NOW),
        notebook_cost(since(9, "Stopped"), None, NOW),
    ]
    assert sum_costs(costs) == NotebookCosts(3, 1, Decimal("0.0928"), Decimal("0.6960"))
    maybe = [notebook_cost(since(9, status), PRICE, NOW) for status in ("InMaintenance", "Hibernating")]
    assert [(cost.started, cost.usd_since_start, cost.may_run) for cost in maybe] == [(None, None, True)] * 2
    assert sum_costs([costs[0], *maybe]) == NotebookCosts(1, 0, PRICE, Decimal("0.4640"), may_run=2)
    assert not sum_costs(maybe).is_whole
    assert sum_costs([]) == NotebookCosts(0, 0, Decimal(0), Decimal(0))

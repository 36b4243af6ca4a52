"""A run that leaves an endpoint on ends with what that costs a day, where it is known, and the command that ends it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from opskit.core.cost import CostItem, usd_per_day
from opskit.core.model import InstanceConfig, Price, Unknown, Workload
from opskit.training.render.train import endpoint_notes


def part(usd: str | None, count: int = 1, seconds: int | None = None) -> CostItem:
    price = Unknown("why not") if usd is None else Price(Decimal(usd), "AWS price list")
    return CostItem(Workload.ENDPOINT, InstanceConfig("ml.m4.xlarge", count, seconds), price)


@pytest.mark.parametrize(
    ("items", "usd"),
    [
        ([part("0.28")], "6.72"),
        ([part("0.28", 2), part("1", seconds=60)], "13.44"),  # what ends by itself has no price a day
        ([part("1", seconds=60)], None),
        ([part("0.28"), part(None)], None),
        ([], None),
    ],
)
def test_what_it_costs_a_day(items: list[CostItem], usd: str | None) -> None:
    assert usd_per_day(items) == (None if usd is None else Decimal(usd))


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (part("0.28"), "The endpoint e answers (opskit predict boston) and bills 6.72 USD a day, used or not, until"),
        (part(None), "The endpoint e answers (opskit predict boston) and bills until"),
        (None, "The endpoint e answers (opskit predict boston) and bills until"),
    ],
)
def test_the_last_lines_of_a_run(item: CostItem | None, text: str) -> None:
    assert endpoint_notes("e", "boston", item) == [text, "  opskit cleanup boston"]

"""What a request may cost, and what is said of one that costs too much."""

from __future__ import annotations

from decimal import Decimal

import pytest

from opskit.core.exceptions import UsageError
from opskit.core.model import Price, Unknown, Workload
from opskit.guards.rules.call_budget import CallPolicy, Prices, budget_reasons, call_cost, longest_runtime, parse_usd
from opskit.guards.rules.request_model import InstanceNeed

BOUND = "StoppingCondition.MaxRuntimeInSeconds"
PRICES: Prices = {
    ("ml.a", Workload.TRAINING): Price(Decimal("1"), "AWS price list"),
    ("ml.b", Workload.TRAINING): Price(Decimal("3"), "AWS price list"),
    ("ml.a", Workload.ENDPOINT): Price(Decimal("0.5"), "AWS price list"),
    ("ml.c", Workload.TRAINING): Unknown("the price of ml.c is not known"),
}
DAY = InstanceNeed("ml.a", Workload.TRAINING, 2, "ResourceConfig", 86400, bound=BOUND)
ENDPOINT = InstanceNeed("ml.a", Workload.ENDPOINT, 2, "ProductionVariants[0]")


def usd(text: str) -> Decimal:
    return Decimal(text)


def test_a_job_costs_its_longest_run_time() -> None:
    assert call_cost([DAY], PRICES).bounded_usd == 48


def test_of_alternatives_the_most_expensive_counts() -> None:
    needs = [
        InstanceNeed("ml.a", Workload.TRAINING, 2, "[0]", 3600, choice="list"),
        InstanceNeed("ml.b", Workload.TRAINING, 1, "[1]", 3600, choice="list"),
    ]
    assert call_cost(needs, PRICES).bounded_usd == 3


def test_all_of_groups_count() -> None:
    needs = [
        InstanceNeed("ml.a", Workload.TRAINING, 2, "[0]", 3600),
        InstanceNeed("ml.b", Workload.TRAINING, 1, "[1]", 3600),
    ]
    assert call_cost(needs, PRICES).bounded_usd == 5


def test_the_run_time_that_would_fit_is_named() -> None:
    (reason,) = budget_reasons([DAY], PRICES, CallPolicy(usd("10")))
    assert reason == f"it may cost 48 USD, more than 10; {BOUND} is 86400 (1d), and 18000 would fit"
    assert call_cost([DAY], PRICES).bounded_usd * 18000 / 86400 <= 10


def test_the_run_time_that_would_fit_leaves_room_for_all_else() -> None:
    needs = [DAY, InstanceNeed("ml.b", Workload.TRAINING, 1, "KeepAlive", 3600)]
    assert longest_runtime(needs, PRICES, usd("5"), Decimal(24)) == 3600


@pytest.mark.parametrize(
    ("policy", "reasons"),
    [
        (CallPolicy(), []),
        (CallPolicy(usd("24")), []),
        (CallPolicy(usd("20")), ["it may cost 24 USD in 24 hours (nothing ends it by itself), more than 20"]),
        (CallPolicy(usd("20"), hours=Decimal(8)), []),
        (CallPolicy(usd("1"), usd("1")), []),
        (CallPolicy(usd("1"), usd("0.9")), ["it costs 1 USD an hour, more than 0.9; nothing ends it by itself"]),
        (CallPolicy(None, usd("0.9")), ["it costs 1 USD an hour, more than 0.9"]),
    ],
)
def test_what_has_no_end(policy: CallPolicy, reasons: list[str]) -> None:
    assert list(budget_reasons([ENDPOINT], PRICES, policy)) == reasons


def test_a_bound_an_hour_alone_holds_for_jobs_too() -> None:
    assert budget_reasons([DAY], PRICES, CallPolicy(None, usd("1"))) == ("it costs 2 USD an hour, more than 1",)


def test_a_price_that_is_not_known_is_no_zero() -> None:
    cost = call_cost([InstanceNeed("ml.c", Workload.TRAINING, 1, "ResourceConfig", 60)], PRICES)
    assert cost.unpriced == ("the price of ml.c is not known",)


@pytest.mark.parametrize(("value", "amount"), [(5, "5"), ("2.50", "2.50"), (0.1, "0.1"), (None, None), (0, "0")])
def test_usd_amounts_are_parsed(value: object, amount: str | None) -> None:
    assert parse_usd(value, "max_usd") == (None if amount is None else Decimal(amount))


@pytest.mark.parametrize("value", ["five", -1, "nan", "inf", True, [], "1e999999999"])
def test_what_is_no_usd_amount_is_refused(value: object) -> None:
    with pytest.raises(UsageError, match="max_usd"):
        parse_usd(value, "max_usd")

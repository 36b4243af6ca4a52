"""Sums, groups, the month and its budget: pure functions over items."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from opskit.bills.flows import CurrentCosts
from opskit.bills.render.costs import costs_result
from opskit.bills.render.records import item_record
from opskit.bills.rules.component_shares import with_component_shares
from opskit.bills.rules.items import (
    BilledItem,
    BudgetState,
    Grouping,
    GroupKey,
    WillBePassed,
    assess_budget,
    billed_item,
    estimate_month,
    group_items,
    most_expensive_first,
    parse_grouping,
    sum_items,
)
from opskit.core.model import Price, Unknown
from opskit.core.workloads import PriceComponent, StoragePrice
from opskit.inventory.rules.prices import hourly_price, price_key
from opskit.inventory.rules.resource_owner import ResourceOwner
from opskit.inventory.rules.running_resource import (
    BilledConcurrency,
    BilledInstances,
    BilledKind,
    BilledPart,
    BilledVerdict,
    BilledVolume,
    ComponentReservation,
    RunningResource,
)
from opskit.output.terminal_table import fitting_columns, measure_columns

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
HOSTING = PriceComponent.HOSTING
PRICES: dict[tuple[str, str], Price | Unknown] = {
    ("Hosting", "ml.a"): Price(Decimal("2"), "list"),
    ("Hosting", "ml.b"): Unknown("not listed"),
    ("Notebk:VolumeUsage.gp2", ""): Price(Decimal("0.001"), "list"),
    ("provisioned-concurrency", "2048"): Price(Decimal("0.036"), "list"),
}


def resource(*parts: BilledPart, hours: float | None = 10, **more: Any) -> RunningResource:
    since = None if hours is None else NOW - timedelta(hours=hours)
    arn = "arn:aws:sagemaker:us-east-1:111122223333:endpoint/e"
    return RunningResource("us-east-1", BilledKind.ENDPOINT, "e", arn, "InService", since, parts, **more)


def item(usd: str | None, hours: float | None = 10, owner: str | None = None, **more: Any) -> BilledItem:
    price = Unknown("why not") if usd is None else Decimal(usd)
    return billed_item(resource(hours=hours, **more), price, NOW, owner=ResourceOwner(owner))


@pytest.mark.parametrize(
    ("parts", "usd"),
    [
        ((BilledInstances("ml.a", 3, HOSTING),), "6"),
        ((BilledInstances("ml.a", 0, HOSTING),), "0"),
        ((BilledInstances("ml.a", None, HOSTING),), None),
        ((BilledInstances("ml.b", 1, HOSTING),), None),
        ((BilledInstances("ml.b", 0, HOSTING),), "0"),  # none of them is billed, whatever they cost
        ((BilledInstances("ml.a", 1, HOSTING), BilledInstances("ml.b", 1, HOSTING)), None),
        ((BilledInstances("ml.a", 1, HOSTING), BilledVolume(500, StoragePrice.NOTEBOOK)), "2.5"),
        ((BilledConcurrency(2048, 2),), "0.072"),
        ((), None),
    ],
)
def test_a_price_is_that_of_all_parts_or_not_known(parts: tuple[BilledPart, ...], usd: str | None) -> None:
    price = hourly_price(resource(*parts), PRICES)
    assert (isinstance(price, Unknown), price) == (True, price) if usd is None else price == Decimal(usd)


def test_what_has_no_price_or_costs_nothing_says_so_whatever_it_runs_on() -> None:
    parts = (BilledInstances("ml.a", 1, HOSTING),)
    assert hourly_price(resource(*parts, unpriced="spot"), PRICES) == Unknown("spot", "no-price")
    assert hourly_price(resource(*parts, free="a plan paid it"), PRICES) == 0
    assert price_key(parts[0]) in PRICES


@pytest.mark.parametrize(
    ("usd", "hours", "more", "so_far"),
    [
        ("2", 10, {}, "20"),
        ("2", None, {}, None),
        (None, 10, {}, None),
        ("2", -1, {}, "0"),  # by AWS's clock it begins in a moment
        ("2", None, {"not_begun": True}, "0"),
        ("0", None, {}, "0"),
    ],
)
def test_what_it_has_cost_so_far(
    usd: str | None, hours: float | None, more: dict[str, Any], so_far: str | None
) -> None:
    found = item(usd, hours, **more).usd_so_far
    assert isinstance(found, Unknown) if so_far is None else found == Decimal(so_far)


def test_a_tag_that_keeps_it_protects_it() -> None:
    kept = billed_item(resource(), Decimal(1), NOW, kept_because="kept: thesis")
    assert (kept.verdict, kept.reason) == (BilledVerdict.PROTECTED, "kept: thesis")


def test_sums_leave_out_what_has_no_price_and_say_how_many() -> None:
    sums = sum_items([item("1"), item(None), item("0.5", None)])
    assert (sums.items, sums.unpriced, sums.undated) == (3, 1, 1)
    assert (sums.usd_per_hour, sums.usd_so_far) == (Decimal("1.5"), Decimal(10))
    assert sums.usd_per_30_days == Decimal(1080)


@pytest.mark.parametrize(
    ("hours", "is_least"),
    [(10, False), (None, True)],
)
def test_a_sum_that_leaves_out_what_has_no_begin_says_so(hours: float | None, is_least: bool) -> None:
    costs = CurrentCosts((item("1"), item("0.5", hours)), ("us-east-1",), None)
    result = costs_result(costs, NOW, Grouping(GroupKey.KIND), None)
    [group] = result.data["groups"]
    for sums in (result.data["totals"], group):
        assert (sums["undated"], sums["so_far_at_least"], sums["at_least"]) == (int(is_least), is_least, False)
    assert result.data["month"]["at_least"] is is_least
    assert (result.data["month"]["forecast_usd"] is None) is is_least
    assert ("at least" in " ".join(cell.text for cell in result.tables[0].rows[0])) is is_least
    notes = " ".join(result.notes)
    assert ("has cost at least 10.0000 USD" in notes) is is_least
    assert ("does not say since when 1 bill" in notes) is is_least


def test_a_share_that_is_not_known_says_why() -> None:
    def component(name: str, reserves: ComponentReservation | Unknown) -> BilledItem:
        running = replace(resource(), kind=BilledKind.OTHER, name=name, part_of="e", reserves=reserves)
        return billed_item(running, Decimal(0), NOW)

    def shares(usd: str | None, *parts: BilledItem) -> list[Decimal | Unknown | None]:
        return [each.share_usd_per_hour for each in with_component_shares([item(usd), *parts])]

    half, untold = ComponentReservation(1, 1), Unknown("AWS does not say what it reserves")
    assert shares("2", component("a", half), component("b", half)) == [None, 1, 1]
    assert shares("2", component("a", half), component("b", untold)) == [None, untold, untold]
    assert shares(None, component("a", half)) == [None, Unknown("why not")]
    [_, odd] = with_component_shares([item("2"), component("a", ComponentReservation(0, 0))])
    record = item_record(odd)
    assert record["share_usd_per_hour"] is None
    assert "reserves anything" in record["share_unknown_because"]
    rows = costs_result(CurrentCosts((odd,), ("us-east-1",), None), NOW, None, None).tables[0].rows
    assert "its share is not known: none of the endpoint's components reserves anything" in rows[0][4].text


def test_a_number_of_instances_that_is_not_told_is_not_one() -> None:
    found = resource(BilledInstances("ml.a", None, HOSTING))
    untold = billed_item(found, hourly_price(found, PRICES), NOW)
    assert item_record(untold)["count"] is None
    row = costs_result(CurrentCosts((untold,), ("us-east-1",), None), NOW, None, None).tables[0].rows[0]
    assert "? x ml.a" in [cell.text for cell in row]


def test_what_has_no_price_comes_first_then_the_dearest() -> None:
    assert [each.known_usd_per_hour for each in most_expensive_first([item("1"), item(None), item("3")])] == [
        None,
        3,
        1,
    ]


@pytest.mark.parametrize(
    ("text", "grouping"),
    [
        ("owner", Grouping(GroupKey.OWNER)),
        ("account", Grouping(GroupKey.ACCOUNT)),
        ("tag:team", Grouping(None, "team")),
        ("tag:a:b", Grouping(None, "a:b")),
        ("tag", None),
        ("tag:", None),
        ("owner:x", None),
        ("", None),
    ],
)
def test_what_items_can_be_grouped_by(text: str, grouping: Grouping | None) -> None:
    assert parse_grouping(text) == grouping


def test_groups_are_sums_the_dearest_first() -> None:
    items = [
        item("1", owner="ada"),
        item("5", tags={"team": "vision"}),
        item("2", owner="ada"),
        item(None, tags=Unknown("no")),
    ]
    by_owner = group_items(items, Grouping(GroupKey.OWNER))
    assert [(name, sums.items, sums.usd_per_hour) for name, sums in by_owner.items()] == [
        ("(no owner known)", 2, Decimal(5)),
        ("ada", 2, Decimal(3)),
    ]
    by_tag = group_items(items, Grouping(None, "team"))
    assert set(by_tag) == {"vision", "(tags could not be read)"}
    assert list(group_items(items, Grouping(GroupKey.ACCOUNT))) == ["111122223333"]


def test_the_month_counts_from_its_begin_and_to_its_end() -> None:
    old, young = item("1", 24 * 100), item("2", 10)
    month = estimate_month([old, young, item(None)], NOW)
    assert month.since_begin == 25 * 24 + 12 + 20
    assert month.ends == datetime(2026, 12, 1, tzinfo=UTC)
    assert month.at_end == month.since_begin + 3 * (4 * 24 + 12)


@pytest.mark.parametrize(
    ("budget", "unpriced", "is_whole", "state", "passed_after"),
    [
        (5, False, True, BudgetState.PASSED, None),
        (30, False, True, None, 10),
        (30, True, False, None, 10),
        (1000, False, True, BudgetState.KEPT, None),
        (1000, True, True, BudgetState.UNKNOWN, None),
        (1000, False, False, BudgetState.UNKNOWN, None),
    ],
)
def test_a_budget_is_kept_only_if_all_is_known(
    budget: int, unpriced: bool, is_whole: bool, state: BudgetState | None, passed_after: float | None
) -> None:
    items = [item("2", 5), *([item(None)] if unpriced else [])]
    found = assess_budget(Decimal(budget), estimate_month(items, NOW), sum_items(items), NOW, is_whole=is_whole)
    assert found == (state if passed_after is None else WillBePassed(NOW + timedelta(hours=passed_after)))


@pytest.mark.parametrize(
    ("budget", "state"),
    # 612 hours at 1 USD since the month's begin at most, and 108 to come
    [(719, BudgetState.UNKNOWN), (720, BudgetState.KEPT)],
)
def test_what_may_have_run_all_the_month_is_not_taken_for_new(budget: int, state: BudgetState) -> None:
    items = [item("1", None)]
    assert assess_budget(Decimal(budget), estimate_month(items, NOW), sum_items(items), NOW, is_whole=True) is state
    data = costs_result(CurrentCosts((*items,), ("us-east-1",), None), NOW, None, Decimal(budget)).data
    assert data["budget"] == {"usd": Decimal(budget), "verdict": state.value, "passed_at": None}


@pytest.mark.parametrize("width", [60, 70, 80, 90, 100, 120])
def test_a_narrow_terminal_leaves_out_neither_verdict_nor_reason_nor_owner(width: int) -> None:
    kept = item("2", owner="ada", reason="idleness was not checked")
    (table,) = costs_result(CurrentCosts((kept,), ("us-east-1",), None), NOW, None, None).tables
    shown = fitting_columns(table.columns, measure_columns(table)[0], width)
    assert shown is not None
    assert {"Kind", "Name", "Verdict", "Why", "Owner"} <= {table.columns[index].header for index in shown}

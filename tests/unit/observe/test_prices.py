"""Prices: AWS's list, the dearest where it has several; a dated table for one Region; else nobody knows."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from opskit.model import Price, Unread
from opskit.observe.prices import Component, read_price
from tests.unit.stubbed import scripted


def product(usd: str, **attributes: str) -> str:
    dimension = {"unit": "Hrs", "pricePerUnit": {"USD": usd}}
    terms = {"OnDemand": {"S.T": {"priceDimensions": {"S.T.D": dimension}}}}
    return json.dumps({"product": {"attributes": attributes}, "terms": terms})


def priced(products: list[str], instance_type: str, component: Component, region: str = "us-east-1") -> Price | Unread:
    with scripted() as (door, script):
        expected: dict[str, Any] = {
            "ServiceCode": "AmazonSageMaker",
            "Filters": [
                {"Type": "TERM_MATCH", "Field": "instanceName", "Value": instance_type},
                {"Type": "TERM_MATCH", "Field": "regionCode", "Value": region},
            ],
        }
        script.answers("pricing", "get_products", {"PriceList": products[:1], "NextToken": "t"}, expected)
        script.answers("pricing", "get_products", {"PriceList": products[1:]}, {**expected, "NextToken": "t"})
        return read_price(door.connection.door(region), instance_type, component)


@pytest.mark.parametrize(
    ("component", "usd"),
    [(Component.TRAINING, "0.3"), (Component.TRANSFORM, "0.29"), (Component.HOSTING, "0.28")],
)
def test_the_component_is_told_in_one_of_two_ways_and_the_dearest_counts(component: Component, usd: str) -> None:
    products = [
        product("0.2800000000", component="Hosting"),
        product("0.1000000000", component="Training"),
        product("0.3000000000", component="Training"),
        product("0.0000000000", component="Training"),
        product("0.2900000000", platoinstancetype="BatchTransform"),
        product("9.0", component="Notebook"),
    ]
    assert priced(products, "ml.m4.xlarge", component) == Price(Decimal(usd), "AWS price list")


def test_the_table_is_dated_and_says_so() -> None:
    price = priced([], "ml.m4.xlarge", Component.TRAINING)
    assert isinstance(price, Price)
    assert price.usd_per_hour == Decimal("0.28")
    assert "2020-10" in price.source
    assert "confidence low" in price.source


def test_the_table_is_good_for_one_region_alone() -> None:
    price = priced([], "ml.m4.xlarge", Component.TRAINING, "eu-west-1")
    assert isinstance(price, Unread)
    assert "eu-west-1" in price.because


def test_what_may_not_be_read_is_named() -> None:
    with scripted() as (door, script):
        script.refuses("pricing", "get_products", "AccessDeniedException", "not you")
        price = read_price(door, "ml.c5.9xlarge", Component.TRAINING)
    assert isinstance(price, Unread)
    assert "not you" in price.because


def test_a_price_the_table_has_not_is_nobodys() -> None:
    assert isinstance(priced([], "ml.t3.medium", Component.TRAINING), Unread)


def test_what_is_no_price_list_is_no_price() -> None:
    assert isinstance(priced(["<html>", "[]"], "ml.c5.9xlarge", Component.PROCESSING), Unread)
    with scripted() as (door, script):
        script.answers("pricing", "get_products", {})
        assert isinstance(read_price(door, "ml.c5.9xlarge", Component.TRAINING), Unread)

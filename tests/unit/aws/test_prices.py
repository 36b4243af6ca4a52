"""Prices: AWS's list, the dearest where it has several; a dated table for one Region; else nobody knows."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from opskit.aws.prices import read_price
from opskit.core.model import Price, Unknown
from opskit.core.workloads import PriceComponent
from tests.fakes.stubbed_client import stubbed_client


def product_text(usd: str, **attributes: str) -> str:
    dimension = {"unit": "Hrs", "pricePerUnit": {"USD": usd}}
    terms = {"OnDemand": {"S.T": {"priceDimensions": {"S.T.D": dimension}}}}
    return json.dumps({"product": {"attributes": attributes}, "terms": terms})


def stubbed_price(
    products: list[str], instance_type: str, component: PriceComponent, region: str = "us-east-1"
) -> Price | Unknown:
    with stubbed_client() as (client, script):
        expected: dict[str, Any] = {
            "ServiceCode": "AmazonSageMaker",
            "Filters": [
                {"Type": "TERM_MATCH", "Field": "instanceName", "Value": instance_type},
                {"Type": "TERM_MATCH", "Field": "regionCode", "Value": region},
            ],
        }
        script.add_answer("pricing", "get_products", {"PriceList": products[:1], "NextToken": "t"}, expected)
        script.add_answer("pricing", "get_products", {"PriceList": products[1:]}, {**expected, "NextToken": "t"})
        return read_price(client.session.client(region), instance_type, component)


@pytest.mark.parametrize(
    ("component", "usd"),
    [(PriceComponent.TRAINING, "0.3"), (PriceComponent.TRANSFORM, "0.29"), (PriceComponent.HOSTING, "0.28")],
)
def test_the_component_is_told_in_one_of_two_ways_and_the_dearest_counts(component: PriceComponent, usd: str) -> None:
    products = [
        product_text("0.2800000000", component="Hosting"),
        product_text("0.1000000000", component="Training"),
        product_text("0.3000000000", component="Training"),
        product_text("0.0000000000", component="Training"),
        product_text("0.2900000000", platoinstancetype="BatchTransform"),
        product_text("9.0", component="Notebook"),
    ]
    assert stubbed_price(products, "ml.m4.xlarge", component) == Price(Decimal(usd), "AWS price list")


def test_the_table_is_dated_and_says_so() -> None:
    price = stubbed_price([], "ml.m4.xlarge", PriceComponent.TRAINING)
    assert isinstance(price, Price)
    assert price.usd_per_hour == Decimal("0.28")
    assert "2020-10" in price.source
    assert "confidence low" in price.source


def test_the_table_is_good_for_one_region_alone() -> None:
    price = stubbed_price([], "ml.m4.xlarge", PriceComponent.TRAINING, "eu-west-1")
    assert isinstance(price, Unknown)
    assert "eu-west-1" in price.reason


def test_what_may_not_be_read_is_named() -> None:
    with stubbed_client() as (client, script):
        script.add_refusal("pricing", "get_products", "AccessDeniedException", "not you")
        price = read_price(client, "ml.c5.9xlarge", PriceComponent.TRAINING)
    assert isinstance(price, Unknown)
    assert "not you" in price.reason


def test_a_price_the_table_has_not_is_nobodys() -> None:
    assert isinstance(stubbed_price([], "ml.t3.medium", PriceComponent.TRAINING), Unknown)


def test_what_is_no_price_list_is_no_price() -> None:
    assert isinstance(stubbed_price(["<html>", "[]"], "ml.c5.9xlarge", PriceComponent.PROCESSING), Unknown)
    with stubbed_client() as (client, script):
        script.add_answer("pricing", "get_products", {})
        assert isinstance(read_price(client, "ml.c5.9xlarge", PriceComponent.TRAINING), Unknown)

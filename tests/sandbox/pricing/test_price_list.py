"""The Price List API in the sandbox."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError

from opskit.sandbox.quotas.quota_catalogue import read_table_rows

CODE = "AmazonSageMaker"


def listed_products(account: Any, **fields: str) -> list[dict[str, Any]]:
    filters = [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in fields.items()]
    pages = account.client("pricing").get_paginator("get_products").paginate(ServiceCode=CODE, Filters=filters)
    return [json.loads(text) for page in pages for text in page["PriceList"]]


def usd_per_hour(product: dict[str, Any]) -> Decimal:
    (term,) = product["terms"]["OnDemand"].values()
    (dimension,) = term["priceDimensions"].values()
    assert dimension["unit"] == "Hrs"
    return Decimal(dimension["pricePerUnit"]["USD"])


def test_every_known_price_is_a_product(fresh_account: Any) -> None:
    known = {
        (row["instance_type"], row["component"]): Decimal(row["usd_per_hour"])
        for row in read_table_rows("opskit.sandbox.pricing", "prices_us_east_1.csv")
        if row["usd_per_hour"] and row["component"] != "any"
    }
    found = {
        (product["product"]["attributes"]["instanceName"], product["product"]["attributes"]["component"]): product
        for product in listed_products(fresh_account, productFamily="ML Instance")
    }
    assert {key: usd_per_hour(product) for key, product in found.items() if key in known} == known
    assert len({product["product"]["sku"] for product in found.values()}) == len(found)


@pytest.mark.parametrize("field", ["component", "platoinstancetype"])
def test_one_price_is_found_by_either_attribute(field: str, fresh_account: Any) -> None:
    (product,) = listed_products(
        fresh_account, instanceName="ml.m4.xlarge", regionCode="us-east-1", **{field: "Training"}
    )
    assert usd_per_hour(product) == Decimal("0.28")


@pytest.mark.parametrize("fields", [{"instanceName": "ml.m5.large"}, {"regionCode": "eu-west-1"}, {"nonsense": "x"}])
def test_what_is_not_known_has_no_product(fields: dict[str, str], fresh_account: Any) -> None:
    assert listed_products(fresh_account, **fields) == []


def test_a_type_whose_price_is_empty_is_no_product(fresh_account: Any) -> None:
    assert listed_products(fresh_account, instanceName="ml.t3.medium", component="Training") == []


def test_other_filters_and_pages(fresh_account: Any) -> None:
    client = fresh_account.client("pricing")
    rule = {"Type": "CONTAINS", "Field": "instanceName", "Value": "p3"}
    page = client.get_products(ServiceCode=CODE, Filters=[rule], MaxResults=1)
    assert (len(page["PriceList"]), "NextToken" in page) == (1, True)
    with pytest.raises(ClientError) as error:
        client.get_products(ServiceCode=CODE, NextToken="nonsense")
    assert error.value.response["Error"]["Code"] == "InvalidNextTokenException"


def test_services_and_attribute_values(fresh_account: Any) -> None:
    client = fresh_account.client("pricing")
    (service,) = client.describe_services(ServiceCode=CODE)["Services"]
    assert {"instanceName", "component", "platoinstancetype"} <= set(service["AttributeNames"])
    values = client.get_attribute_values(ServiceCode=CODE, AttributeName="component")["AttributeValues"]
    assert {"Value": "Batch Transform"} in values
    with pytest.raises(ClientError) as error:
        client.describe_services(ServiceCode="AmazonEC2")
    assert error.value.response["Error"]["Code"] == "NotFoundException"


def test_prices_are_asked_where_the_api_is(fresh_account: Any) -> None:
    with pytest.raises(ClientError) as error:
        fresh_account.client("pricing", "us-west-2").get_products(ServiceCode=CODE)
    assert error.value.response["Error"]["Code"] == "InvalidSignatureException"

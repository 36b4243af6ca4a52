"""The Price List API for SageMaker: the few prices that are known, in the shape AWS answers them in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from typing import Any

from opskit.sandbox.dispatcher import aws_operation
from opskit.sandbox.errors import ApiError
from opskit.sandbox.pagination import cut_page
from opskit.sandbox.quotas.quota_catalogue import read_table_rows
from opskit.sandbox.signature import check_signed_region
from opskit.sandbox.state import ApiCall

_PRICING = "pricing"
# What AWS gives where MaxResults is absent.
_PAGE_SIZE = 100
_SERVICE_CODE = "AmazonSageMaker"
# The only Regions where the Price List API has an endpoint.
_REGIONS = ("us-east-1", "eu-central-1", "ap-south-1")
_PUBLISHED = "2026-09-01T00:00:00Z"
# How SageMaker's usage types shorten a component, as in USE1-Notebk:ml.t2.medium.
_USAGE_TYPE_PREFIXES = {
    "Training": "Train",
    "Hosting": "Host",
    "Notebook": "Notebk",
    "Processing": "Processing",
    "Batch Transform": "Tsform",
}
# AWS's own codes for an on-demand offer and for its hourly rate, the same in every product.
_RATE = "JRTCKXETXF"
_PER_HOUR = "6YS6EN2CT7"

Product = dict[str, Any]


class PricingService:
    """Answers for one service, ``AmazonSageMaker``, in one Region, us-east-1."""

    @aws_operation(_PRICING, "DescribeServices")
    def describe_services(self, call: ApiCall) -> dict[str, Any]:
        _check_service_code(call, call.params.get("ServiceCode", _SERVICE_CODE))
        names = sorted({name for product in priced_products() for name in product["product"]["attributes"]})
        services = [{"ServiceCode": _SERVICE_CODE, "AttributeNames": [*names, "productFamily", "termType"]}]
        return {"FormatVersion": "aws_v1"} | _price_page(call, "Services", services)

    @aws_operation(_PRICING, "GetAttributeValues")
    def get_attribute_values(self, call: ApiCall) -> dict[str, Any]:
        _check_service_code(call, call.params["ServiceCode"])
        values = {_field_value(product, call.params["AttributeName"]) for product in priced_products()} - {None}
        if not values:
            raise ApiError("NotFoundException", f"The attribute {call.params['AttributeName']} does not exist.")
        return _price_page(call, "AttributeValues", [{"Value": value} for value in sorted(filter(None, values))])

    @aws_operation(_PRICING, "GetProducts")
    def get_products(self, call: ApiCall) -> dict[str, Any]:
        _check_service_code(call, call.params["ServiceCode"])
        filters = call.params.get("Filters", [])
        matching = [
            json.dumps(product)
            for product in priced_products()
            if all(_matches_price_filter(product, rule) for rule in filters)
        ]
        return {"FormatVersion": "aws_v1"} | _price_page(call, "PriceList", matching)


def _check_service_code(call: ApiCall, service: str) -> None:
    check_signed_region(call, _REGIONS)
    if service != _SERVICE_CODE:
        raise ApiError("NotFoundException", f"The service {service} was not found.")


@cache
def priced_products() -> tuple[Product, ...]:
    """Every product with a price; types whose price nobody knows are no products here. Beside the instances there are
    volumes, serverless concurrency, other names for instances, and products that cost nothing, as in AWS's list.
    """
    priced = [
        row
        for row in read_table_rows(__package__, "prices_us_east_1.csv")
        if row["usd_per_hour"] and row["component"] in _USAGE_TYPE_PREFIXES
    ]
    instances = [_instance_row(row["instance_type"], row["component"], row["usd_per_hour"]) for row in priced]
    return tuple(map(_build_product, [*instances, *read_table_rows(__package__, "usage_prices_us_east_1.csv")]))


def _instance_row(instance_type: str, component: str, usd_per_hour: str) -> Mapping[str, str]:
    return {
        "family": "ML Instance",
        "component": component,
        "instance_type": instance_type,
        "usage_type": f"{_USAGE_TYPE_PREFIXES[component]}:{instance_type}",
        "operation": "RunInstance",
        "unit": "Hrs",
        "usd_per_unit": f"{float(usd_per_hour):.10f}",
    }


def _build_product(row: Mapping[str, str]) -> Product:
    usage = f"USE1-{row['usage_type']}"
    sku = sha256(usage.encode()).hexdigest()[:16].upper()
    return {
        "product": {
            "productFamily": row["family"],
            "attributes": _product_attributes(row, usage),
            "sku": sku,
        },
        "serviceCode": _SERVICE_CODE,
        "terms": {"OnDemand": {f"{sku}.{_RATE}": _on_demand_term(sku, row)}},
        "version": "20260901000000",
        "publicationDate": _PUBLISHED,
    }


def _product_attributes(row: Mapping[str, str], usage: str) -> dict[str, str]:
    instance_type, component = row["instance_type"], row["component"]
    named = {
        "instanceName": instance_type,
        "instanceType": f"{instance_type}-{component.replace(' ', '')}",
        "platoinstancename": instance_type,
    }
    return (named if instance_type else {}) | {
        "servicecode": _SERVICE_CODE,
        "servicename": "Amazon SageMaker",
        "location": "US East (N. Virginia)",
        "locationType": "AWS Region",
        "regionCode": "us-east-1",
        "component": component,
        "platoinstancetype": component,
        "usagetype": usage,
        "operation": row["operation"],
    }


def _on_demand_term(sku: str, row: Mapping[str, str]) -> dict[str, Any]:
    rate = f"{sku}.{_RATE}.{_PER_HOUR}"
    dimension = {
        "unit": row["unit"],
        "endRange": "Inf",
        "description": f"${row['usd_per_unit']} per {row['unit']} of {row['usage_type']} in US East (N. Virginia)",
        "appliesTo": [],
        "rateCode": rate,
        "beginRange": "0",
        "pricePerUnit": {"USD": row["usd_per_unit"]},
    }
    return {
        "priceDimensions": {rate: dimension},
        "sku": sku,
        "effectiveDate": _PUBLISHED,
        "offerTermCode": _RATE,
        "termAttributes": {},
    }


def _field_value(product: Product, name: str) -> str | None:
    """A product's value for a filter's field; names are matched as AWS does, whatever their case."""
    fields = {key.lower(): value for key, value in product["product"]["attributes"].items()}
    fields |= {"productfamily": product["product"]["productFamily"], "termtype": "OnDemand"}
    fields |= {"sku": product["product"]["sku"]}
    return fields.get(name.lower())


def _matches_price_filter(product: Product, price_filter: dict[str, str]) -> bool:
    value = (_field_value(product, price_filter["Field"]) or "").lower()
    filter_value = price_filter["Value"].lower()
    filter_values = [item.strip() for item in filter_value.split(",")]
    match price_filter["Type"]:
        case "CONTAINS":
            return filter_value in value
        case "ANY_OF":
            return value in filter_values
        case "NONE_OF":
            return value not in filter_values
        # EQUALS, and TERM_MATCH, which is its older name.
        case _:
            return value == filter_value


def _price_page(call: ApiCall, name: str, items: Sequence[Any]) -> dict[str, Any]:
    error = ApiError("InvalidNextTokenException", "The pagination token is invalid.")
    page, token = cut_page(call, items, _PAGE_SIZE, error)
    return {name: page, "NextToken": token}

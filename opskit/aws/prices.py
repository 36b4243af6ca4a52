"""Prices from AWS's Price List API: of instances (where it has none, from a bundled, dated table for us-east-1), of
volumes, and of provisioned serverless concurrency.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib.resources import files
from typing import Any

from opskit.aws.client import AwsClient
from opskit.aws.partitions import partition_of
from opskit.core.exceptions import AwsError
from opskit.core.model import Price, Unknown, Workload
from opskit.core.result_or_error import unknown_from_error
from opskit.core.run_problems import send_notice
from opskit.core.workloads import WORKLOADS, PriceComponent, StoragePrice

_SERVICE_CODE = "AmazonSageMaker"
_CURRENCY = "USD"
_BUNDLED_REGION = "us-east-1"
LISTED_SOURCE = "AWS price list"
"""The source of a price that AWS listed when it was asked."""
# The attributes that may hold an instance type, the commonest first.
_TYPE_FIELDS = ("instanceName", "instanceType", "platoinstancename")
HOURS_PER_MONTH = 730
"""By which AWS turns a price for a month into one for an hour."""


def read_workload_price(client: AwsClient, instance_type: str, workload: Workload) -> Price | Unknown:
    """The on-demand price of one instance for a workload, in USD per hour; ``Unknown`` says why there is none."""
    component = WORKLOADS[workload].price
    if component is None:
        return Unknown(f"AWS lists no price of its own for {workload}", "no-price")
    return read_price(client, instance_type, component)


def bundled_workload_price(region: str, instance_type: str, workload: Workload, why: str) -> Price | Unknown:
    """The price of the bundled table, without asking AWS; ``why`` continues "is not known"."""
    component = WORKLOADS[workload].price
    if component is None:
        return Unknown(f"AWS lists no price of its own for {workload}", "no-price")
    return _bundled_price(region, instance_type, component, Unknown(why))


def read_price(client: AwsClient, instance_type: str, component: PriceComponent) -> Price | Unknown:
    """The on-demand price of one instance, in USD per hour; ``Unknown`` says why there is none."""
    if unlisted := _unlisted_region(client.region, instance_type):
        return unlisted
    try:
        usd = _read_price_list(client, instance_type, component)
    except AwsError as failure:
        price = _bundled_price(client.region, instance_type, component, unknown_from_error(failure))
        if isinstance(price, Price):  # an Unknown says why by itself
            reason = failure.problem.message.rstrip(".")
            send_notice(f"AWS's price list could not be read, so older prices are shown ({reason}).")
        return price
    if usd is not None:
        return Price(usd, LISTED_SOURCE)
    absent = Unknown("AWS's price list does not have it", "no-price")
    return _bundled_price(client.region, instance_type, component, absent)


def read_listed_price(client: AwsClient, instance_type: str, component: PriceComponent) -> Price | Unknown:
    """The on-demand price of one instance as AWS lists it today, in USD per hour, never one of the bundled table: for
    what runs, where a price of another year would pass for what is billed.
    """
    if unlisted := _unlisted_region(client.region, instance_type):
        return unlisted
    try:
        usd = _read_by_any_name(client, instance_type, component)
    except AwsError as failure:
        return _price_unknown(f"{instance_type} for {component.value} in {client.region}", unknown_from_error(failure))
    return _listed_or_unknown(usd, f"{instance_type} for {component.value}", client.region)


def _read_by_any_name(client: AwsClient, instance_type: str, component: PriceComponent) -> Decimal | None:
    """The price in the list, by whichever attribute holds the type: not all products have the same ones, Studio's among
    them.
    """
    for field in _TYPE_FIELDS:
        if (usd := _read_price_list(client, instance_type, component, field)) is not None:
            return usd
    return None


def read_storage_price(client: AwsClient, storage: StoragePrice) -> Price | Unknown:
    """The price of one GB of a volume, in USD per hour; AWS lists it per month."""
    price = _read_usage_price(client, "Storage", storage.value, "gb-mo", f"{storage.value} storage")
    if isinstance(price, Unknown):
        return price
    return Price(price.usd_per_hour / HOURS_PER_MONTH, price.source)


def read_concurrency_price(client: AwsClient, memory_mb: int) -> Price | Unknown:
    """The price of one unit of provisioned concurrency of a serverless endpoint, in USD per hour; AWS lists it per
    second. Invocations come on top.
    """
    memory = f"{memory_mb // 1024}GB"
    what = f"provisioned concurrency of {memory}"
    price = _read_usage_price(client, "ML Serverless", f"ProvisionedConcurrency:Mem-{memory}", "second", what)
    return price if isinstance(price, Unknown) else Price(price.usd_per_hour * 3600, price.source)


def _read_usage_price(client: AwsClient, family: str, usage_type: str, unit: str, what: str) -> Price | Unknown:
    """The highest price for one ``unit`` of a usage type, as AWS lists it."""
    if unlisted := _unlisted_region(client.region, what):
        return unlisted
    try:
        products = list(_iterate_products(client, productFamily=family, regionCode=client.region))
    except AwsError as failure:
        return _price_unknown(f"{what} in {client.region}", unknown_from_error(failure))
    prices = [
        usd for product in products if _has_usage_type(product, usage_type) for usd in _on_demand_prices(product, unit)
    ]
    return _listed_or_unknown(max((usd for usd in prices if usd > 0), default=None), what, client.region)


def _has_usage_type(product: Mapping[str, Any], usage_type: str) -> bool:
    """Whether a product has this usage type, before which AWS writes the Region (USE1-) in most Regions."""
    listed = str(product.get("product", {}).get("attributes", {}).get("usagetype", ""))
    return listed == usage_type or listed.endswith(f"-{usage_type}")


def _listed_or_unknown(usd: Decimal | None, what: str, region: str) -> Price | Unknown:
    if usd is None:
        return Unknown(f"AWS's price list has no price of {what} in {region}", "no-price")
    return Price(usd, LISTED_SOURCE)


def _price_unknown(what: str, why: Unknown) -> Unknown:
    return replace(why, reason=f"the price of {what} is not known ({why.reason.rstrip('.')})")


def _unlisted_region(region: str, what: str) -> Unknown | None:
    """Why AWS has no price in USD there; None: it has."""
    partition = partition_of(region)
    # An estimate in another currency would pass for one in USD, and no budget could be held against it.
    if partition.currency == _CURRENCY:
        return None
    why = f"AWS lists prices there in {partition.currency}" if partition.currency else "AWS has no price list there"
    return _price_unknown(f"{what} in {region}", Unknown(why, "no-price-list"))


def _read_price_list(
    client: AwsClient, instance_type: str, component: PriceComponent, field: str = "instanceName"
) -> Decimal | None:
    """The highest of the prices that AWS lists for this, so that no estimate is too low; None if it lists none."""
    products = _iterate_products(client, **{field: instance_type, "regionCode": client.region})
    prices = [
        usd for product in products if _matches_component(product, component) for usd in _on_demand_prices(product)
    ]
    # A price of 0 would make an estimate 0 and let any budget pass.
    return max((usd for usd in prices if usd > 0), default=None)


def _iterate_products(client: AwsClient, **wanted: str) -> Iterator[Mapping[str, Any]]:
    filters = [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in wanted.items()]
    for page in client.paginate("pricing", "get_products", ServiceCode=_SERVICE_CODE, Filters=filters):
        for text in page["PriceList"]:  # AWS embeds each product in its JSON as a JSON string
            try:
                product = json.loads(str(text))
            except ValueError:
                continue
            if isinstance(product, dict):
                yield product


def _matches_component(product: Mapping[str, Any], component: PriceComponent) -> bool:
    """Whether a product is this component."""
    attributes = product.get("product", {}).get("attributes", {})
    # Older products name it in ``platoinstancetype``.
    words = (component, attributes.get("component"), attributes.get("platoinstancetype"))
    wanted, *listed = ("".join(str(word or "").lower().replace("-", " ").split()) for word in words)
    return wanted in listed


def _on_demand_prices(product: Mapping[str, Any], unit: str | None = None) -> Iterator[Decimal]:
    """The prices of a product; with ``unit`` those for a unit that begins with this word."""
    for term in product.get("terms", {}).get("OnDemand", {}).values():
        for dimension in term.get("priceDimensions", {}).values():
            if unit and not str(dimension.get("unit", "")).lower().startswith(unit):
                continue
            try:
                yield _without_trailing_zeros(dimension["pricePerUnit"][_CURRENCY])
            except (KeyError, InvalidOperation):
                continue


def _without_trailing_zeros(number: object) -> Decimal:
    """An amount without the trailing zeros of AWS's price list (0.2800000000)."""
    return Decimal(f"{Decimal(str(number)).normalize():f}")


def _bundled_price(region: str, instance_type: str, component: PriceComponent, why: Unknown) -> Price | Unknown:
    if region != _BUNDLED_REGION:
        return _price_unknown(f"{instance_type} in {region}", why)
    rows = {
        row["component"]: row
        for row in _bundled_prices()
        if row["instance_type"] == instance_type and row["usd_per_hour"]
    }
    row = rows.get(component.value) or rows.get("any")
    if row is None:
        return _price_unknown(f"{instance_type} for {component.value}", why)
    source = f"opskit's table, as of {row['as_of']}, confidence {row['confidence']}"
    return Price(_without_trailing_zeros(row["usd_per_hour"]), source)


@cache
def _bundled_prices() -> tuple[dict[str, str], ...]:
    text = (files("opskit.aws") / "data" / "prices_us_east_1.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))

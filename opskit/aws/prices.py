"""The price of an instance, in USD per hour, from AWS's Price List API, or else from a bundled, dated table for
us-east-1.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib.resources import files
from typing import Any

from opskit.aws.client import AwsClient
from opskit.aws.partitions import partition_of
from opskit.core.exceptions import AwsError
from opskit.core.model import Price, Unknown, Workload
from opskit.core.workloads import WORKLOADS, PriceComponent

_SERVICE_CODE = "AmazonSageMaker"
_CURRENCY = "USD"
_BUNDLED_REGION = "us-east-1"


def read_workload_price(client: AwsClient, instance_type: str, workload: Workload) -> Price | Unknown:
    """The on-demand price of one instance for a workload, in USD per hour; ``Unknown`` says why there is none."""
    component = WORKLOADS[workload].price
    if component is None:
        return Unknown(f"AWS lists no price of its own for {workload}", "no-price")
    return read_price(client, instance_type, component)


def read_price(client: AwsClient, instance_type: str, component: PriceComponent) -> Price | Unknown:
    """The on-demand price of one instance, in USD per hour; ``Unknown`` says why there is none."""
    partition = partition_of(client.region)
    # An estimate in another currency would pass for one in USD, and no budget could be held against it.
    if partition.currency != _CURRENCY:
        why = f"AWS lists prices there in {partition.currency}" if partition.currency else "AWS has no price list there"
        return Unknown(f"the price of {instance_type} in {client.region} is not known ({why})", "no-price-list")
    try:
        usd = _read_price_list(client, instance_type, component)
    except AwsError as failure:
        return _bundled_price(client.region, instance_type, component, failure.problem.message.rstrip("."))
    if usd is not None:
        return Price(usd, "AWS price list")
    return _bundled_price(client.region, instance_type, component, "AWS's price list does not have it")


def _read_price_list(client: AwsClient, instance_type: str, component: PriceComponent) -> Decimal | None:
    """The highest of the prices that AWS lists for this, so that no estimate is too low; None if it lists none."""
    products = _iterate_products(client, instanceName=instance_type, regionCode=client.region)
    prices = [
        usd for product in products if _matches_component(product, component) for usd in _on_demand_prices(product)
    ]
    # A price of 0 would make an estimate 0 and let any budget pass.
    return max((usd for usd in prices if usd > 0), default=None)


def _iterate_products(client: AwsClient, **wanted: str) -> Iterator[Mapping[str, Any]]:
    filters = [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in wanted.items()]
    for page in client.paginate("pricing", "get_products", ServiceCode=_SERVICE_CODE, Filters=filters):
        yield from (product for text in page["PriceList"] if (product := _parse_product(text)))


def _parse_product(text: object) -> Mapping[str, Any] | None:
    """A product, which AWS embeds in its JSON as a JSON string; None if it is not an object."""
    try:
        product = json.loads(str(text))
    except ValueError:
        return None
    return product if isinstance(product, dict) else None


def _matches_component(product: Mapping[str, Any], component: PriceComponent) -> bool:
    """Whether a product is this component. Older products name it in ``platoinstancetype``."""
    attributes = product.get("product", {}).get("attributes", {})
    components = {_plain_word(attributes.get(key)) for key in ("component", "platoinstancetype")}
    return _plain_word(component) in components


def _plain_word(word: object) -> str:
    return "".join(str(word or "").lower().replace("-", " ").split())


def _on_demand_prices(product: Mapping[str, Any]) -> Iterator[Decimal]:
    for term in product.get("terms", {}).get("OnDemand", {}).values():
        for dimension in term.get("priceDimensions", {}).values():
            try:
                yield _without_trailing_zeros(dimension["pricePerUnit"][_CURRENCY])
            except (KeyError, InvalidOperation):
                continue


def _without_trailing_zeros(number: object) -> Decimal:
    """An amount without the trailing zeros of AWS's price list (0.2800000000)."""
    return Decimal(f"{Decimal(str(number)).normalize():f}")


def _bundled_price(region: str, instance_type: str, component: PriceComponent, why: str) -> Price | Unknown:
    if region != _BUNDLED_REGION:
        return Unknown(f"the price of {instance_type} in {region} is not known ({why})")
    rows = {
        row["component"]: row
        for row in _bundled_prices()
        if row["instance_type"] == instance_type and row["usd_per_hour"]
    }
    row = rows.get(component.value) or rows.get("any")
    if row is None:
        return Unknown(f"the price of {instance_type} for {component.value} is not known ({why})")
    source = f"opskit's table, as of {row['as_of']}, confidence {row['confidence']}"
    return Price(_without_trailing_zeros(row["usd_per_hour"]), source)


@cache
def _bundled_prices() -> tuple[dict[str, str], ...]:
    text = (files("opskit.aws") / "data" / "prices_us_east_1.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))

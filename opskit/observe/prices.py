"""What an instance costs: AWS's Pricing API first, then a dated table that is good for us-east-1 alone."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

from opskit.aws import Door
from opskit.errors import AwsFailure
from opskit.model import Price, Unread

_SERVICE_CODE = "AmazonSageMaker"
_TABLE_REGION = "us-east-1"


class Component(StrEnum):
    """What an instance is billed for, in the price list's words."""

    TRAINING = "Training"
    TRANSFORM = "Batch Transform"
    HOSTING = "Hosting"
    NOTEBOOK = "Notebook"


def read_price(door: Door, instance_type: str, component: Component) -> Price | Unread:
    """The on-demand price of one instance; ``Unread`` says why nobody knows it."""
    try:
        found = _from_aws(door, instance_type, component)
    except AwsFailure:
        found = None
    return found or _from_table(door.region, instance_type, component)


def _from_aws(door: Door, instance_type: str, component: Component) -> Price | None:
    filters = [
        {"Type": "TERM_MATCH", "Field": field, "Value": value}
        for field, value in (("instanceName", instance_type), ("regionCode", door.region))
    ]
    for page in door.pages("pricing", "get_products", ServiceCode=_SERVICE_CODE, Filters=filters):
        for product in map(json.loads, page["PriceList"]):
            usd = _usd(product, component)
            if usd is not None:
                return Price(usd, "AWS price list")
    return None


def _usd(product: Mapping[str, Any], component: Component) -> Decimal | None:
    """The USD per hour of a product of the price list, None when it is for something else."""
    attributes = product.get("product", {}).get("attributes", {})
    told = {str(attributes.get(key, "")).lower() for key in ("component", "platoinstancetype")}
    if component.value.lower() not in told:
        return None
    prices = [usd for usd in _on_demand(product) if usd > 0]
    return prices[0] if prices else None


def _on_demand(product: Mapping[str, Any]) -> Iterator[Decimal]:
    for term in product.get("terms", {}).get("OnDemand", {}).values():
        for dimension in term.get("priceDimensions", {}).values():
            try:
                yield Decimal(f"{Decimal(str(dimension['pricePerUnit']['USD'])).normalize():f}")
            except (KeyError, InvalidOperation):
                continue


def _from_table(region: str, instance_type: str, component: Component) -> Price | Unread:
    if region != _TABLE_REGION:
        return Unread(f"no price of {instance_type} in {region} could be read, and opskit's own table has none")
    rows = {row["component"]: row for row in _table() if row["instance_type"] == instance_type and row["usd_per_hour"]}
    row = rows.get(component.value) or rows.get("any")
    if row is None:
        return Unread(f"nobody tells the price of {instance_type} for {component.value}")
    return Price(
        Decimal(row["usd_per_hour"].rstrip("0")),
        f"opskit's table, as of {row['as_of']}, confidence {row['confidence']}",
    )


@cache
def _table() -> tuple[dict[str, str], ...]:
    text = (files("opskit.observe") / "data" / "prices_us_east_1.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))

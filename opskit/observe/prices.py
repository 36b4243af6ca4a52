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
from opskit.model import Price, Unread, Usage

_SERVICE_CODE = "AmazonSageMaker"
_TABLE_REGION = "us-east-1"


class Component(StrEnum):
    """What an instance is billed for, in the price list's words."""

    TRAINING = "Training"
    TRANSFORM = "Batch Transform"
    HOSTING = "Hosting"
    NOTEBOOK = "Notebook"
    PROCESSING = "Processing"


COMPONENTS: Mapping[Usage, Component] = {
    Usage.TRAINING: Component.TRAINING,
    Usage.SPOT_TRAINING: Component.TRAINING,  # the list has no spot prices: on demand is the most it can cost
    Usage.TRANSFORM: Component.TRANSFORM,
    Usage.ENDPOINT: Component.HOSTING,
    Usage.NOTEBOOK: Component.NOTEBOOK,
    Usage.PROCESSING: Component.PROCESSING,
}
"""What the instances of a use are billed as, for the uses that have a price of their own."""


def read_price(door: Door, instance_type: str, component: Component) -> Price | Unread:
    """The on-demand price of one instance; ``Unread`` says why nobody knows it."""
    try:
        usd = _from_aws(door, instance_type, component)
    except AwsFailure as failure:
        return _from_table(door.region, instance_type, component, failure.problem.message.rstrip("."))
    if usd is not None:
        return Price(usd, "AWS price list")
    return _from_table(door.region, instance_type, component, "AWS's price list does not have it")


def _from_aws(door: Door, instance_type: str, component: Component) -> Decimal | None:
    """The dearest of the prices that AWS lists for this, so that an estimate is never too low."""
    products = _products(door, instanceName=instance_type, regionCode=door.region)
    prices = [usd for product in products if _is_for(product, component) for usd in _on_demand(product)]
    return max((usd for usd in prices if usd > 0), default=None)


def _products(door: Door, **wanted: str) -> Iterator[Mapping[str, Any]]:
    filters = [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in wanted.items()]
    for page in door.pages("pricing", "get_products", ServiceCode=_SERVICE_CODE, Filters=filters):
        yield from (product for each in page["PriceList"] if (product := _parsed(each)))


def _parsed(text: object) -> Mapping[str, Any] | None:
    """A product, which AWS puts as a JSON text into its JSON; None for what is none."""
    try:
        product = json.loads(str(text))
    except ValueError:
        return None
    return product if isinstance(product, dict) else None


def _is_for(product: Mapping[str, Any], component: Component) -> bool:
    """Whether a product is this component. Older products tell it as the type of the platform."""
    attributes = product.get("product", {}).get("attributes", {})
    told = {_plain(attributes.get(key)) for key in ("component", "platoinstancetype")}
    return _plain(component) in told


def _plain(word: object) -> str:
    return "".join(str(word or "").lower().replace("-", " ").split())


def _on_demand(product: Mapping[str, Any]) -> Iterator[Decimal]:
    for term in product.get("terms", {}).get("OnDemand", {}).values():
        for dimension in term.get("priceDimensions", {}).values():
            try:
                yield _tidy(dimension["pricePerUnit"]["USD"])
            except (KeyError, InvalidOperation):
                continue


def _tidy(number: object) -> Decimal:
    """An amount without AWS's trailing zeros (0.2800000000)."""
    return Decimal(f"{Decimal(str(number)).normalize():f}")


def _from_table(region: str, instance_type: str, component: Component, why: str) -> Price | Unread:
    if region != _TABLE_REGION:
        return Unread(f"the price of {instance_type} in {region} is not known ({why})")
    rows = {row["component"]: row for row in _table() if row["instance_type"] == instance_type and row["usd_per_hour"]}
    row = rows.get(component.value) or rows.get("any")
    if row is None:
        return Unread(f"the price of {instance_type} for {component.value} is not known ({why})")
    source = f"opskit's table, as of {row['as_of']}, confidence {row['confidence']}"
    return Price(_tidy(row["usd_per_hour"]), source)


@cache
def _table() -> tuple[dict[str, str], ...]:
    text = (files("opskit.observe") / "data" / "prices_us_east_1.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))

"""Which share of an endpoint's price its inference components have, and how such an endpoint ends.

A share is what a component reserves of all that the endpoint's components reserve: accelerators where any of them does,
else memory. What nobody has reserved is in no share, so the shares are of the whole price.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from opskit.bills.rules.items import BilledItem
from opskit.inventory.rules.aws_commands import aws_sagemaker_command
from opskit.inventory.rules.running_resource import ComponentReservation


def with_component_shares(items: Sequence[BilledItem]) -> list[BilledItem]:
    """The items of a Region, in which components have their share, and endpoints with components a word on them."""
    parts: dict[str, list[BilledItem]] = {}
    for item in items:
        if item.resource.part_of is not None:
            parts.setdefault(item.resource.part_of, []).append(item)
    prices = {item.resource.name: item.known_usd_per_hour for item in items if item.resource.kind.is_endpoint}
    return [_with_share(item, parts, prices) for item in items]


def _with_share(item: BilledItem, parts: dict[str, list[BilledItem]], prices: dict[str, Decimal | None]) -> BilledItem:
    endpoint = item.resource.part_of
    if endpoint is not None:
        return replace(item, share_usd_per_hour=_share_usd(item, parts[endpoint], prices.get(endpoint)))
    components = parts.get(item.resource.name) if item.resource.kind.is_endpoint else None
    return item if not components else _with_components(item, components)


def _share_usd(item: BilledItem, siblings: Sequence[BilledItem], usd_per_hour: Decimal | None) -> Decimal | None:
    """None: the endpoint's price, or what one of its components reserves, is not known."""
    reserved = [sibling.resource.reserves for sibling in siblings]
    known = [each for each in reserved if each is not None]
    own = item.resource.reserves
    if usd_per_hour is None or own is None or len(known) != len(reserved):
        return None
    by_accelerator = any(each.accelerators for each in known)
    total = sum((_weight(each, by_accelerator=by_accelerator) for each in known), Decimal(0))
    return usd_per_hour * _weight(own, by_accelerator=by_accelerator) / total if total else None


def _weight(reserved: ComponentReservation, *, by_accelerator: bool) -> Decimal:
    return Decimal(str(reserved.accelerators if by_accelerator else reserved.memory_mb))


def _with_components(item: BilledItem, components: Sequence[BilledItem]) -> BilledItem:
    """An endpoint with what runs on it: opskit could not bring it back with its components, so it stops none."""
    names = ", ".join(component.resource.name for component in components)
    noun = "inference component" if len(components) == 1 else "inference components"
    region, name = item.resource.region, item.resource.name
    ended = replace(
        item.resource,
        stop_with=aws_sagemaker_command("delete-endpoint", region, endpoint_name=name),
        stop_takes_yes=False,
    )
    reason = f"{item.reason}; it has the {noun} {names}, without which alone AWS deletes it"
    return replace(item, resource=ended, reason=reason)

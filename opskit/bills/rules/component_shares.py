"""Which share of an endpoint's price its inference components have, and how such an endpoint ends.

A share is what a component reserves of all that the endpoint's components reserve: accelerators where any of them does,
else memory. What nobody has reserved is in no share, so the shares are of the whole price.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from opskit.bills.rules.items import BilledItem
from opskit.core.model import Unknown
from opskit.inventory.rules.running_resource import ComponentReservation, aws_sagemaker_command


def with_component_shares(items: Sequence[BilledItem]) -> list[BilledItem]:
    """The items of a Region, in which components have their share, and endpoints that opskit could not bring back the
    command that deletes them.
    """
    parts: dict[str, list[BilledItem]] = {}
    for item in items:
        if item.resource.part_of is not None:
            parts.setdefault(item.resource.part_of, []).append(item)
    prices = {item.resource.name: item.usd_per_hour for item in items if item.resource.kind.is_endpoint}
    return [_with_share(item, parts, prices) for item in items]


def _with_share(
    item: BilledItem, parts: Mapping[str, list[BilledItem]], prices: Mapping[str, Decimal | Unknown]
) -> BilledItem:
    endpoint = item.resource.part_of
    if endpoint is not None:
        return replace(item, share_usd_per_hour=_share_usd(item, parts[endpoint], prices.get(endpoint, _NO_ENDPOINT)))
    if not item.resource.kind.is_endpoint:
        return item
    why = _restore_blocker(item, parts.get(item.resource.name, ()))
    return item if why is None else _ended_for_good(item, why)


_NO_ENDPOINT = Unknown("its endpoint is not in the list")
_NOTHING_RESERVED = Unknown("none of the endpoint's components reserves anything")


def _share_usd(
    item: BilledItem, siblings: Sequence[BilledItem], usd_per_hour: Decimal | Unknown
) -> Decimal | Unknown | None:
    """The share of a component, which none of the endpoint's components may reserve an unknown part of."""
    reserved = [sibling.resource.reserves for sibling in siblings]
    known = [each for each in reserved if isinstance(each, ComponentReservation)]
    own = item.resource.reserves
    if isinstance(usd_per_hour, Unknown):
        return usd_per_hour
    if gap := next((each for each in reserved if isinstance(each, Unknown)), None):
        return gap
    if own is None or isinstance(own, Unknown):
        return own
    by_accelerator = any(each.accelerators for each in known)
    total = sum((_weight(each, by_accelerator=by_accelerator) for each in known), Decimal(0))
    return usd_per_hour * _weight(own, by_accelerator=by_accelerator) / total if total else _NOTHING_RESERVED


def _weight(reserved: ComponentReservation, *, by_accelerator: bool) -> Decimal:
    return Decimal(str(reserved.accelerators if by_accelerator else reserved.memory_mb))


def _restore_blocker(item: BilledItem, components: Sequence[BilledItem]) -> str | None:
    """Why opskit could not bring an endpoint back, and so stops none like it, as far as a list tells; None: it tells
    of nothing.
    """
    if components:
        names = ", ".join(component.resource.name for component in components)
        noun = "inference component" if len(components) == 1 else "inference components"
        return f"to end it, delete its {noun} {names} first"
    tags = item.resource.tags if isinstance(item.resource.tags, Mapping) else {}
    own = next((key for key in tags if key.lower().startswith("aws:")), None)
    return None if own is None else f"its tag {own}={tags[own]}, which only AWS can set, would not come back"


def _ended_for_good(item: BilledItem, why: str) -> BilledItem:
    resource = item.resource
    ended = replace(
        resource,
        stop_with=aws_sagemaker_command("delete-endpoint", resource.region, endpoint_name=resource.name),
        stop_takes_yes=False,
    )
    return replace(item, resource=ended, reason=f"{item.reason}; {why}")

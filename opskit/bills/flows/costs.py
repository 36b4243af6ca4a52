"""Everything in SageMaker that bills now, in some Regions: read, priced, with its owner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather_all
from opskit.bills.rules.items import BilledItem, billed_item, dearest_first, tag_owner
from opskit.core.exceptions import AwsError, Problem
from opskit.inventory.flows.inventory import Inventory, InventoryGap, read_inventory
from opskit.inventory.reads.prices import read_prices
from opskit.inventory.rules.prices import hourly_price

_PRICES_DENIED = "Prices come from pricing:GetProducts. `opskit iam policy costs` prints what this needs."


@dataclass(frozen=True)
class CurrentCosts:
    """What bills now. ``problems`` are why it may not be everything; ``account`` None: AWS did not say."""

    items: tuple[BilledItem, ...]
    regions: tuple[str, ...]
    account: str | None
    problems: tuple[Problem, ...] = ()
    all_regions_failed: bool = False


def read_current_costs(clients: Sequence[AwsClient], now: datetime) -> CurrentCosts:
    """Everything that bills now. A Region, or a kind, that cannot be read does not hide the others.

    Raises:
        CredentialsError: there are no valid credentials.
    """
    looks = gather_all([partial(_read_region_costs, client, now) for client in clients])
    items = dearest_first(item for look in looks for item in look[1])
    inventories = [inventory for inventory, _ in looks]
    gaps = tuple(gap for inventory in inventories for gap in inventory.gaps)
    return CurrentCosts(
        items,
        tuple(client.region for client in clients),
        _read_account(clients, items),
        tuple(_gap_problem(gap) for gap in gaps),
        bool(inventories) and all(inventory.is_dark for inventory in inventories),
    )


def _read_region_costs(client: AwsClient, now: datetime) -> tuple[Inventory, list[BilledItem]]:
    inventory = read_inventory(client)
    prices = read_prices(client, inventory.resources)
    items = [
        billed_item(resource, hourly_price(resource, prices), now, owner=tag_owner(resource))
        for resource in inventory.resources
    ]
    return inventory, items


def _read_account(clients: Sequence[AwsClient], items: Sequence[BilledItem]) -> str | None:
    named = next((item.resource.account for item in items if item.resource.account), None)
    if named or not clients:
        return named
    try:
        return clients[0].session.identity().account
    except AwsError:
        return None


def _gap_problem(gap: InventoryGap) -> Problem:
    text = f"Could not read all {gap.what}, so some that bill may be missing: {gap.unknown.reason}"
    return Problem(gap.unknown.code, f"{text.rstrip('.')}.", gap.unknown.hint, gap.region)

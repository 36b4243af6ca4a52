"""Everything in SageMaker that bills now, in some Regions: read, priced, with its owner."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather, gather_all
from opskit.bills.flows.endpoint_use import EndpointUses, look_at_endpoint_uses
from opskit.bills.rules.items import BilledItem, billed_item, dearest_first
from opskit.core.exceptions import AwsError, Problem
from opskit.core.keep_tags import keep_reason
from opskit.core.model import Unknown
from opskit.endpoints.rules.idleness import EndpointPolicy
from opskit.inventory.flows.inventory import Inventory, InventoryGap, read_inventory
from opskit.inventory.flows.owners import find_trail_owners
from opskit.inventory.reads.prices import read_prices
from opskit.inventory.rules.prices import hourly_price
from opskit.inventory.rules.running_resource import RunningResource


@dataclass(frozen=True)
class CurrentCosts:
    """What bills now. ``problems`` are why it may not be everything; ``owners_gap`` is why CloudTrail could not
    be asked for all owners; ``metrics_asked`` of CloudWatch are paid for; ``account`` None: AWS did not say.
    """

    items: tuple[BilledItem, ...]
    regions: tuple[str, ...]
    account: str | None
    problems: tuple[Problem, ...] = ()
    all_regions_failed: bool = False
    owners_gap: Unknown | None = None
    metrics_asked: int = 0


def read_current_costs(
    clients: Sequence[AwsClient], now: datetime, *, trail: bool = True, policy: EndpointPolicy | None = None
) -> CurrentCosts:
    """Everything that bills now. A Region, or a kind, that cannot be read does not hide the others.
    ``trail``: CloudTrail is asked for the owners that no tag names. ``policy``: when an endpoint is idle; None: it is
    not looked at.

    Raises:
        CredentialsError: there are no valid credentials.
    """
    looks = gather_all([partial(_read_region_costs, client, now, trail, policy) for client in clients])
    items = dearest_first(item for look in looks for item in look.items)
    inventories = [look.inventory for look in looks]
    gaps = tuple(problem for inventory in inventories for problem in _gap_problems(inventory))
    return CurrentCosts(
        items,
        tuple(client.region for client in clients),
        _read_account(clients, items),
        (*gaps, *(problem for look in looks for problem in look.uses.problems)),
        bool(inventories) and all(inventory.is_dark for inventory in inventories),
        next((look.owners_gap for look in looks if look.owners_gap), None),
        sum(look.uses.metrics for look in looks),
    )


@dataclass(frozen=True)
class _RegionCosts:
    inventory: Inventory
    items: list[BilledItem]
    owners_gap: Unknown | None
    uses: EndpointUses


def _read_region_costs(client: AwsClient, now: datetime, trail: bool, policy: EndpointPolicy | None) -> _RegionCosts:
    inventory = read_inventory(client)
    resources = inventory.resources
    prices, found, uses = gather(
        partial(read_prices, client, resources, now),
        partial(find_trail_owners, client, resources if trail else (), now),
        partial(look_at_endpoint_uses, client, resources, policy, now),
    )
    items = [
        billed_item(
            _with_profile(uses.assess(resource), client.session.profile),
            hourly_price(resource, prices),
            now,
            owner=found.owner_of(resource),
            kept_because=_keep_reason(resource, now),
        )
        for resource in resources
    ]
    return _RegionCosts(inventory, items, found.gap, uses)


def _keep_reason(resource: RunningResource, now: datetime) -> str | None:
    tags = resource.tags
    return None if tags is None or isinstance(tags, Unknown) else keep_reason(tags, now)


def _read_account(clients: Sequence[AwsClient], items: Sequence[BilledItem]) -> str | None:
    named = next((item.resource.account for item in items if item.resource.account), None)
    if named or not clients:
        return named
    try:
        return clients[0].session.identity().account
    except AwsError:
        return None


def _with_profile(resource: RunningResource, profile: str | None) -> RunningResource:
    """A resource whose command leads to the account that it is in."""
    if resource.stop_with is None or profile is None:
        return resource
    return replace(resource, stop_with=f"{resource.stop_with} --profile {shlex.quote(profile)}")


def _gap_problems(inventory: Inventory) -> Iterator[Problem]:
    """Why not all of a Region is known: one reason where nothing could be read, else one for each kind."""
    if inventory.is_dark:
        gap = inventory.gaps[0]
        text = f"What bills in {gap.region} could not be read: {gap.unknown.reason}"
        yield Problem(gap.unknown.code, f"{text.rstrip('.')}.", gap.unknown.hint, gap.region)
        return
    yield from map(_gap_problem, inventory.gaps)
    untold = [each for each in inventory.resources if isinstance(each.tags, Unknown)]
    if untold and isinstance(tags := untold[0].tags, Unknown):
        what = "1 resource" if len(untold) == 1 else f"{len(untold)} resources"
        text = f"The tags of {what} could not be read, so its owner and keep tags are not known: {tags.reason}"
        yield Problem(tags.code, f"{text.rstrip('.')}.", tags.hint, untold[0].region)


def _gap_problem(gap: InventoryGap) -> Problem:
    text = f"Could not read all {gap.what}, so some that bill may be missing: {gap.unknown.reason}"
    return Problem(gap.unknown.code, f"{text.rstrip('.')}.", gap.unknown.hint, gap.region)

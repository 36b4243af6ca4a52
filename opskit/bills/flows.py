"""Everything in SageMaker that bills now, in some Regions: read, priced, with its owner; and, where that was asked for,
with a look at the invocations of the endpoints that bill (CloudWatch is paid for).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather, gather_all
from opskit.aws.session import AwsSession
from opskit.bills.rules.component_shares import with_component_shares
from opskit.bills.rules.items import BilledItem, billed_item, billed_verdict, most_expensive_first, stop_command
from opskit.core.exceptions import AwsError, Problem
from opskit.core.model import Unknown
from opskit.core.tags import keep_reason
from opskit.core.unread_prices import unread_price_problems
from opskit.endpoints.flows.inspect import EndpointFilter, inspect_endpoints
from opskit.endpoints.rules.idleness import EndpointAssessment, EndpointPolicy, protection_reason
from opskit.inventory.flows.inventory import Inventory, InventoryGap, read_inventory
from opskit.inventory.flows.owners import find_trail_owners
from opskit.inventory.reads.prices import read_prices
from opskit.inventory.rules.prices import hourly_price
from opskit.inventory.rules.running_resource import RunningResource


@dataclass(frozen=True)
class EndpointUses:
    """The verdicts over a Region's endpoints by name; ``problems`` are why some could not be looked at."""

    assessments: Mapping[str, EndpointAssessment] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    metrics: int = 0

    def assess(self, resource: RunningResource) -> RunningResource:
        """A resource with the verdict over it, where it is one of those endpoints."""
        found = self.assessments.get(resource.name) if resource.kind.is_endpoint else None
        if found is None:
            return resource
        return replace(resource, verdict=billed_verdict(found.verdict), reason=found.reason)


def assess_endpoint_uses(
    client: AwsClient, resources: Sequence[RunningResource], policy: EndpointPolicy | None, now: datetime
) -> EndpointUses:
    """Which of these endpoints are idle. ``policy`` None: nobody asked."""
    names = [resource.name for resource in resources if resource.kind.is_endpoint]
    if policy is None or not names:
        return EndpointUses()
    inspection = inspect_endpoints([client], policy, now, EndpointFilter(names=names))
    unread = [each for each in inspection.endpoints if not each.assessment.readable]
    problems = list(inspection.problems)
    if unread:
        text = f"Whether {len(unread)} endpoints are idle is not known: {unread[0].assessment.reason.rstrip('.')}."
        problems.append(Problem("endpoint-use-unread", text, region=client.region))
    return EndpointUses(
        {each.endpoint.name: each.assessment for each in inspection.endpoints},
        tuple(problems),
        inspection.metrics_asked,
    )


@dataclass(frozen=True)
class CurrentCosts:
    """What bills now. ``problems`` are why it may not be everything; ``owners_gap`` is why CloudTrail could not be
    asked for all owners that it was to tell; None: it could; ``metrics_asked`` of CloudWatch are paid for; ``account``
    None: AWS did not say.
    """

    items: tuple[BilledItem, ...]
    regions: tuple[str, ...]
    account: str | None
    problems: tuple[Problem, ...] = ()
    all_regions_failed: bool = False
    owners_gap: Unknown | None = None
    metrics_asked: int = 0


def read_current_costs(
    clients: Sequence[AwsClient],
    now: datetime,
    policy: EndpointPolicy,
    *,
    trail: bool = True,
    metrics: bool = False,
) -> CurrentCosts:
    """Everything that bills now. A Region, or a kind, that cannot be read does not hide the others.
    ``policy``: when an endpoint is idle, and what says that it is in production. ``trail``: CloudTrail is asked for the
    owners that no tag names. ``metrics``: CloudWatch is asked whether endpoints are idle.

    Raises:
        CredentialsError: there are no valid credentials.
    """
    region_costs = gather_all([partial(_read_region_costs, client, now, policy, trail, metrics) for client in clients])
    items = most_expensive_first(item for region in region_costs for item in region.items)
    inventories = [region.inventory for region in region_costs]
    gaps = [
        problem
        for region in region_costs
        for problem in (*_gap_problems(region.inventory), *_price_problems(region.items))
    ]
    return CurrentCosts(
        items,
        tuple(client.region for client in clients),
        _read_account(clients, items),
        (*gaps, *(problem for region in region_costs for problem in region.uses.problems)),
        bool(inventories) and all(inventory.is_dark for inventory in inventories),
        next((region.owners_gap for region in region_costs if region.owners_gap), None),
        sum(region.uses.metrics for region in region_costs),
    )


@dataclass(frozen=True)
class _RegionCosts:
    """What bills in a Region. ``owners_gap`` is why CloudTrail could not be asked for all owners that it was to tell;
    None: it could.
    """

    inventory: Inventory
    items: list[BilledItem]
    owners_gap: Unknown | None
    uses: EndpointUses


def _read_region_costs(
    client: AwsClient, now: datetime, policy: EndpointPolicy, trail: bool, metrics: bool
) -> _RegionCosts:
    inventory = read_inventory(client)
    resources = inventory.resources
    prices, found, uses = gather(
        partial(read_prices, client, resources, now),
        partial(find_trail_owners, client, resources if trail else (), now),
        partial(assess_endpoint_uses, client, resources, policy if metrics else None, now),
    )
    items = [
        billed_item(
            uses.assess(resource),
            hourly_price(resource, prices),
            now,
            owner=found.owner_of(resource),
            kept_because=_keep_reason(resource, policy, now),
        )
        for resource in resources
    ]
    shared = with_component_shares(items)
    return _RegionCosts(inventory, [_with_account(item, client.session) for item in shared], found.gap, uses)


def _keep_reason(resource: RunningResource, policy: EndpointPolicy, now: datetime) -> str | None:
    tags = resource.tags
    if tags is None or isinstance(tags, Unknown):
        return None
    return protection_reason(tags, policy, now) if resource.kind.is_endpoint else keep_reason(tags, now)


def _read_account(clients: Sequence[AwsClient], items: Sequence[BilledItem]) -> str | None:
    named = next((item.resource.account for item in items if item.resource.account), None)
    if named or not clients:
        return named
    try:
        return clients[0].session.identity().account
    except AwsError:
        return None


def _with_account(item: BilledItem, session: AwsSession) -> BilledItem:
    """An item whose command leads to the account that it is in."""
    command = stop_command(item, session.profile, session.role_arn)
    return replace(item, resource=replace(item.resource, stop_with=command))


def _gap_problems(inventory: Inventory) -> Iterator[Problem]:
    """Why not all of a Region is known: one reason where nothing could be read, else one for each kind."""
    if inventory.is_dark:
        gap = inventory.gaps[0]
        text = f"What bills in {gap.region} could not be read: {gap.unknown.reason}"
        yield Problem(gap.unknown.code, f"{text.rstrip('.')}.", gap.unknown.hint, gap.region)
        return
    yield from map(_gap_problem, inventory.gaps)
    yield from _unread_resource_problems(inventory)
    untold = [each for each in inventory.resources if isinstance(each.tags, Unknown)]
    if untold and isinstance(tags := untold[0].tags, Unknown):
        what = "1 resource" if len(untold) == 1 else f"{len(untold)} resources"
        text = f"The tags of {what} could not be read, so owner and keep tags are not known: {tags.reason}"
        yield Problem(tags.code, f"{text.rstrip('.')}.", tags.hint, untold[0].region)


def _gap_problem(gap: InventoryGap) -> Problem:
    text = f"Could not read all {gap.what}, so some that bill may be missing: {gap.unknown.reason}"
    return Problem(gap.unknown.code, f"{text.rstrip('.')}.", gap.unknown.hint, gap.region)


def _unread_resource_problems(inventory: Inventory) -> Iterator[Problem]:
    """What is there, but could not be looked at: one reason for each kind."""
    unread: dict[str, list[RunningResource]] = {}
    for each in inventory.resources:
        if each.unread is not None:
            unread.setdefault("endpoint" if each.kind.is_endpoint else each.kind.value, []).append(each)
    for word, those in unread.items():
        if (gap := those[0].unread) is not None:
            what = f"1 {word} is" if len(those) == 1 else f"{len(those)} {word}s are"
            text = f"What {what} billed for could not be read: {gap.reason}"
            yield Problem(gap.code, f"{text.rstrip('.')}.", gap.hint, those[0].region)


def _price_problems(items: Sequence[BilledItem]) -> Iterator[Problem]:
    return unread_price_problems(((item.resource.region, item.usd_per_hour) for item in items), "item")

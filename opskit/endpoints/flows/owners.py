"""Whose the listed endpoints are where no tag says so: CloudTrail knows who created them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather_all
from opskit.core.owners import owner_from_tags
from opskit.endpoints.flows.inspect import EndpointInspection, InspectedEndpoint
from opskit.inventory.flows.owners import OwnersFound, find_trail_owners
from opskit.inventory.rules.running_resource import BilledKind, RunningResource


def find_endpoint_owners(look: EndpointInspection, now: datetime) -> EndpointInspection:
    """The same with the owners that CloudTrail knows: of 90 days, at two calls a second, bounded for each Region."""
    clients = list({id(seen.client): seen.client for seen in look.endpoints}.values())
    found = gather_all([partial(_find_in_region, client, look, now) for client in clients])
    owners = {arn: owner.name for each in found for arn, owner in each.owners.items()}
    return replace(
        look,
        endpoints=tuple(replace(seen, trail_owner=owners.get(seen.endpoint.arn)) for seen in look.endpoints),
        owners_gap=next((each.gap for each in found if each.gap), None),
    )


def _find_in_region(client: AwsClient, look: EndpointInspection, now: datetime) -> OwnersFound:
    there = [seen for seen in look.endpoints if seen.client is client]
    untagged = [seen for seen in there if owner_from_tags(seen.tags, client.owner_keys) is None]
    return find_trail_owners(client, [_as_resource(seen) for seen in untagged], now)


def _as_resource(seen: InspectedEndpoint) -> RunningResource:
    endpoint = seen.endpoint
    return RunningResource(
        endpoint.region,
        BilledKind.ENDPOINT,
        endpoint.name,
        endpoint.arn,
        endpoint.status,
        endpoint.created,
        tags=seen.tags,
    )

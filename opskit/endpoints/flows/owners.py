"""Whose the listed endpoints are where no tag says so: CloudTrail knows who created them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from opskit.endpoints.flows.inspect import EndpointInspection, InspectedEndpoint
from opskit.inventory.flows.owners import find_listed_owners
from opskit.inventory.rules.running_resource import BilledKind, RunningResource


def find_endpoint_owners(inspection: EndpointInspection, now: datetime) -> EndpointInspection:
    """The same with the owners that CloudTrail knows."""
    owners, gap = find_listed_owners([(seen.client, _as_resource(seen)) for seen in inspection.endpoints], now)
    named = tuple(replace(seen, trail_owner=owners.get(seen.endpoint.arn)) for seen in inspection.endpoints)
    return replace(inspection, endpoints=named, owners_gap=gap)


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

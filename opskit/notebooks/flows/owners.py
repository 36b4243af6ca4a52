"""Whose the listed notebooks are where no tag says so: CloudTrail knows who started or created them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather_all
from opskit.core.owners import owner_from_tags
from opskit.inventory.flows.owners import OwnersFound, find_trail_owners
from opskit.inventory.rules.running_resource import BilledKind, RunningResource
from opskit.notebooks.flows.inspect import InspectedNotebook, Inspection


def find_owners(look: Inspection, now: datetime) -> Inspection:
    """The same with the owners that CloudTrail knows: of 90 days, at two calls a second, bounded for each Region."""
    clients = list({id(seen.client): seen.client for seen in look.notebooks}.values())
    found = gather_all([partial(_find_in_region, client, look, now) for client in clients])
    owners = {arn: owner.name for each in found for arn, owner in each.owners.items()}
    return replace(
        look,
        notebooks=tuple(replace(seen, trail_owner=owners.get(seen.notebook.arn)) for seen in look.notebooks),
        owners_gap=next((each.gap for each in found if each.gap), None),
    )


def _find_in_region(client: AwsClient, look: Inspection, now: datetime) -> OwnersFound:
    there = [
        seen
        for seen in look.notebooks
        if seen.client is client and owner_from_tags(seen.evidence.tags, client.owner_keys) is None
    ]
    return find_trail_owners(client, [_as_resource(seen) for seen in there], now)


def _as_resource(seen: InspectedNotebook) -> RunningResource:
    notebook = seen.notebook
    since = notebook.status_changed_at if notebook.traits.is_in_service else None
    return RunningResource(
        notebook.region,
        BilledKind.NOTEBOOK,
        notebook.name,
        notebook.arn,
        notebook.status,
        since,
        tags=seen.evidence.tags,
    )

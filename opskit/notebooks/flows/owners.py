"""Whose the listed notebooks are where no tag says so: CloudTrail knows who started or created them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from opskit.inventory.flows.owners import find_listed_owners
from opskit.inventory.rules.running_resource import BilledKind, RunningResource
from opskit.notebooks.flows.inspect import InspectedNotebook, Inspection


def find_owners(inspection: Inspection, now: datetime) -> Inspection:
    """The same with the owners that CloudTrail knows."""
    owners, gap = find_listed_owners([(seen.client, _as_resource(seen)) for seen in inspection.notebooks], now)
    named = tuple(replace(seen, trail_owner=owners.get(seen.notebook.arn)) for seen in inspection.notebooks)
    return replace(inspection, notebooks=named, owners_gap=gap)


def _as_resource(seen: InspectedNotebook) -> RunningResource:
    notebook = seen.notebook
    is_known = notebook.traits.is_in_service and notebook.is_change_told
    since = notebook.status_changed_at if is_known else None
    return RunningResource(
        notebook.region,
        BilledKind.NOTEBOOK,
        notebook.name,
        notebook.arn,
        notebook.status,
        since,
        tags=seen.evidence.tags,
    )

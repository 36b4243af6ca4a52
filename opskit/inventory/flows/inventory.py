"""Reads everything of a Region that runs, kind by kind, side by side. What cannot be read does not hide the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather, gather_all
from opskit.core.model import Unknown
from opskit.inventory.reads.clusters import read_clusters
from opskit.inventory.reads.endpoints import read_endpoints
from opskit.inventory.reads.inference_components import read_components
from opskit.inventory.reads.jobs import read_processing_jobs, read_training_jobs, read_transform_jobs
from opskit.inventory.reads.notebooks import read_notebooks
from opskit.inventory.reads.parent_jobs import read_automl_jobs, read_labeling_jobs, read_tuning_jobs
from opskit.inventory.reads.servers import (
    read_mlflow_apps,
    read_partner_apps,
    read_tracking_servers,
    read_training_plans,
)
from opskit.inventory.reads.studio import read_studio
from opskit.inventory.reads.tags import read_missing_tags, read_tag_index
from opskit.inventory.rules.running_resource import InventoryPart, RunningResource

READERS: Mapping[str, Callable[[AwsClient], InventoryPart]] = {
    "notebook instances": read_notebooks,
    "endpoints": read_endpoints,
    "inference components": read_components,
    "training jobs": read_training_jobs,
    "transform jobs": read_transform_jobs,
    "processing jobs": read_processing_jobs,
    "Studio apps and spaces": read_studio,
    "HyperPod clusters": read_clusters,
    "tuning jobs": read_tuning_jobs,
    "AutoML jobs": read_automl_jobs,
    "labeling jobs": read_labeling_jobs,
    "MLflow tracking servers": read_tracking_servers,
    "MLflow apps": read_mlflow_apps,
    "partner AI apps": read_partner_apps,
    "training plans": read_training_plans,
}
"""One look for each kind, by what it looks at."""


@dataclass(frozen=True)
class InventoryGap:
    """What could not be read, and why: there may be more of it."""

    region: str
    what: str
    unknown: Unknown


@dataclass(frozen=True)
class Inventory:
    """What runs in a Region. ``gaps`` say what of it is not known; ``is_dark``: nothing could be read."""

    resources: tuple[RunningResource, ...]
    gaps: tuple[InventoryGap, ...] = ()
    is_dark: bool = False


def read_inventory(client: AwsClient) -> Inventory:
    """Everything of a Region that runs and bills.

    Raises:
        CredentialsError: there are no valid credentials.
    """
    index, parts = gather(
        partial(read_tag_index, client), partial(gather_all, [partial(read, client) for read in READERS.values()])
    )
    gaps = tuple(
        InventoryGap(client.region, what, unknown)
        for what, part in zip(READERS, parts, strict=True)
        for unknown in part.gaps
    )
    resources = read_missing_tags(client, (resource for part in parts for resource in part.resources), index)
    unread = [part for part in parts if part.gaps and not part.resources]
    return Inventory(resources, gaps, is_dark=len(unread) == len(parts))

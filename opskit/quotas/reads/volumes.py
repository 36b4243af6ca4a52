"""How large the volumes of notebook instances and of Studio's spaces are, which AWS has quotas for in total."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather, gather_all
from opskit.core.model import Unknown
from opskit.core.workloads import NOTEBOOK_VOLUMES
from opskit.quotas.reads.usage_listings import (
    Response,
    describe_resource,
    first_unknown,
    list_summaries,
    missing_member,
)
from opskit.quotas.store.notebook_volumes import NotebookState, load_volume_sizes, save_volume_sizes

SPACE_VOLUMES = "Total EBS volume size in GB across all Studio Spaces"


def sum_volumes(client: AwsClient) -> dict[str, int | Unknown]:
    """The GB of the volumes of a Region, by the quota that limits them. They count while nothing runs on them too."""
    notebooks, spaces = gather(partial(_sum_notebook_volumes, client), partial(_sum_space_volumes, client))
    return {NOTEBOOK_VOLUMES: notebooks, SPACE_VOLUMES: spaces}


def no_volumes() -> dict[str, int | Unknown]:
    """What is summed where nobody asks for it."""
    return {}


def _sum_notebook_volumes(client: AwsClient) -> int | Unknown:
    listed = list_summaries(client, "list_notebook_instances", "NotebookInstances")
    return listed if isinstance(listed, Unknown) else sum_notebook_volumes(client, listed)


def sum_notebook_volumes(client: AwsClient, listed: Sequence[Response]) -> int | Unknown:
    """The GB of the volumes of all notebook instances of a listing."""
    if gap := missing_member(listed, "NotebookInstanceName"):
        return gap
    sizes = read_volume_sizes(client, listed)
    untold = next((name for name, size in sizes.items() if size is None), None)
    if untold is not None:
        return Unknown(f"AWS did not report the volume of the notebook instance {untold}", "bad-answer")
    return first_unknown(*sizes.values()) or sum(size for size in sizes.values() if isinstance(size, int))


def _sum_space_volumes(client: AwsClient) -> int | Unknown:
    spaces = list_summaries(client, "list_spaces", "Spaces", "SpaceName")
    if isinstance(spaces, Unknown):
        return spaces
    return sum(space_volume_size(space) or 0 for space in spaces)


def space_volume_size(space: Response) -> int | None:
    """The size of a space's volume in GB as it is listed; None: it has none, as a space without an app of its own."""
    storage = (space.get("SpaceSettingsSummary") or {}).get("SpaceStorageSettings") or {}
    size = (storage.get("EbsStorageSettings") or {}).get("EbsVolumeSizeInGb")
    return None if size is None else int(size)


def read_volume_sizes(client: AwsClient, summaries: Sequence[Response]) -> dict[str, int | Unknown | None]:
    """The size of the volume of each notebook instance in a listing, in GB; None: AWS does not say, or the notebook is
    gone by now. The listing does not say it, so each is described, once for as long as it does not change.
    """
    remembered = load_volume_sizes(client)
    states = {summary["NotebookInstanceName"]: _state_of(summary) for summary in summaries}
    missing = [name for name, state in states.items() if state not in remembered]
    described = gather_all([partial(_read_volume_size, client, name) for name in missing])
    sizes: dict[str, int | Unknown | None] = dict(zip(missing, described, strict=True))
    sizes |= {name: remembered[state] for name, state in states.items() if state in remembered}
    known = {states[name]: size for name, size in sizes.items() if isinstance(size, int)}
    if known != remembered:
        save_volume_sizes(client, known)
    return sizes


def _state_of(summary: Response) -> NotebookState:
    return NotebookState(summary["NotebookInstanceName"], str(summary.get("LastModifiedTime")))


def _read_volume_size(client: AwsClient, name: str) -> int | Unknown | None:
    key = {"NotebookInstanceName": name}
    notebook = describe_resource(client, "describe_notebook_instance", key)
    if notebook is None or isinstance(notebook, Unknown):
        return notebook
    size = notebook.get("VolumeSizeInGB")
    return None if size is None else int(size)

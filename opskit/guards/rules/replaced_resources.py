"""What is free again when a plan makes a resource anew: it deletes the old one first, and then its instances are there
for the new one.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from opskit.core.aws_statuses import NotebookStatus
from opskit.core.model import Workload
from opskit.core.workloads import WORKLOADS
from opskit.guards.rules.request_model import (
    Describe,
    InstanceNeed,
    NotDescribed,
    Request,
    RequestNeeds,
    entries_of,
)

_KEPT_NOTE = "What the old {what} uses could not be read, so that all of the new one counts as more."


def without_replaced(operation: str, params: Request, needs: RequestNeeds, describe: Describe) -> RequestNeeds:
    """Needs of a resource that takes the place of one of the same name, without what that one holds now. What cannot
    be read is not subtracted.
    """
    try:
        if operation == "CreateEndpoint":
            freed, freed_gb = _endpoint_instances(params, describe), 0
        elif operation == "CreateNotebookInstance":
            freed, freed_gb = _notebook_instances(params, describe)
        else:
            return needs
    except (NotDescribed, LookupError, TypeError, ValueError):
        what = "endpoint" if operation == "CreateEndpoint" else "notebook instance"
        return replace(needs, notes=(*needs.notes, _KEPT_NOTE.format(what=what)))
    return replace(needs, needs=tuple(_less_volume(_less(need, freed), freed_gb) for need in needs.needs))


def _less(need: InstanceNeed, freed: Counter[tuple[str, Workload]]) -> InstanceNeed:
    key = (need.instance_type, need.workload)
    used = min(need.count, freed[key])
    freed[key] -= used
    per_job = need.count if need.per_job is None else need.per_job
    return replace(need, count=need.count - used, billed=need.billed_count, per_job=per_job)


def _less_volume(need: InstanceNeed, freed_gb: int) -> InstanceNeed:
    default = WORKLOADS[need.workload].default_volume_gb
    if not (freed_gb and default):
        return need
    return replace(need, volume_gb=max(0, (default if need.volume_gb is None else need.volume_gb) - freed_gb))


def _endpoint_instances(params: Request, describe: Describe) -> Counter[tuple[str, Workload]]:
    endpoint = describe("describe_endpoint", {"EndpointName": _name_of(params, "EndpointName")})
    config = describe("describe_endpoint_config", {"EndpointConfigName": endpoint["EndpointConfigName"]})
    types = {each.get("VariantName"): each.get("InstanceType") for each in entries_of(config, "ProductionVariants", "")}
    freed: Counter[tuple[str, Workload]] = Counter()
    for variant in entries_of(endpoint, "ProductionVariants", ""):
        instance_type = types.get(variant.get("VariantName"))
        if isinstance(instance_type, str):
            freed[instance_type, Workload.ENDPOINT] += int(variant.get("CurrentInstanceCount") or 0)
    return freed


def _notebook_instances(params: Request, describe: Describe) -> tuple[Counter[tuple[str, Workload]], int]:
    """The instance, and the GB of its volume, which a stopped one has too."""
    name = _name_of(params, "NotebookInstanceName")
    notebook = describe("describe_notebook_instance", {"NotebookInstanceName": name})
    # A stopped one holds no instance.
    is_running = NotebookStatus(str(notebook.get("NotebookInstanceStatus"))).traits.is_in_service
    instances = Counter({(str(notebook["InstanceType"]), Workload.NOTEBOOK): 1} if is_running else {})
    return instances, int(notebook.get("VolumeSizeInGB") or 0)


def _name_of(params: Request, member: str) -> str:
    """The name of a resource; Terraform calls most of them just that."""
    name = params.get(member, params.get("Name"))
    if not isinstance(name, str):
        raise LookupError(member)
    return name

"""Notebook instances: those that run, and the volume of every one, which bills until the notebook is deleted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from opskit.aws.client import AwsClient
from opskit.core.aws_statuses import NotebookStatus
from opskit.core.model import Unknown
from opskit.core.workloads import PriceComponent, StoragePrice
from opskit.inventory.rules.running_resource import (
    BilledInstances,
    BilledKind,
    BilledVerdict,
    BilledVolume,
    InventoryPart,
    RunningResource,
    aws_sagemaker_command,
    opskit_command,
)
from opskit.quotas.reads.descriptions import Response
from opskit.quotas.reads.usage_listings import list_summaries, read_volume_sizes

_IDLENESS_UNCHECKED = "idleness was not checked (opskit notebook list)"


def read_notebooks(client: AwsClient) -> InventoryPart:
    """The notebook instances of a Region and their volumes. A listing does not say how large a volume is, so each
    notebook is described, once for as long as it does not change.
    """
    summaries = list_summaries(client, "list_notebook_instances", "NotebookInstances", "NotebookInstanceName")
    if isinstance(summaries, Unknown):
        return InventoryPart(gaps=(summaries,))
    present = [summary for summary in summaries if not _status_of(summary).traits.is_going]
    sizes = read_volume_sizes(client, present)
    gaps = [size for size in sizes.values() if isinstance(size, Unknown)]
    resources = [
        resource
        for summary in present
        for resource in _billed_of_notebook(client.region, summary, sizes.get(summary["NotebookInstanceName"]))
    ]
    return InventoryPart(tuple(resources), tuple(gaps[:1]))


def _status_of(summary: Response) -> NotebookStatus:
    return NotebookStatus(str(summary.get("NotebookInstanceStatus")))


def _billed_of_notebook(region: str, summary: Response, size: int | Unknown | None) -> Iterator[RunningResource]:
    traits = _status_of(summary).traits
    if traits.may_hold_quota:
        yield _running_notebook(region, summary)
    if size is not None:
        yield _notebook_volume(region, summary, size, is_attached=traits.may_hold_quota)


def _running_notebook(region: str, summary: Response) -> RunningResource:
    name, status = summary["NotebookInstanceName"], _status_of(summary)
    settled = status.traits.is_in_service
    return RunningResource(
        region,
        BilledKind.NOTEBOOK,
        name,
        str(summary.get("NotebookInstanceArn", "")),
        str(summary.get("NotebookInstanceStatus", "")),
        summary.get("LastModifiedTime") if settled else None,
        (BilledInstances(summary.get("InstanceType"), 1, PriceComponent.NOTEBOOK),),
        reason=_IDLENESS_UNCHECKED if settled else f"AWS says {summary.get('NotebookInstanceStatus')}, which may bill",
        verdict=BilledVerdict.RUNNING if settled else BilledVerdict.UNKNOWN,
        stop_with=opskit_command("notebook", "stop", name, region=region),
    )


def _notebook_volume(
    region: str, summary: Mapping[str, object], size: int | Unknown, *, is_attached: bool
) -> RunningResource:
    name = str(summary["NotebookInstanceName"])
    unknown_size = isinstance(size, Unknown)
    because = f"the volume of the notebook instance {name}"
    if not is_attached:
        because += ", which does not run: it bills until that is deleted, with its files"
    return RunningResource(
        region,
        BilledKind.VOLUME,
        name,
        str(summary.get("NotebookInstanceArn", "")),
        str(summary.get("NotebookInstanceStatus", "")),
        summary.get("CreationTime"),  # type: ignore[arg-type]
        () if isinstance(size, Unknown) else (BilledVolume(size, StoragePrice.NOTEBOOK),),
        unpriced=f"its size could not be read: {size.reason}" if isinstance(size, Unknown) else "",
        verdict=BilledVerdict.UNKNOWN if unknown_size else _volume_verdict(is_attached),
        reason=because,
        stop_with=None
        if is_attached
        else aws_sagemaker_command("delete-notebook-instance", region, notebook_instance_name=name),
    )


def _volume_verdict(is_attached: bool) -> BilledVerdict:
    return BilledVerdict.RUNNING if is_attached else BilledVerdict.IDLE

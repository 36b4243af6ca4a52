"""HyperPod clusters: the instances of their groups, which bill whether or not anything runs on them."""

from __future__ import annotations

from collections.abc import Iterator

from opskit.aws.client import AwsClient
from opskit.core.aws_statuses import ClusterStatus
from opskit.core.model import Unknown
from opskit.core.result_or_error import first_unknown
from opskit.core.workloads import PriceComponent
from opskit.inventory.rules.running_resource import (
    BilledInstances,
    BilledKind,
    BilledVerdict,
    InventoryPart,
    RunningResource,
    aws_sagemaker_command,
)
from opskit.quotas.reads.descriptions import Response, describe_resources, listed_cluster
from opskit.quotas.reads.usage_listings import list_summaries

_GROUP_MEMBERS = ("InstanceGroups", "RestrictedInstanceGroups")
_PLAN_PAID = "training plans have paid its instances in advance"


def read_clusters(client: AwsClient) -> InventoryPart:
    """The clusters of a Region."""
    listed = list_summaries(client, "list_clusters", "ClusterSummaries", "ClusterName")
    if isinstance(listed, Unknown):
        return InventoryPart(gaps=(listed,))
    clusters, gap = describe_resources(client, "describe_cluster", map(listed_cluster, listed))
    gap = first_unknown(gap, _missing_groups(clusters))
    found = tuple(_running_cluster(client.region, cluster) for cluster in clusters)
    return InventoryPart(found, () if gap is None else (gap,))


def _missing_groups(clusters: list[Response]) -> Unknown | None:
    if all(map(_tells_groups, clusters)):
        return None
    return Unknown("AWS did not report the instance groups of some clusters", "bad-answer")


def _tells_groups(cluster: Response) -> bool:
    return any(member in cluster for member in _GROUP_MEMBERS)


def _running_cluster(region: str, cluster: Response) -> RunningResource:
    name, status = str(cluster.get("ClusterName", "")), str(cluster.get("ClusterStatus", ""))
    groups = [group for member in _GROUP_MEMBERS for group in cluster.get(member) or ()]
    paid = [group for group in groups if group.get("TrainingPlanArn")]
    parts = tuple(part for group in groups if group not in paid for part in _group_parts(group))
    is_sure = ClusterStatus(status).is_in_service
    return RunningResource(
        region,
        BilledKind.CLUSTER,
        name,
        str(cluster.get("ClusterArn", "")),
        status,
        cluster.get("CreationTime"),
        parts,
        free="" if parts else _PLAN_PAID if paid else "it has no instance groups" if _tells_groups(cluster) else "",
        unpriced="" if _tells_groups(cluster) else "AWS did not report its instance groups",
        verdict=BilledVerdict.RUNNING if is_sure else BilledVerdict.UNKNOWN,
        reason="its instances bill whether or not they are used" if is_sure else f"AWS says {status}, which may bill",
        stop_with=aws_sagemaker_command("delete-cluster", region, cluster_name=name),
    )


def _group_parts(group: Response) -> Iterator[BilledInstances]:
    """The instances of a group: of one type, or of each of its types."""
    details = group.get("InstanceTypeDetails") or ()
    for detail in details:
        yield BilledInstances(detail.get("InstanceType"), detail.get("CurrentCount"), PriceComponent.CLUSTER)
    if not details:
        yield BilledInstances(group.get("InstanceType"), group.get("CurrentCount"), PriceComponent.CLUSTER)

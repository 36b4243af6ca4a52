"""Counts what is in use now, from running jobs, endpoints, notebooks, apps and clusters.

AWS's own usage metrics lag by twenty minutes and more, so they cannot tell whether a job fits now. What could not be
looked at leaves the count a floor, and says why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial

from opskit.aws import Door, side_by_side
from opskit.model import InUse, JobStatus, Unread, Usage
from opskit.observe.training_use import count_training, count_warm_pools
from opskit.observe.use_reads import (
    RUNNING_STATES,
    UNKNOWN_TYPE,
    Counts,
    Found,
    Told,
    all_names,
    counted_use,
    described_resources,
    first_gap,
    instances_of,
    known_part,
    listed_names,
    listed_summaries,
)

_NOTEBOOK_HOLDS_NOTHING = {"Stopped", "Failed", "Deleting"}
_STUDIO_APPS = {
    "JupyterLab": Usage.STUDIO_JUPYTERLAB,
    "CodeEditor": Usage.STUDIO_CODEEDITOR,
    "KernelGateway": Usage.STUDIO_KERNELGATEWAY,
}
_APP_HOLDS_NOTHING = {"Deleted", "Failed"}


def count_in_use(door: Door, usages: Iterable[Usage]) -> dict[Usage, InUse]:
    """What each usage holds in a Region. What could not be counted says so in ``InUse.missing``."""
    wanted = set(usages)
    looks = [look for covered, look in _LOOKS if wanted & covered]
    found = side_by_side([partial(look, door) for look in looks])
    return {usage: in_use for part in found for usage, in_use in part.items() if usage in wanted}


def _transforms(door: Door) -> Found:
    counts, gap = _jobs(door, "transform_job", "TransformJob", lambda job: job.get("TransformResources"))
    return {Usage.TRANSFORM: counted_use(counts, gap)}


def _processings(door: Door) -> Found:
    counts, gap = _jobs(
        door, "processing_job", "ProcessingJob", lambda job: (job.get("ProcessingResources") or {}).get("ClusterConfig")
    )
    return {Usage.PROCESSING: counted_use(counts, gap)}


def _jobs(
    door: Door, operation: str, word: str, resources: Callable[[Told], Told | None]
) -> tuple[Counts, Unread | None]:
    """Jobs whose listing carries no instance type: both running states are listed, then each job is asked."""
    lists = side_by_side(
        [
            partial(listed_names, door, f"list_{operation}s", f"{word}Summaries", f"{word}Name", StatusEquals=status)
            for status in RUNNING_STATES
        ]
    )
    asked = [{f"{word}Name": name} for name in sorted(all_names(*lists))]
    jobs, gap = described_resources(door, f"describe_{operation}", asked)
    counts: Counter[str] = Counter()
    for job in jobs:
        if not JobStatus(job[f"{word}Status"]).is_over:
            counts.update(instances_of(resources(job) or {}))
    return counts, gap or first_gap(*lists)


def _endpoints(door: Door) -> Found:
    names = listed_names(door, "list_endpoints", "Endpoints", "EndpointName")
    found = side_by_side([partial(_endpoint, door, name) for name in sorted(known_part(names))])
    counts: Counter[str] = Counter()
    for count, _ in found:
        counts.update(count)
    return {Usage.ENDPOINT: counted_use(counts, first_gap(names, *(gap for _, gap in found)))}


def _endpoint(door: Door, name: str) -> tuple[Counts, Unread | None]:
    """One endpoint's instances: their number from its variants, their type from its configuration. A deployment on
    its way holds its own beside them. A variant on serverless holds none.
    """
    endpoints, gap = described_resources(door, "describe_endpoint", [{"EndpointName": name}])
    if not endpoints:
        return {}, gap
    endpoint = endpoints[0]
    asked = [{"EndpointConfigName": endpoint["EndpointConfigName"]}] if endpoint.get("EndpointConfigName") else []
    configs, gap = described_resources(door, "describe_endpoint_config", asked)
    planned = {variant.get("VariantName"): variant for config in configs for variant in _variants(config)}
    counts: Counter[str] = Counter()
    for variant in _variants(endpoint) or ([] if endpoint.get("EndpointStatus") == "Failed" else planned.values()):
        counts.update(_held(variant, planned.get(variant.get("VariantName")) or {}, endpoint.get("EndpointStatus")))
    for variant in _variants(endpoint.get("PendingDeploymentSummary") or {}):
        counts.update(_held(variant, variant, endpoint.get("EndpointStatus")))
    if not (_variants(endpoint) or planned or endpoint.get("EndpointStatus") == "Failed"):
        gap = gap or Unread(f"AWS does not tell what the endpoint {name} runs on", "bad-answer")
    return counts, gap


def _variants(told: Told) -> list[Told]:
    return [*(told.get("ProductionVariants") or ()), *(told.get("ShadowProductionVariants") or ())]


def _held(variant: Told, planned: Told, status: str | None) -> Counts:
    """What a variant holds: what runs, or what it is on its way to, whichever is more; a failed one what runs."""
    pools = variant.get("InstancePools") or ()
    if any("CurrentInstanceCount" in pool for pool in pools):
        counts = Counter(
            {pool.get("InstanceType") or UNKNOWN_TYPE: pool.get("CurrentInstanceCount") or 0 for pool in pools}
        )
        return +counts
    if variant.get("CurrentServerlessConfig") or planned.get("ServerlessConfig") or variant.get("ServerlessConfig"):
        return {}
    words = ["CurrentInstanceCount"] if status == "Failed" else ["CurrentInstanceCount", "DesiredInstanceCount"]
    told = [variant[word] for word in words if variant.get(word) is not None]
    number = max(told) if told else planned.get("InitialInstanceCount")
    if number is None:
        return {UNKNOWN_TYPE: 1}
    return {planned.get("InstanceType") or UNKNOWN_TYPE: number} if number else {}


def _notebooks(door: Door) -> Found:
    summaries = listed_summaries(door, "list_notebook_instances", "NotebookInstances")
    holding = [
        summary
        for summary in known_part(summaries)
        if summary.get("NotebookInstanceStatus") not in _NOTEBOOK_HOLDS_NOTHING
    ]
    counts = Counter(summary.get("InstanceType") or UNKNOWN_TYPE for summary in holding)
    return {Usage.NOTEBOOK: counted_use(counts, first_gap(summaries))}


def _apps(door: Door) -> Found:
    apps = listed_summaries(door, "list_apps", "Apps", "AppType")
    running = [
        app
        for app in known_part(apps)
        if app.get("AppType") in _STUDIO_APPS and app.get("Status") not in _APP_HOLDS_NOTHING
    ]
    untold = [app for app in running if not _app_type(app)]
    asked, gap = described_resources(door, "describe_app", [_app_key(app) for app in untold])
    counts: dict[Usage, Counter[str]] = {usage: Counter() for usage in _STUDIO_APPS.values()}
    for app in [*(app for app in running if _app_type(app)), *asked]:
        counts[_STUDIO_APPS[app["AppType"]]][_app_type(app) or UNKNOWN_TYPE] += 1
    return {usage: counted_use(count, gap, first_gap(apps)) for usage, count in counts.items()}


def _app_type(app: Told) -> str | None:
    kind = (app.get("ResourceSpec") or {}).get("InstanceType")
    return str(kind) if kind else None


def _app_key(app: Told) -> dict[str, str]:
    return {key: app[key] for key in ("DomainId", "UserProfileName", "SpaceName", "AppType", "AppName") if app.get(key)}


def _clusters(door: Door) -> Found:
    names = listed_names(door, "list_clusters", "ClusterSummaries", "ClusterName")
    clusters, gap = described_resources(
        door, "describe_cluster", [{"ClusterName": name} for name in sorted(known_part(names))]
    )
    counts: Counter[str] = Counter()
    for cluster in clusters:
        kinds = [cluster[kind] for kind in ("InstanceGroups", "RestrictedInstanceGroups") if kind in cluster]
        gap = gap or (None if kinds else Unread("AWS does not tell the instance groups of all clusters", "bad-answer"))
        for group in (group for groups in kinds for group in groups):
            counts.update(_group(group))
    return {Usage.CLUSTER: counted_use(counts, gap, first_gap(names))}


def _group(group: Told) -> Counts:
    kinds = [kind for kind in group.get("InstanceTypeDetails") or () if kind.get("CurrentCount")]
    if kinds:
        return {kind.get("InstanceType") or UNKNOWN_TYPE: kind["CurrentCount"] for kind in kinds}
    told = [group[word] for word in ("CurrentCount", "TargetCount") if group.get(word) is not None]
    if not told:
        return {UNKNOWN_TYPE: 1}
    number = max(told)
    return {group.get("InstanceType") or UNKNOWN_TYPE: number} if number else {}


_LOOKS: tuple[tuple[frozenset[Usage], Callable[[Door], Found]], ...] = (
    (frozenset({Usage.TRAINING, Usage.SPOT_TRAINING}), count_training),
    (frozenset({Usage.TRANSFORM}), _transforms),
    (frozenset({Usage.PROCESSING}), _processings),
    (frozenset({Usage.ENDPOINT}), _endpoints),
    (frozenset({Usage.NOTEBOOK}), _notebooks),
    (frozenset({Usage.WARM_POOL}), count_warm_pools),
    (frozenset(_STUDIO_APPS.values()), _apps),
    (frozenset({Usage.CLUSTER}), _clusters),
)
"""How each usage is counted; what one look covers is looked at once."""

"""Counts what is in use now, from running jobs, endpoints, notebooks, apps and clusters.

AWS's own usage metrics lag by twenty minutes and more, so they cannot tell whether a job fits now. What could not be
looked at leaves the count a floor, and says why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from opskit.aws import Door, is_gone, side_by_side
from opskit.errors import AwsFailure
from opskit.model import InUse, Unread, Usage
from opskit.observe.quotas import unread

_PAGE = 100
_RUNNING = ("InProgress", "Stopping")
_HOLDING_POOLS = ("Available", "InUse")
_NOTEBOOK_HOLDS_NOTHING = {"Stopped", "Failed", "Deleting"}
_STUDIO_APPS = {
    "JupyterLab": Usage.STUDIO_JUPYTERLAB,
    "CodeEditor": Usage.STUDIO_CODEEDITOR,
    "KernelGateway": Usage.STUDIO_KERNELGATEWAY,
}
_APP_HOLDS_NOTHING = {"Deleted", "Failed"}
_UNKNOWN_TYPE = "?"
"""Under this an instance whose type AWS does not tell is counted: it is in the totals all the same."""

Told = Mapping[str, Any]
Counts = Mapping[str, int]
Found = Mapping[Usage, InUse]


def count_in_use(door: Door, usages: Iterable[Usage]) -> dict[Usage, InUse]:
    """What each usage holds in a Region. What could not be counted says so in ``InUse.missing``."""
    wanted = set(usages)
    looks = [look for covered, look in _LOOKS if wanted & covered]
    found = side_by_side([partial(look, door) for look in looks])
    return {usage: in_use for part in found for usage, in_use in part.items() if usage in wanted}


def _training(door: Door) -> Found:
    """Listings name the running jobs but not their instances; Search has both, but its index lags behind. A job that
    both know is counted as Search describes it; where they disagree the job itself is asked.

    What an ended job keeps warm counts as training too. A pool that is ``InUse`` is its job's own instances and that
    job runs; those that are ``Available`` come on top.
    """
    listed, indexed, pools = side_by_side(
        [partial(_running_jobs, door), partial(_indexed_jobs, door), partial(_available_pools, door)]
    )
    known: dict[str, Told] = _known(indexed) or {}
    stopping = _training_names(door, StatusEquals="Stopping") if isinstance(indexed, Unread) else None
    names = _together(listed, stopping or set())
    unsure = names.symmetric_difference(known)
    (jobs, untold), (keepers, unkept) = side_by_side(
        [partial(_asked, door, unsure), partial(_asked, door, _known(pools) - unsure)]
    )
    agreed = [job for name, job in known.items() if name in names]
    gap = _missing(untold, listed, stopping)
    return _training_counts([*agreed, *jobs, *keepers], gap, _missing(unkept, pools))


def _training_counts(jobs: Iterable[Told], gap: Unread | None, pool_gap: Unread | None) -> Found:
    """Each job once, as it was told last: one that ended meanwhile may be told as running and as keeping its pool. No
    spot job keeps one, so what is not known of pools is no gap there.
    """
    training, spot, warm = Counter[str](), Counter[str](), Counter[str]()
    for job in {str(job.get("TrainingJobName")): job for job in jobs}.values():
        fleet = _fleet(job.get("ResourceConfig") or {})
        if job.get("TrainingJobStatus") in _RUNNING:
            (spot if job.get("EnableManagedSpotTraining") else training).update(fleet)
        elif _holds_pool(job):
            warm.update(fleet)
    held = replace(_in_use(training + warm, gap, pool_gap), kept_warm=dict(warm))
    return {Usage.TRAINING: held, Usage.SPOT_TRAINING: _in_use(spot, gap)}


def _holds_pool(job: Told) -> bool:
    return (job.get("WarmPoolStatus") or {}).get("Status") in _HOLDING_POOLS


def _available_pools(door: Door) -> set[str] | Unread:
    """The names of the jobs whose instances are kept warm for the next."""
    return _training_names(door, WarmPoolStatusEquals="Available")


def _running_jobs(door: Door) -> set[str] | Unread:
    return _training_names(door, StatusEquals="InProgress")


def _training_names(door: Door, **which: str) -> set[str] | Unread:
    return _names(door, "list_training_jobs", "TrainingJobSummaries", "TrainingJobName", **which)


def _indexed_jobs(door: Door) -> dict[str, Told] | Unread:
    """The running training jobs that Search knows, by name."""
    running = [{"Name": "TrainingJobStatus", "Operator": "Equals", "Value": status} for status in _RUNNING]
    expression = {"Filters": running, "Operator": "Or"}
    found = _listed(door, "search", "Results", Resource="TrainingJob", SearchExpression=expression)
    if isinstance(found, Unread):
        return found
    jobs = [result.get("TrainingJob") or {} for result in found]
    return {str(job.get("TrainingJobName")): job for job in jobs if job.get("TrainingJobStatus") in _RUNNING}


def _asked(door: Door, names: Iterable[str]) -> tuple[list[Told], Unread | None]:
    return _described(door, "describe_training_job", [{"TrainingJobName": name} for name in sorted(names)])


def _warm_pools(door: Door) -> Found:
    lists = side_by_side([partial(_training_names, door, WarmPoolStatusEquals=status) for status in _HOLDING_POOLS])
    jobs, gap = _asked(door, _together(*lists))
    counts: Counter[str] = Counter()
    for job in jobs:
        if _holds_pool(job):
            counts.update(_fleet(job.get("ResourceConfig") or {}))
    return {Usage.WARM_POOL: _in_use(counts, gap, _missing(*lists))}


def _transforms(door: Door) -> Found:
    counts, gap = _jobs(door, "transform_job", "TransformJob", lambda job: job.get("TransformResources"))
    return {Usage.TRANSFORM: _in_use(counts, gap)}


def _processings(door: Door) -> Found:
    counts, gap = _jobs(
        door, "processing_job", "ProcessingJob", lambda job: (job.get("ProcessingResources") or {}).get("ClusterConfig")
    )
    return {Usage.PROCESSING: _in_use(counts, gap)}


def _jobs(
    door: Door, operation: str, word: str, resources: Callable[[Told], Told | None]
) -> tuple[Counts, Unread | None]:
    """Jobs whose listing carries no instance type: both running states are listed, then each job is asked."""
    lists = side_by_side(
        [
            partial(_names, door, f"list_{operation}s", f"{word}Summaries", f"{word}Name", StatusEquals=status)
            for status in _RUNNING
        ]
    )
    asked = [{f"{word}Name": name} for name in sorted(_together(*lists))]
    jobs, gap = _described(door, f"describe_{operation}", asked)
    counts: Counter[str] = Counter()
    for job in jobs:
        if job.get(f"{word}Status") in _RUNNING:
            counts.update(_fleet(resources(job) or {}))
    return counts, gap or _missing(*lists)


def _fleet(config: Told) -> Counts:
    """The instances of a job: of one type, of several groups, or of the type SageMaker chose from preferences."""
    counts: Counter[str] = Counter()
    for group in config.get("InstanceGroups") or [config]:
        kind = group.get("SelectedInstanceType") or group.get("InstanceType") or _UNKNOWN_TYPE
        counts[kind] += group.get("SelectedInstanceCount") or group.get("InstanceCount") or 1
    return counts


def _endpoints(door: Door) -> Found:
    names = _names(door, "list_endpoints", "Endpoints", "EndpointName")
    found = side_by_side([partial(_endpoint, door, name) for name in sorted(_known(names))])
    counts: Counter[str] = Counter()
    for count, _ in found:
        counts.update(count)
    return {Usage.ENDPOINT: _in_use(counts, _missing(names, *(gap for _, gap in found)))}


def _endpoint(door: Door, name: str) -> tuple[Counts, Unread | None]:
    """One endpoint's instances: their number from its variants, their type from its configuration. A deployment on
    its way holds its own beside them. A variant on serverless holds none.
    """
    endpoints, gap = _described(door, "describe_endpoint", [{"EndpointName": name}])
    if not endpoints:
        return {}, gap
    endpoint = endpoints[0]
    asked = [{"EndpointConfigName": endpoint["EndpointConfigName"]}] if endpoint.get("EndpointConfigName") else []
    configs, gap = _described(door, "describe_endpoint_config", asked)
    planned = {variant.get("VariantName"): variant for config in configs for variant in _variants(config)}
    counts: Counter[str] = Counter()
    for variant in _variants(endpoint) or ([] if endpoint.get("EndpointStatus") == "Failed" else planned.values()):
        counts.update(_held(variant, planned.get(variant.get("VariantName")) or {}, endpoint.get("EndpointStatus")))
    for variant in _variants(endpoint.get("PendingDeploymentSummary") or {}):
        counts.update(_held(variant, variant, endpoint.get("EndpointStatus")))
    return counts, gap


def _variants(told: Told) -> list[Told]:
    return [*(told.get("ProductionVariants") or ()), *(told.get("ShadowProductionVariants") or ())]


def _held(variant: Told, planned: Told, status: str | None) -> Counts:
    """What a variant holds: what runs, or what it is on its way to, whichever is more; a failed one what runs."""
    pools = variant.get("InstancePools") or ()
    if any("CurrentInstanceCount" in pool for pool in pools):
        counts = Counter(
            {pool.get("InstanceType") or _UNKNOWN_TYPE: pool.get("CurrentInstanceCount") or 0 for pool in pools}
        )
        return +counts
    if variant.get("CurrentServerlessConfig") or planned.get("ServerlessConfig") or variant.get("ServerlessConfig"):
        return {}
    words = ["CurrentInstanceCount"] if status == "Failed" else ["CurrentInstanceCount", "DesiredInstanceCount"]
    told = [variant[word] for word in words if variant.get(word) is not None]
    number = max(told) if told else planned.get("InitialInstanceCount") or 1
    return {planned.get("InstanceType") or _UNKNOWN_TYPE: number} if number else {}


def _notebooks(door: Door) -> Found:
    summaries = _listed(door, "list_notebook_instances", "NotebookInstances")
    holding = [
        summary for summary in _known(summaries) if summary.get("NotebookInstanceStatus") not in _NOTEBOOK_HOLDS_NOTHING
    ]
    counts = Counter(summary.get("InstanceType") or _UNKNOWN_TYPE for summary in holding)
    return {Usage.NOTEBOOK: _in_use(counts, _missing(summaries))}


def _apps(door: Door) -> Found:
    apps = _listed(door, "list_apps", "Apps")
    running = [
        app
        for app in _known(apps)
        if app.get("AppType") in _STUDIO_APPS and app.get("Status") not in _APP_HOLDS_NOTHING
    ]
    untold = [app for app in running if not _app_type(app)]
    asked, gap = _described(door, "describe_app", [_app_key(app) for app in untold])
    counts: dict[Usage, Counter[str]] = {usage: Counter() for usage in _STUDIO_APPS.values()}
    for app in [*(app for app in running if _app_type(app)), *asked]:
        counts[_STUDIO_APPS[app["AppType"]]][_app_type(app) or _UNKNOWN_TYPE] += 1
    return {usage: _in_use(count, gap, _missing(apps)) for usage, count in counts.items()}


def _app_type(app: Told) -> str | None:
    kind = (app.get("ResourceSpec") or {}).get("InstanceType")
    return str(kind) if kind else None


def _app_key(app: Told) -> dict[str, str]:
    return {key: app[key] for key in ("DomainId", "UserProfileName", "SpaceName", "AppType", "AppName") if app.get(key)}


def _clusters(door: Door) -> Found:
    names = _names(door, "list_clusters", "ClusterSummaries", "ClusterName")
    clusters, gap = _described(door, "describe_cluster", [{"ClusterName": name} for name in sorted(_known(names))])
    counts: Counter[str] = Counter()
    for cluster in clusters:
        for group in [*(cluster.get("InstanceGroups") or ()), *(cluster.get("RestrictedInstanceGroups") or ())]:
            counts.update(_group(group))
    return {Usage.CLUSTER: _in_use(counts, gap, _missing(names))}


def _group(group: Told) -> Counts:
    kinds = [kind for kind in group.get("InstanceTypeDetails") or () if kind.get("CurrentCount")]
    if kinds:
        return {kind.get("InstanceType") or _UNKNOWN_TYPE: kind["CurrentCount"] for kind in kinds}
    number = max(group.get("CurrentCount") or 0, group.get("TargetCount") or 0)
    return {group.get("InstanceType") or _UNKNOWN_TYPE: number} if number else {}


def _listed(door: Door, operation: str, key: str, **which: Any) -> list[Told] | Unread:
    try:
        pages = door.pages("sagemaker", operation, MaxResults=_PAGE, **which)
        return [summary for page in pages for summary in page.get(key) or ()]
    except AwsFailure as failure:
        return unread(failure)


def _names(door: Door, operation: str, key: str, name: str, **which: Any) -> set[str] | Unread:
    summaries = _listed(door, operation, key, **which)
    return summaries if isinstance(summaries, Unread) else {summary[name] for summary in summaries if name in summary}


def _described(door: Door, operation: str, asked: Iterable[Mapping[str, str]]) -> tuple[list[Told], Unread | None]:
    """Descriptions of what still exists: a resource may go between its listing and this."""
    told = side_by_side([partial(_one, door, operation, which) for which in asked])
    return [each for each in told if isinstance(each, dict)], _missing(*told)


def _one(door: Door, operation: str, which: Mapping[str, str]) -> Told | Unread | None:
    try:
        return door.read("sagemaker", operation, **which)
    except AwsFailure as failure:
        return None if is_gone(failure) else unread(failure)


def _known(read: Any) -> Any:
    """What was read, nothing where it was not; the gap is told by ``_missing``."""
    return set() if isinstance(read, Unread) else read


def _together(*lists: set[str] | Unread) -> set[str]:
    return set().union(*map(_known, lists))


def _missing(*read: object) -> Unread | None:
    """Why not all was read, None where all was."""
    return next((each for each in read if isinstance(each, Unread)), None)


def _in_use(counts: Mapping[str, int], *gaps: Unread | None) -> InUse:
    untold = Unread("AWS does not tell the instance type of all that is running") if _UNKNOWN_TYPE in counts else None
    return InUse(dict(counts), _missing(*gaps, untold))


_LOOKS: tuple[tuple[frozenset[Usage], Callable[[Door], Found]], ...] = (
    (frozenset({Usage.TRAINING, Usage.SPOT_TRAINING}), _training),
    (frozenset({Usage.TRANSFORM}), _transforms),
    (frozenset({Usage.PROCESSING}), _processings),
    (frozenset({Usage.ENDPOINT}), _endpoints),
    (frozenset({Usage.NOTEBOOK}), _notebooks),
    (frozenset({Usage.WARM_POOL}), _warm_pools),
    (frozenset(_STUDIO_APPS.values()), _apps),
    (frozenset({Usage.CLUSTER}), _clusters),
)
"""How each usage is counted; what one look covers is looked at once."""

"""Counts what is in use now, from running jobs, endpoints, notebooks and apps.

AWS's own usage metrics lag by twenty minutes and more, so they cannot tell whether a job fits now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from opskit.aws import Door, side_by_side
from opskit.errors import AwsFailure
from opskit.model import InUse, Unread, Usage
from opskit.observe.quotas import unread

_PAGE = 100
_RUNNING = ("InProgress", "Stopping")
_NOTEBOOK_HOLDS = {"Pending", "InService", "Stopping", "Updating", "PendingMaintenance", "InMaintenance"}
_ENDPOINT_HOLDS_NOTHING = {"Failed", "OutOfService"}
_STUDIO_APPS = {"JupyterLab": Usage.STUDIO_JUPYTERLAB, "CodeEditor": Usage.STUDIO_CODEEDITOR}

Description = Mapping[str, Any]
Counts = dict[Usage, Counter[str]]


def count_in_use(door: Door, usages: Iterable[Usage]) -> dict[Usage, InUse]:
    """What each usage holds in a Region. What could not be counted says so in ``InUse.missing``."""
    wanted = set(usages)
    counters = [(covered, counter) for covered, counter in _COUNTERS if wanted & covered]
    counted = side_by_side([lambda pair=pair: _guarded(door, *pair) for pair in counters])
    found = {usage: in_use for part in counted for usage, in_use in part.items() if usage in wanted}
    unable = Unread("opskit cannot count what this usage holds")
    return {usage: found.get(usage, InUse({}, unable)) for usage in wanted}


def _guarded(door: Door, covered: frozenset[Usage], counter: Callable[[Door], Counts]) -> dict[Usage, InUse]:
    try:
        counts = counter(door)
    except AwsFailure as failure:
        return {usage: InUse({}, unread(failure)) for usage in covered}
    return {usage: InUse(dict(counts.get(usage, Counter()))) for usage in covered}


def _listed(door: Door, operation: str, key: str, **which: Any) -> list[Description]:
    pages = door.pages("sagemaker", operation, MaxResults=_PAGE, **which)
    return [summary for page in pages for summary in page[key]]


def _described(door: Door, operation: str, parameter: str, names: Iterable[str]) -> list[Description]:
    """Descriptions of what still exists: a resource may go between its listing and this."""
    asked = side_by_side([lambda name=name: _one(door, operation, **{parameter: name}) for name in names])
    return [description for description in asked if description is not None]


def _one(door: Door, operation: str, **which: str) -> Description | None:
    try:
        return door.read("sagemaker", operation, **which)
    except AwsFailure as failure:
        if is_gone(failure):
            return None
        raise


def is_gone(failure: AwsFailure) -> bool:
    """Whether a failure means that the resource does not exist, in any of the ways SageMaker says so."""
    said = failure.aws_message.lower()
    words = ("recordnotfound", "could not find", "not found", "does not exist")
    return failure.aws_code == "ResourceNotFound" or (
        failure.aws_code == "ValidationException" and any(word in said for word in words)
    )


def _names(summaries: Iterable[Description], key: str) -> list[str]:
    return list(dict.fromkeys(summary[key] for summary in summaries))


def _training(door: Door) -> Counts:
    """Listings name the running jobs but not their instances; Search has both but its index may lag. So the
    listing decides which jobs run, Search describes them, and what Search does not have is asked one by one.
    """
    listed, searched = side_by_side([lambda: _running_names(door), lambda: _searched(door)])
    jobs = {job["TrainingJobName"]: job for job in searched or ()}
    stopping = {name for name, job in jobs.items() if job.get("TrainingJobStatus") == "Stopping"}
    if searched is None:
        stopping = set(_running_names(door, "Stopping"))
    running = [*listed, *(stopping - set(listed))]
    unknown = [name for name in running if "ResourceConfig" not in jobs.get(name, {})]
    described = _described(door, "describe_training_job", "TrainingJobName", unknown)
    jobs |= {job["TrainingJobName"]: job for job in described}
    counts: Counts = {Usage.TRAINING: Counter(), Usage.SPOT_TRAINING: Counter()}
    for job in (jobs[name] for name in running if "ResourceConfig" in jobs.get(name, {})):
        usage = Usage.SPOT_TRAINING if job.get("EnableManagedSpotTraining") else Usage.TRAINING
        counts[usage] += _instances(job["ResourceConfig"])
    return counts


def _running_names(door: Door, status: str = "InProgress") -> list[str]:
    return _names(_listed(door, "list_training_jobs", "TrainingJobSummaries", StatusEquals=status), "TrainingJobName")


def _searched(door: Door) -> list[Description] | None:
    """The running jobs by Search; None where it is not allowed or does not work."""
    which = {"Name": "TrainingJobStatus", "Operator": "In", "Value": ",".join(_RUNNING)}
    try:
        found = _listed(door, "search", "Results", Resource="TrainingJob", SearchExpression={"Filters": [which]})
    except AwsFailure:
        return None
    return [result["TrainingJob"] for result in found if "TrainingJob" in result]


def _instances(config: Description) -> Counter[str]:
    """The instances of a training job's resources, of one type or of several groups."""
    groups = config.get("InstanceGroups") or [config]
    counts: Counter[str] = Counter()
    for group in groups:
        if group.get("InstanceType"):
            counts[group["InstanceType"]] += group.get("InstanceCount", 1)
    return counts


def _jobs_of(operation: str, key: str, name: str, resources: Callable[[Description], Description], usage: Usage) -> Any:
    """A counter of jobs whose listing carries no instance type: list both states, describe each."""

    def count(door: Door) -> Counts:
        lists = side_by_side(
            [lambda status=status: _listed(door, f"list_{operation}s", key, StatusEquals=status) for status in _RUNNING]
        )
        names = _names((summary for part in lists for summary in part), name)
        counts: Counter[str] = Counter()
        for job in _described(door, f"describe_{operation}", name, names):
            counts += _instances(resources(job))
        return {usage: counts}

    return count


def _endpoints(door: Door) -> Counts:
    summaries = _listed(door, "list_endpoints", "Endpoints")
    holding = [summary for summary in summaries if summary["EndpointStatus"] not in _ENDPOINT_HOLDS_NOTHING]
    endpoints = _described(door, "describe_endpoint", "EndpointName", _names(holding, "EndpointName"))
    config_names = list(dict.fromkeys(endpoint["EndpointConfigName"] for endpoint in endpoints))
    configs = _described(door, "describe_endpoint_config", "EndpointConfigName", config_names)
    by_name = {config["EndpointConfigName"]: config for config in configs}
    counts: Counter[str] = Counter()
    for endpoint in endpoints:
        counts += _variants(endpoint, by_name.get(endpoint["EndpointConfigName"], {}))
    return {Usage.ENDPOINT: counts}


def _variants(endpoint: Description, config: Description) -> Counter[str]:
    """Instances of an endpoint: counts from its running variants, types from its configuration. While it is being
    made AWS names no running variants, and the configuration's counts are what it will hold.
    """
    running = {variant["VariantName"]: variant for variant in _both(endpoint)}
    counts: Counter[str] = Counter()
    for planned in _both(config):
        now = running.get(planned["VariantName"], {})
        number = max(
            now.get("CurrentInstanceCount") or 0,
            now.get("DesiredInstanceCount") or 0,
            0 if now else planned.get("InitialInstanceCount") or 0,
        )
        if planned.get("InstanceType") and number:
            counts[planned["InstanceType"]] += number
    return counts


def _both(told: Description) -> list[Description]:
    return [*told.get("ProductionVariants", ()), *told.get("ShadowProductionVariants", ())]


def _notebooks(door: Door) -> Counts:
    summaries = _listed(door, "list_notebook_instances", "NotebookInstances")
    holding = (summary for summary in summaries if summary.get("NotebookInstanceStatus") in _NOTEBOOK_HOLDS)
    return {Usage.NOTEBOOK: Counter(summary["InstanceType"] for summary in holding)}


def _warm_pools(door: Door) -> Counts:
    pools = _listed(door, "list_training_jobs", "TrainingJobSummaries", WarmPoolStatusEquals="Available")
    counts: Counter[str] = Counter()
    for job in _described(door, "describe_training_job", "TrainingJobName", _names(pools, "TrainingJobName")):
        counts += _instances(job["ResourceConfig"])
    return {Usage.WARM_POOL: counts}


def _apps(door: Door) -> Counts:
    counts: Counts = {usage: Counter() for usage in _STUDIO_APPS.values()}
    for app in _listed(door, "list_apps", "Apps"):
        instance_type = app.get("ResourceSpec", {}).get("InstanceType")
        if app.get("AppType") in _STUDIO_APPS and app.get("Status") in ("Pending", "InService") and instance_type:
            counts[_STUDIO_APPS[app["AppType"]]][instance_type] += 1
    return counts


_COUNTERS: tuple[tuple[frozenset[Usage], Callable[[Door], Counts]], ...] = (
    (frozenset({Usage.TRAINING, Usage.SPOT_TRAINING}), _training),
    (
        frozenset({Usage.TRANSFORM}),
        _jobs_of(
            "transform_job",
            "TransformJobSummaries",
            "TransformJobName",
            lambda job: job["TransformResources"],
            Usage.TRANSFORM,
        ),
    ),
    (
        frozenset({Usage.PROCESSING}),
        _jobs_of(
            "processing_job",
            "ProcessingJobSummaries",
            "ProcessingJobName",
            lambda job: job["ProcessingResources"]["ClusterConfig"],
            Usage.PROCESSING,
        ),
    ),
    (frozenset({Usage.ENDPOINT}), _endpoints),
    (frozenset({Usage.NOTEBOOK}), _notebooks),
    (frozenset({Usage.WARM_POOL}), _warm_pools),
    (frozenset({Usage.STUDIO_JUPYTERLAB, Usage.STUDIO_CODEEDITOR}), _apps),
)

"""Counts what is in use now, from running jobs, endpoints, notebooks, apps and clusters.

AWS's own usage metrics lag by twenty minutes and more, so they cannot tell whether a job fits now. What could not be
looked at leaves the count a floor, and says why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather_all
from opskit.core.aws_statuses import AppStatus, EndpointStatus, EndpointTraits, JobStatus, NotebookStatus
from opskit.core.model import Unknown, Workload
from opskit.core.workloads import WORKLOADS, UsageCounter
from opskit.quotas.reads.training_usage import count_training_jobs, count_warm_pools
from opskit.quotas.reads.usage_listings import (
    RUNNING_STATES,
    UNKNOWN_TYPE,
    Counts,
    Response,
    UsageCounts,
    describe_resources,
    first_unknown,
    job_instances,
    known_or_empty,
    list_names,
    list_summaries,
    to_in_use_counts,
    union_names,
)
from opskit.quotas.rules.model import InUseCounts

_STUDIO_APPS = {spec.studio_app: workload for workload, spec in WORKLOADS.items() if spec.studio_app}


def count_in_use(client: AwsClient, workloads: Iterable[Workload]) -> dict[Workload, InUseCounts]:
    """What each usage holds in a Region. What could not be counted says so in ``InUseCounts.incomplete``."""
    wanted = set(workloads)
    counters = {WORKLOADS[workload].counter for workload in wanted}
    found = gather_all([partial(_COUNTERS[counter], client) for counter in UsageCounter if counter in counters])
    return {usage: in_use for part in found for usage, in_use in part.items() if usage in wanted}


def _count_transforms(client: AwsClient) -> UsageCounts:
    counts, gap = _count_jobs(client, "transform_job", "TransformJob", lambda job: job.get("TransformResources"))
    return {Workload.TRANSFORM: to_in_use_counts(counts, gap)}


def _count_processings(client: AwsClient) -> UsageCounts:
    counts, gap = _count_jobs(
        client,
        "processing_job",
        "ProcessingJob",
        lambda job: (job.get("ProcessingResources") or {}).get("ClusterConfig"),
    )
    return {Workload.PROCESSING: to_in_use_counts(counts, gap)}


def _count_jobs(
    client: AwsClient, operation: str, word: str, resources: Callable[[Response], Response | None]
) -> tuple[Counts, Unknown | None]:
    """Jobs whose listing carries no instance type: both running states are listed, then each job is asked."""
    lists = gather_all(
        [
            partial(list_names, client, f"list_{operation}s", f"{word}Summaries", f"{word}Name", StatusEquals=status)
            for status in RUNNING_STATES
        ]
    )
    asked = [{f"{word}Name": name} for name in sorted(union_names(*lists))]
    jobs, gap = describe_resources(client, f"describe_{operation}", asked)
    counts: Counter[str] = Counter()
    for job in jobs:
        if not JobStatus(job[f"{word}Status"]).is_finished:
            counts.update(job_instances(resources(job) or {}))
    return counts, gap or first_unknown(*lists)


def _count_endpoints(client: AwsClient) -> UsageCounts:
    names = list_names(client, "list_endpoints", "Endpoints", "EndpointName")
    found = gather_all([partial(_count_endpoint, client, name) for name in sorted(known_or_empty(names))])
    counts: Counter[str] = Counter()
    for count, _ in found:
        counts.update(count)
    return {Workload.ENDPOINT: to_in_use_counts(counts, first_unknown(names, *(gap for _, gap in found)))}


def _count_endpoint(client: AwsClient, name: str) -> tuple[Counts, Unknown | None]:
    """One endpoint's instances: their number from its variants, their type from its configuration. A deployment on
    its way holds its own beside them. A variant on serverless holds none.
    """
    endpoints, gap = describe_resources(client, "describe_endpoint", [{"EndpointName": name}])
    if not endpoints:
        return {}, gap
    endpoint = endpoints[0]
    traits = EndpointStatus(endpoint.get("EndpointStatus", EndpointStatus.UNKNOWN)).traits
    asked = [{"EndpointConfigName": endpoint["EndpointConfigName"]}] if endpoint.get("EndpointConfigName") else []
    configs, gap = describe_resources(client, "describe_endpoint_config", asked)
    planned = {variant.get("VariantName"): variant for config in configs for variant in _all_variants(config)}
    counts: Counter[str] = Counter()
    for variant in _all_variants(endpoint) or ([] if traits.has_failed else planned.values()):
        counts.update(_variant_instances(variant, planned.get(variant.get("VariantName")) or {}, traits))
    for variant in _all_variants(endpoint.get("PendingDeploymentSummary") or {}):
        counts.update(_variant_instances(variant, variant, traits))
    if not (_all_variants(endpoint) or planned or traits.has_failed):
        gap = gap or Unknown(f"AWS does not tell what the endpoint {name} runs on", "bad-answer")
    return counts, gap


def _all_variants(response: Response) -> list[Response]:
    return [*(response.get("ProductionVariants") or ()), *(response.get("ShadowProductionVariants") or ())]


def _variant_instances(variant: Response, planned: Response, traits: EndpointTraits) -> Counts:
    """What a variant holds: what runs, or what it is on its way to, whichever is more; a failed one what runs."""
    pools = variant.get("InstancePools") or ()
    if any("CurrentInstanceCount" in pool for pool in pools):
        counts = Counter(
            {pool.get("InstanceType") or UNKNOWN_TYPE: pool.get("CurrentInstanceCount") or 0 for pool in pools}
        )
        return +counts
    if variant.get("CurrentServerlessConfig") or planned.get("ServerlessConfig") or variant.get("ServerlessConfig"):
        return {}
    words = ["CurrentInstanceCount"] if traits.has_failed else ["CurrentInstanceCount", "DesiredInstanceCount"]
    told = [variant[word] for word in words if variant.get(word) is not None]
    number = max(told) if told else planned.get("InitialInstanceCount")
    if number is None:
        return {UNKNOWN_TYPE: 1}
    return {planned.get("InstanceType") or UNKNOWN_TYPE: number} if number else {}


def _count_notebooks(client: AwsClient) -> UsageCounts:
    summaries = list_summaries(client, "list_notebook_instances", "NotebookInstances")
    holding = [
        summary
        for summary in known_or_empty(summaries)
        if NotebookStatus(summary.get("NotebookInstanceStatus")).traits.may_hold_quota
    ]
    counts = Counter(summary.get("InstanceType") or UNKNOWN_TYPE for summary in holding)
    return {Workload.NOTEBOOK: to_in_use_counts(counts, first_unknown(summaries))}


def _count_apps(client: AwsClient) -> UsageCounts:
    apps = list_summaries(client, "list_apps", "Apps", "AppType")
    running = [
        app
        for app in known_or_empty(apps)
        if app.get("AppType") in _STUDIO_APPS and AppStatus(app.get("Status", "")).may_hold_quota
    ]
    untold = [app for app in running if not _app_instance_type(app)]
    asked, gap = describe_resources(client, "describe_app", [_app_key(app) for app in untold])
    counts: dict[Workload, Counter[str]] = {workload: Counter() for workload in _STUDIO_APPS.values()}
    for app in [*(app for app in running if _app_instance_type(app)), *asked]:
        counts[_STUDIO_APPS[app["AppType"]]][_app_instance_type(app) or UNKNOWN_TYPE] += 1
    return {workload: to_in_use_counts(count, gap, first_unknown(apps)) for workload, count in counts.items()}


def _app_instance_type(app: Response) -> str | None:
    kind = (app.get("ResourceSpec") or {}).get("InstanceType")
    return str(kind) if kind else None


def _app_key(app: Response) -> dict[str, str]:
    return {key: app[key] for key in ("DomainId", "UserProfileName", "SpaceName", "AppType", "AppName") if app.get(key)}


def _count_clusters(client: AwsClient) -> UsageCounts:
    names = list_names(client, "list_clusters", "ClusterSummaries", "ClusterName")
    clusters, gap = describe_resources(
        client, "describe_cluster", [{"ClusterName": name} for name in sorted(known_or_empty(names))]
    )
    counts: Counter[str] = Counter()
    for cluster in clusters:
        kinds = [cluster[kind] for kind in ("InstanceGroups", "RestrictedInstanceGroups") if kind in cluster]
        gap = gap or (None if kinds else Unknown("AWS does not tell the instance groups of all clusters", "bad-answer"))
        for group in (group for groups in kinds for group in groups):
            counts.update(_count_instance_group(group))
    return {Workload.CLUSTER: to_in_use_counts(counts, gap, first_unknown(names))}


def _count_instance_group(group: Response) -> Counts:
    kinds = [kind for kind in group.get("InstanceTypeDetails") or () if kind.get("CurrentCount")]
    if kinds:
        return {kind.get("InstanceType") or UNKNOWN_TYPE: kind["CurrentCount"] for kind in kinds}
    told = [group[word] for word in ("CurrentCount", "TargetCount") if group.get(word) is not None]
    if not told:
        return {UNKNOWN_TYPE: 1}
    number = max(told)
    return {group.get("InstanceType") or UNKNOWN_TYPE: number} if number else {}


_COUNTERS: Mapping[UsageCounter, Callable[[AwsClient], UsageCounts]] = {
    UsageCounter.TRAINING_JOBS: count_training_jobs,
    UsageCounter.TRANSFORM_JOBS: _count_transforms,
    UsageCounter.PROCESSING_JOBS: _count_processings,
    UsageCounter.ENDPOINTS: _count_endpoints,
    UsageCounter.NOTEBOOKS: _count_notebooks,
    UsageCounter.WARM_POOLS: count_warm_pools,
    UsageCounter.STUDIO_APPS: _count_apps,
    UsageCounter.CLUSTERS: _count_clusters,
}

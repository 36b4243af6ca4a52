"""Counts what is in use now, from running jobs, endpoints, notebook instances, Studio apps and clusters.

AWS's own usage metrics lag by twenty minutes and more, so they cannot tell whether a job fits now. What could not be
read makes the count a minimum, with the reason.
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
from opskit.quotas.reads.job_listings import (
    PROCESSING_JOBS,
    TRANSFORM_JOBS,
    JobKind,
    describe_jobs,
    list_live_jobs,
    remember_ended_jobs,
)
from opskit.quotas.reads.training_usage import count_training_jobs, count_warm_pools
from opskit.quotas.reads.usage_listings import (
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
)
from opskit.quotas.rules.model import InUseCounts

_STUDIO_APPS = {spec.studio_app: workload for workload, spec in WORKLOADS.items() if spec.studio_app}


def count_in_use(client: AwsClient, workloads: Iterable[Workload]) -> dict[Workload, InUseCounts]:
    """What each workload uses in a Region. ``InUseCounts.incomplete`` says what could not be counted."""
    wanted = set(workloads)
    counters = {WORKLOADS[workload].counter for workload in wanted}
    parts = gather_all([partial(_COUNTERS[counter], client) for counter in UsageCounter if counter in counters])
    return {workload: in_use for part in parts for workload, in_use in part.items() if workload in wanted}


def _count_transforms(client: AwsClient) -> UsageCounts:
    counts, gap = _count_jobs(client, TRANSFORM_JOBS, lambda job: job.get("TransformResources"))
    return {Workload.TRANSFORM: to_in_use_counts(counts, gap)}


def _count_processings(client: AwsClient) -> UsageCounts:
    counts, gap = _count_jobs(
        client, PROCESSING_JOBS, lambda job: (job.get("ProcessingResources") or {}).get("ClusterConfig")
    )
    return {Workload.PROCESSING: to_in_use_counts(counts, gap)}


def _count_jobs(
    client: AwsClient, kind: JobKind, resources: Callable[[Response], Response | None]
) -> tuple[Counts, Unknown | None]:
    """Jobs whose listing contains no instance type, and which Search does not have: each that may run is described."""
    listed = list_live_jobs(client, kind)
    if isinstance(listed, Unknown):
        return {}, listed
    described = describe_jobs(client, kind, listed.names)
    status = f"{kind.prefix}Status"
    live = {name: job for name, job in described.jobs.items() if not JobStatus(job[status]).is_finished}
    remember_ended_jobs(client, listed, described.gone | (described.jobs.keys() - live.keys()))
    counts: Counter[str] = Counter()
    for job in live.values():
        counts.update(job_instances(resources(job) or {}))
    return counts, described.gap


def _count_endpoints(client: AwsClient) -> UsageCounts:
    # Without a status filter: it would run after the page is cut, and Failed endpoints may still hold instances.
    names = list_names(client, "list_endpoints", "Endpoints", "EndpointName")
    endpoints = gather_all([partial(_count_endpoint, client, name) for name in sorted(known_or_empty(names))])
    counts: Counter[str] = Counter()
    for count, _ in endpoints:
        counts.update(count)
    return {Workload.ENDPOINT: to_in_use_counts(counts, first_unknown(names, *(gap for _, gap in endpoints)))}


def _count_endpoint(client: AwsClient, name: str) -> tuple[Counts, Unknown | None]:
    """The instances of one endpoint: their number from its variants, their type from its configuration. A deployment in
    progress holds its own instances in addition. A serverless variant holds none.
    """
    endpoints, gap = describe_resources(client, "describe_endpoint", [{"EndpointName": name}])
    if not endpoints:
        return {}, gap
    endpoint = endpoints[0]
    traits = EndpointStatus(endpoint.get("EndpointStatus", EndpointStatus.UNKNOWN)).traits
    keys = [{"EndpointConfigName": endpoint["EndpointConfigName"]}] if endpoint.get("EndpointConfigName") else []
    configs, gap = describe_resources(client, "describe_endpoint_config", keys)
    planned = {variant.get("VariantName"): variant for config in configs for variant in _all_variants(config)}
    counts: Counter[str] = Counter()
    for variant in _all_variants(endpoint) or ([] if traits.has_failed else planned.values()):
        counts.update(_variant_instances(variant, planned.get(variant.get("VariantName")) or {}, traits))
    for variant in _all_variants(endpoint.get("PendingDeploymentSummary") or {}):
        counts.update(_variant_instances(variant, variant, traits))
    if not (_all_variants(endpoint) or planned or traits.has_failed):
        gap = gap or Unknown(f"AWS did not report the instances of the endpoint {name}", "bad-answer")
    return counts, gap


def _all_variants(response: Response) -> list[Response]:
    return [*(response.get("ProductionVariants") or ()), *(response.get("ShadowProductionVariants") or ())]


def _variant_instances(variant: Response, planned: Response, traits: EndpointTraits) -> Counts:
    """The instances of a variant: the current or the desired number, whichever is higher; of a failed one the current
    number.
    """
    pools = variant.get("InstancePools") or ()
    if any("CurrentInstanceCount" in pool for pool in pools):
        counts = Counter(
            {pool.get("InstanceType") or UNKNOWN_TYPE: pool.get("CurrentInstanceCount") or 0 for pool in pools}
        )
        return +counts
    if variant.get("CurrentServerlessConfig") or planned.get("ServerlessConfig") or variant.get("ServerlessConfig"):
        return {}
    members = ["CurrentInstanceCount"] if traits.has_failed else ["CurrentInstanceCount", "DesiredInstanceCount"]
    numbers = [variant[member] for member in members if variant.get(member) is not None]
    # While an endpoint scales either number may be the larger, and a count that is too low would pass for free quota.
    number = max(numbers) if numbers else planned.get("InitialInstanceCount")
    if number is None:
        # Without a number at least one instance: a count that is too low would let a run start that AWS refuses.
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
    undescribed = [app for app in running if not _app_instance_type(app)]
    described, gap = describe_resources(client, "describe_app", [_app_key(app) for app in undescribed])
    counts: dict[Workload, Counter[str]] = {workload: Counter() for workload in _STUDIO_APPS.values()}
    for app in [*(app for app in running if _app_instance_type(app)), *described]:
        counts[_STUDIO_APPS[app["AppType"]]][_app_instance_type(app) or UNKNOWN_TYPE] += 1
    return {workload: to_in_use_counts(count, gap, first_unknown(apps)) for workload, count in counts.items()}


def _app_instance_type(app: Response) -> str | None:
    instance_type = (app.get("ResourceSpec") or {}).get("InstanceType")
    return str(instance_type) if instance_type else None


def _app_key(app: Response) -> dict[str, str]:
    return {key: app[key] for key in ("DomainId", "UserProfileName", "SpaceName", "AppType", "AppName") if app.get(key)}


def _count_clusters(client: AwsClient) -> UsageCounts:
    names = list_names(client, "list_clusters", "ClusterSummaries", "ClusterName")
    clusters, gap = describe_resources(
        client, "describe_cluster", [{"ClusterName": name} for name in sorted(known_or_empty(names))]
    )
    counts: Counter[str] = Counter()
    for cluster in clusters:
        group_lists = [
            cluster[member] for member in ("InstanceGroups", "RestrictedInstanceGroups") if member in cluster
        ]
        gap = gap or (
            None if group_lists else Unknown("AWS did not report the instance groups of some clusters", "bad-answer")
        )
        for group in (group for groups in group_lists for group in groups):
            counts.update(_count_instance_group(group))
    return {Workload.CLUSTER: to_in_use_counts(counts, gap, first_unknown(names))}


def _count_instance_group(group: Response) -> Counts:
    type_details = [detail for detail in group.get("InstanceTypeDetails") or () if detail.get("CurrentCount")]
    if type_details:
        return {detail.get("InstanceType") or UNKNOWN_TYPE: detail["CurrentCount"] for detail in type_details}
    numbers = [group[member] for member in ("CurrentCount", "TargetCount") if group.get(member) is not None]
    if not numbers:
        return {UNKNOWN_TYPE: 1}
    number = max(numbers)
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

"""Counts what is in use now, from running jobs, endpoints, notebook instances, Studio apps and clusters.

AWS's own usage metrics lag by twenty minutes and more, so they cannot tell whether a job fits now. What could not be
read makes the count a minimum, with the reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather, gather_all
from opskit.core.aws_statuses import AppStatus, EndpointStatus, EndpointTraits, NotebookStatus
from opskit.core.model import Unknown, Workload
from opskit.core.result_or_error import first_unknown
from opskit.core.workloads import NOTEBOOK_VOLUMES, SPACE_VOLUMES, WORKLOADS, UsageCounter
from opskit.quotas.reads.descriptions import (
    Response,
    describe_listed,
    describe_resources,
    listed_app,
    listed_cluster,
    listed_endpoint,
)
from opskit.quotas.reads.job_listings import (
    PROCESSING_JOBS,
    TRANSFORM_JOBS,
    JobKind,
    read_live_jobs,
)
from opskit.quotas.reads.training_usage import count_training_jobs, count_warm_pools
from opskit.quotas.reads.usage_listings import (
    Counts,
    EndpointConfigs,
    UsageCounts,
    instance_counts,
    job_holder,
    job_instances,
    known_or_empty,
    list_summaries,
    missing_member,
    sum_notebook_volumes,
    sum_space_volumes,
    to_in_use_counts,
    without_marks,
)
from opskit.quotas.rules.model import NUMBER_UNKNOWN, UNKNOWN_TYPE, InUseCounts, QuotaHolder
from opskit.quotas.rules.requirements import SERVERLESS_CONCURRENCY, SERVERLESS_ENDPOINTS

_STUDIO_APPS = {spec.studio_app: workload for workload, spec in WORKLOADS.items() if spec.studio_app}


def count_in_use(
    client: AwsClient, workloads: Iterable[Workload], *, with_volumes: bool = False
) -> dict[Workload, InUseCounts]:
    """What each workload uses in a Region. ``InUseCounts.incomplete`` says what could not be counted. ``with_volumes``
    also adds up the volumes of notebook instances, of which each that is new or was changed is described, and those of
    Studio's spaces.
    """
    wanted = set(workloads)
    counters = {WORKLOADS[workload].counter for workload in wanted}
    known: dict[UsageCounter, Callable[[AwsClient], UsageCounts]] = {**_COUNTERS}
    known |= {
        UsageCounter.NOTEBOOKS: partial(_count_notebooks, with_volumes=with_volumes),
        UsageCounter.STUDIO_APPS: partial(_count_apps, with_volumes=with_volumes),
    }
    parts = gather_all([partial(known[counter], client) for counter in UsageCounter if counter in counters])
    return {workload: in_use for part in parts for workload, in_use in part.items() if workload in wanted}


def _count_jobs(client: AwsClient, *, kind: JobKind, workload: Workload, config_path: Sequence[str]) -> UsageCounts:
    """Count the instances of the jobs of a kind. ``config_path`` leads to the member of a job that tells them."""
    live, gap = read_live_jobs(client, kind)
    holders = []
    for job in live:
        config: Response = job
        for member in config_path:
            config = config.get(member) or {}
        holders.append(job_holder(kind.prefix, job, job_instances(config)))
    return {workload: to_in_use_counts(holders, gap)}


def _count_endpoints(client: AwsClient) -> UsageCounts:
    # Without a status filter: it would run after the page is cut, and Failed endpoints may still hold instances.
    listed = list_summaries(client, "list_endpoints", "Endpoints", "EndpointName")
    by_name = {str(summary["EndpointName"]): summary for summary in known_or_empty(listed)}
    configs = EndpointConfigs.load(client) if by_name else EndpointConfigs(client)
    endpoints = gather_all([partial(_count_endpoint, client, configs, by_name[name]) for name in sorted(by_name)])
    # Only a whole list: what a list that broke off lacks would be forgotten as deleted.
    if by_name and not isinstance(listed, Unknown):
        configs.remember()
    found = [endpoint for endpoint in endpoints if endpoint.holder]
    in_use = to_in_use_counts(
        [endpoint.holder for endpoint in found if endpoint.holder],
        first_unknown(listed, *(endpoint.gap for endpoint in endpoints)),
    )
    serverless = sum(1 for endpoint in found if endpoint.serverless_limits)
    limits = [limit for endpoint in found for limit in endpoint.serverless_limits]
    concurrency = first_unknown(in_use.incomplete, *limits) or sum(limit for limit in limits if isinstance(limit, int))
    others = {SERVERLESS_ENDPOINTS: in_use.incomplete or serverless, SERVERLESS_CONCURRENCY: concurrency}
    return {Workload.ENDPOINT: replace(in_use, others=others)}


@dataclass(frozen=True)
class _CountedEndpoint:
    """What an endpoint holds. ``holder`` None: AWS described no such endpoint. ``gap`` is why it is not known, or not
    completely, what it holds; None: it is known, and without ``holder`` that is nothing, since it is gone.
    ``serverless_limits`` are the concurrencies that its serverless variants take up.
    """

    holder: QuotaHolder | None
    gap: Unknown | None = None
    serverless_limits: tuple[int | Unknown, ...] = ()


def _count_endpoint(client: AwsClient, known_configs: EndpointConfigs, listed: Response) -> _CountedEndpoint:
    """The instances of one endpoint: their number from its variants, their type from its configuration."""
    name = str(listed["EndpointName"])
    endpoint = describe_listed(client, "describe_endpoint", listed_endpoint(listed))
    if endpoint is None or isinstance(endpoint, Unknown):
        return _CountedEndpoint(None, endpoint)
    traits = EndpointStatus(endpoint.get("EndpointStatus", EndpointStatus.UNKNOWN)).traits
    configs, gap = known_configs.read_config(endpoint)
    planned = {variant.get("VariantName"): variant for config in configs for variant in _all_variants(config)}
    # Where the configuration was deleted AWS does not tell the types: such instances may be of any. One that has failed
    # may have no variants, and then holds none.
    present = _all_variants(endpoint) or ([] if traits.has_failed else list(planned.values()))
    variants = [(variant, planned.get(variant.get("VariantName")) or {}) for variant in present]
    # A deployment's own variants say their types; its number comes on top until it has taken over.
    pending = _all_variants(endpoint.get("PendingDeploymentSummary") or {})
    variants += [(variant, variant) for variant in pending]
    counts: Counter[str] = Counter()
    for variant, plan in variants:
        counts.update(_variant_instances(variant, plan, traits))
    if not (present or pending or traits.has_failed):
        gap = gap or Unknown(f"AWS did not report the instances of the endpoint {name}", "bad-answer")
    elif NUMBER_UNKNOWN not in counts:
        gap = None  # the configuration would tell the types alone, and the ceiling of every type has room for them
    limits = tuple(limit for variant, plan in variants if (limit := _serverless_limit(variant, plan)) is not None)
    holder = QuotaHolder("endpoint", name, counts, endpoint.get("CreationTime"), endpoint.get("EndpointArn"))
    return _CountedEndpoint(holder, gap, limits)


def _serverless_limit(variant: Response, planned: Response) -> int | Unknown | None:
    """The concurrency that a serverless variant takes up; None: it is not serverless."""
    sources = (
        variant.get("CurrentServerlessConfig"),
        variant.get("DesiredServerlessConfig"),
        variant.get("ServerlessConfig"),
        planned.get("ServerlessConfig"),
    )
    configs = [config for config in sources if config is not None]
    if gap := missing_member(configs, "MaxConcurrency"):
        return gap
    # While it changes, either of its two configurations may count.
    return max((int(config["MaxConcurrency"]) for config in configs), default=None)


def _all_variants(response: Response) -> list[Response]:
    return [*(response.get("ProductionVariants") or ()), *(response.get("ShadowProductionVariants") or ())]


def _variant_instances(variant: Response, planned: Response, traits: EndpointTraits) -> Counts:
    """The instances of a variant: the current or the wanted number, whichever is higher. While an endpoint scales
    either may be the larger, and a count that is too low would pass for free quota.
    """
    if _serverless_limit(variant, planned) is not None:
        return {}
    wanted = _wanted_number(variant, planned, traits)
    pools = variant.get("InstancePools") or ()
    if any("CurrentInstanceCount" in pool for pool in pools):
        counts = _pool_instances(pools, wanted or 0)
    else:
        # One in service may have scaled since it began with what its configuration says.
        begun = None if traits.is_in_service else planned.get("InitialInstanceCount")
        numbers = [number for number in (variant.get("CurrentInstanceCount"), wanted) if number is not None]
        counts = Counter(instance_counts(planned.get("InstanceType"), max(numbers) if numbers else begun))
    may_get_more = not (traits.is_settled or traits.is_going)
    if wanted is None and may_get_more:
        counts[NUMBER_UNKNOWN] += 1
    return counts


def _wanted_number(variant: Response, planned: Response, traits: EndpointTraits) -> int | None:
    """To how many instances a variant is to come; None: it keeps those that it has, or AWS does not tell."""
    if traits.has_failed:
        return None
    wanted = variant.get("DesiredInstanceCount")
    if wanted is None and not traits.is_settled:
        wanted = planned.get("InitialInstanceCount")
    return None if wanted is None else int(wanted)


def _pool_instances(pools: Iterable[Response], wanted: int) -> Counter[str]:
    """The instances of a variant's pools, of which there are to be so many."""
    counts: Counter[str] = Counter()
    for pool in pools:
        counts.update(instance_counts(pool.get("InstanceType"), pool.get("CurrentInstanceCount")))
    coming = wanted - sum(pool.get("CurrentInstanceCount") or 0 for pool in pools)
    # Those that it is still to get may be of any of their types: AWS takes the first pool with capacity.
    if coming > 0:
        counts[UNKNOWN_TYPE] += coming
    return counts


def _count_notebooks(client: AwsClient, *, with_volumes: bool = False) -> UsageCounts:
    """Count notebook instances."""
    summaries = list_summaries(client, "list_notebook_instances", "NotebookInstances")
    found: list[Response] = list(known_or_empty(summaries))
    holding = [
        summary for summary in found if NotebookStatus(str(summary.get("NotebookInstanceStatus"))).traits.may_hold_quota
    ]
    in_use = to_in_use_counts(map(_notebook_holder, holding), first_unknown(summaries))
    # Those that are stopped hold no instance, but AWS seems to count them in the total of all notebook instances: an
    # account was seen with 16 of 8. So they are possible, not certain.
    idle = len(found) - len(holding)
    what = f"AWS may count stopped ones too, of which there {'is 1' if idle == 1 else f'are {idle}'}"
    volumes = (
        {NOTEBOOK_VOLUMES: first_unknown(summaries) or sum_notebook_volumes(client, found)} if with_volumes else {}
    )
    in_use = replace(in_use, possible_total=idle, possible_what=what if idle else "", others=volumes)
    return {Workload.NOTEBOOK: in_use}


def _notebook_holder(summary: Response) -> QuotaHolder:
    since = summary.get("LastModifiedTime") or summary.get("CreationTime")
    instances = instance_counts(summary.get("InstanceType"), 1)
    name, arn = summary.get("NotebookInstanceName", ""), summary.get("NotebookInstanceArn")
    return QuotaHolder("notebook instance", str(name), instances, since, arn)


def _count_apps(client: AwsClient, *, with_volumes: bool = False) -> UsageCounts:
    """Count Studio's apps: of each kind with a quota per instance type, and of all kinds for the quota above them."""
    apps, volumes = gather(
        partial(list_summaries, client, "list_apps", "Apps", "AppType"),
        lambda: {SPACE_VOLUMES: sum_space_volumes(client)} if with_volumes else {},
    )
    every = [app for app in known_or_empty(apps) if AppStatus(app.get("Status", "")).may_hold_quota]
    running = [app for app in every if app.get("AppType") in _STUDIO_APPS]
    undescribed = [app for app in running if not _app_instance_type(app)]
    described, gap = describe_resources(client, "describe_app", map(listed_app, undescribed))
    holders: dict[Workload, list[QuotaHolder]] = {workload: [] for workload in _STUDIO_APPS.values()}
    for app in [*(app for app in running if _app_instance_type(app)), *described]:
        holders[_STUDIO_APPS[app.get("AppType")]].append(_app_holder(app))
    # All kinds of apps count in the total, also those without a quota for each type.
    total, unlisted = len(every), first_unknown(apps)
    return {
        workload: replace(to_in_use_counts(held, gap, unlisted), total=total, others=volumes)
        for workload, held in holders.items()
    }


def _app_holder(app: Response) -> QuotaHolder:
    names = [str(app[member]) for member in ("DomainId", "SpaceName", "UserProfileName", "AppName") if app.get(member)]
    instances = instance_counts(_app_instance_type(app), 1)
    return QuotaHolder(
        f"{app.get('AppType')} app", "/".join(names), instances, app.get("CreationTime"), app.get("AppArn")
    )


def _app_instance_type(app: Response) -> str | None:
    instance_type = (app.get("ResourceSpec") or {}).get("InstanceType")
    return str(instance_type) if instance_type else None


def _count_clusters(client: AwsClient) -> UsageCounts:
    listed = list_summaries(client, "list_clusters", "ClusterSummaries", "ClusterName")
    clusters, gap = describe_resources(client, "describe_cluster", map(listed_cluster, known_or_empty(listed)))
    holders: list[QuotaHolder] = []
    planned: Counter[str] = Counter()
    for cluster in clusters:
        group_lists = [
            cluster[member] for member in ("InstanceGroups", "RestrictedInstanceGroups") if member in cluster
        ]
        gap = gap or (
            None if group_lists else Unknown("AWS did not report the instance groups of some clusters", "bad-answer")
        )
        counts: Counter[str] = Counter()
        for group in (group for groups in group_lists for group in groups):
            counts.update(_count_instance_group(group))
            planned.update(_count_instance_group(group) if group.get("TrainingPlanArn") else {})
        name, arn = str(cluster.get("ClusterName", "")), cluster.get("ClusterArn")
        holders.append(QuotaHolder("cluster", name, counts, cluster.get("CreationTime"), arn))
    in_use = to_in_use_counts(holders, gap, first_unknown(listed))
    return {Workload.CLUSTER: replace(in_use, in_plans=without_marks(planned))}


def _count_instance_group(group: Response) -> Counts:
    counts: Counter[str] = Counter()
    for detail in group.get("InstanceTypeDetails") or ():
        counts.update(instance_counts(detail.get("InstanceType"), detail.get("CurrentCount")))
    numbers = [group[member] for member in ("CurrentCount", "TargetCount") if group.get(member) is not None]
    if not counts:
        return instance_counts(group.get("InstanceType"), max(numbers, default=None))
    coming = max(numbers, default=0) - sum(without_marks(counts).values())
    if coming > 0:  # of which of its types they will be, AWS has not decided
        counts[UNKNOWN_TYPE] += coming
    return counts


_COUNTERS: Mapping[UsageCounter, Callable[[AwsClient], UsageCounts]] = {
    UsageCounter.TRAINING_JOBS: count_training_jobs,
    UsageCounter.TRANSFORM_JOBS: partial(
        _count_jobs, kind=TRANSFORM_JOBS, workload=Workload.TRANSFORM, config_path=("TransformResources",)
    ),
    UsageCounter.PROCESSING_JOBS: partial(
        _count_jobs,
        kind=PROCESSING_JOBS,
        workload=Workload.PROCESSING,
        config_path=("ProcessingResources", "ClusterConfig"),
    ),
    UsageCounter.ENDPOINTS: _count_endpoints,
    UsageCounter.NOTEBOOKS: _count_notebooks,
    UsageCounter.WARM_POOLS: count_warm_pools,
    UsageCounter.STUDIO_APPS: _count_apps,
    UsageCounter.CLUSTERS: _count_clusters,
}

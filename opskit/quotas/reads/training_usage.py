"""Counts the instances of training jobs, and of the warm pools that ended jobs keep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather, gather_all
from opskit.core.aws_statuses import JobStatus, WarmPoolStatus
from opskit.core.model import Unknown, Workload
from opskit.quotas.reads.usage_listings import (
    RUNNING_STATES,
    Response,
    UsageCounts,
    describe_resources,
    first_unknown,
    job_instances,
    known_or_empty,
    list_names,
    list_summaries,
    missing_member,
    to_in_use_counts,
    union_names,
)

_HOLDING_POOLS = (WarmPoolStatus.AVAILABLE, WarmPoolStatus.IN_USE)
# The members that counting needs. A job that lacks one of them in Search is described instead.
_REQUIRED_MEMBERS = {"TrainingJobStatus", "ResourceConfig", "EnableManagedSpotTraining"}


def count_training_jobs(client: AwsClient) -> UsageCounts:
    """Count training and spot training instances.

    Listings contain the names of running jobs but not their instances; Search has both, but its index lags behind. A
    job that both contain is counted as Search returns it; where they disagree, the job is described.

    The instances that an ended job keeps warm count as training too. A pool that is ``InUse`` is its job's own
    instances, and that job is running; pools that are ``Available`` are counted on top.
    """
    listed, indexed, pools = gather(
        partial(_running_job_names, client),
        partial(_search_training_jobs, client),
        partial(_available_pool_jobs, client),
    )
    search_results: dict[str, Response] = known_or_empty(indexed) or {}
    stopping = _listed_training_names(client, StatusEquals=JobStatus.STOPPING) if isinstance(indexed, Unknown) else None
    names = union_names(listed, stopping or set())
    agreed = {name: job for name, job in search_results.items() if name in names and job.keys() >= _REQUIRED_MEMBERS}
    uncertain = (names | search_results.keys()) - agreed.keys()
    (jobs, jobs_unknown), (keepers, keepers_unknown) = gather(
        partial(_describe_jobs, client, uncertain), partial(_describe_jobs, client, known_or_empty(pools) - uncertain)
    )
    jobs_gap = first_unknown(jobs_unknown, listed, stopping)
    pool_gap = first_unknown(
        keepers_unknown,
        pools,
        _undescribed_pool(job for job in [*jobs, *keepers] if _job_name(job) in known_or_empty(pools)),
    )
    return _merge_training_counts([*agreed.values(), *jobs, *keepers], jobs_gap, pool_gap)


def _merge_training_counts(jobs: Iterable[Response], jobs_gap: Unknown | None, pool_gap: Unknown | None) -> UsageCounts:
    """The counts of all jobs. Each job counts once, as it was read last: one that ended meanwhile may have been read
    both as running and as keeping its pool. Spot jobs keep no pools, so a gap in the pools is none there. A job that
    does not say whether it is spot training counts as not, and makes the spot count a minimum.
    """
    training, spot, warm = Counter[str](), Counter[str](), Counter[str]()
    last = {_job_name(job): job for job in jobs}.values()
    for job in last:
        instances = job_instances(job.get("ResourceConfig") or {})
        if _is_running(job):
            (spot if job.get("EnableManagedSpotTraining") else training).update(instances)
        elif _holds_warm_pool(job):
            warm.update(instances)
    spot_gap = missing_member((job for job in last if _is_running(job)), "EnableManagedSpotTraining")
    training_counts = replace(to_in_use_counts(training + warm, jobs_gap, pool_gap), kept_warm=dict(warm))
    return {Workload.TRAINING: training_counts, Workload.SPOT_TRAINING: to_in_use_counts(spot, jobs_gap, spot_gap)}


def _job_name(job: Response) -> str:
    return str(job["TrainingJobName"])


def _is_running(job: Response) -> bool:
    return not JobStatus(job["TrainingJobStatus"]).is_finished


def _holds_warm_pool(job: Response) -> bool:
    status = (job.get("WarmPoolStatus") or {}).get("Status")
    return status is not None and WarmPoolStatus(status).may_hold_quota


def _undescribed_pool(jobs: Iterable[Response]) -> Unknown | None:
    """Why not all pools are counted: a job that was listed for its pool was returned without it."""
    return missing_member([job.get("WarmPoolStatus") or {} for job in jobs], "Status")


def _available_pool_jobs(client: AwsClient) -> set[str] | Unknown:
    """The names of the jobs whose instances are kept warm and idle."""
    return _listed_training_names(client, WarmPoolStatusEquals=WarmPoolStatus.AVAILABLE)


def _running_job_names(client: AwsClient) -> set[str] | Unknown:
    return _listed_training_names(client, StatusEquals=JobStatus.IN_PROGRESS)


def _listed_training_names(client: AwsClient, **filters: str) -> set[str] | Unknown:
    return list_names(client, "list_training_jobs", "TrainingJobSummaries", "TrainingJobName", **filters)


def _search_training_jobs(client: AwsClient) -> dict[str, Response] | Unknown:
    """The training jobs that Search returns as running, or without a status, by name."""
    filters = [{"Name": "TrainingJobStatus", "Operator": "Equals", "Value": status} for status in RUNNING_STATES]
    expression = {"Filters": filters, "Operator": "Or"}
    results = list_summaries(client, "search", "Results", Resource="TrainingJob", SearchExpression=expression)
    if isinstance(results, Unknown):
        return results
    jobs = [result.get("TrainingJob") or {} for result in results]
    unknown = missing_member(jobs, "TrainingJobName")
    return unknown or {
        job["TrainingJobName"]: job for job in jobs if job.get("TrainingJobStatus") in (*RUNNING_STATES, None)
    }


def _describe_jobs(client: AwsClient, names: Iterable[str]) -> tuple[list[Response], Unknown | None]:
    return describe_resources(client, "describe_training_job", [{"TrainingJobName": name} for name in sorted(names)])


def count_warm_pools(client: AwsClient) -> UsageCounts:
    """Count the instances in warm pools, whether a following job uses them or not."""
    lists = gather_all(
        [partial(_listed_training_names, client, WarmPoolStatusEquals=status) for status in _HOLDING_POOLS]
    )
    jobs, gap = _describe_jobs(client, union_names(*lists))
    counts: Counter[str] = Counter()
    for job in jobs:
        if _holds_warm_pool(job):
            counts.update(job_instances(job.get("ResourceConfig") or {}))
    return {Workload.WARM_POOL: to_in_use_counts(counts, gap, first_unknown(*lists), _undescribed_pool(jobs))}

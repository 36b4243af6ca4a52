"""Counts the instances of training jobs, and of the warm pools that ended jobs keep."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather, start_in_background
from opskit.core.job_statuses import JobStatus, WarmPoolStatus
from opskit.core.model import Unknown, Workload
from opskit.core.result_or_error import first_unknown
from opskit.quotas.reads.descriptions import Response
from opskit.quotas.reads.job_listings import TRAINING_JOBS, LiveJobs, describe_jobs, list_live_jobs, remember_ended_jobs
from opskit.quotas.reads.usage_listings import (
    UsageCounts,
    job_holder,
    job_instances,
    known_or_empty,
    list_summaries,
    missing_member,
    to_in_use_counts,
)
from opskit.quotas.rules.model import QuotaHolder

_ENDED_STATES = tuple(status.value for status in JobStatus if status.is_finished)
_HOLDING_POOLS = tuple(status for status in WarmPoolStatus.documented() if status.may_hold_quota)
# The members that counting needs. A job that lacks one of them in Search is described instead.
_REQUIRED_MEMBERS = {"TrainingJobStatus", "ResourceConfig", "EnableManagedSpotTraining"}


@dataclass(frozen=True)
class LiveTrainingJobs:
    """The training jobs that run or keep instances warm, as AWS describes them. ``jobs_gap`` and ``pool_gap`` are why
    there may be more of either; None: there are no more.
    """

    running: tuple[Response, ...]
    warm: tuple[Response, ...]
    jobs_gap: Unknown | None = None
    pool_gap: Unknown | None = None


def read_live_training_jobs(client: AwsClient) -> LiveTrainingJobs:
    """The training jobs of a Region that run, or that have ended and keep their instances warm.

    The listing contains the names of the newest jobs but not their instances; Search has both, of jobs of any age, but
    its index lags behind. A job that both contain is returned as Search has it; any other that may run is described.
    """
    searches = start_in_background(
        lambda: gather(partial(_search_running_jobs, client), partial(_search_warm_pools, client))
    )
    # It can stop early only if Search knows the older jobs.
    listed = list_live_jobs(client, TRAINING_JOBS, search_has_older=lambda: first_unknown(*searches.result()) is None)
    indexed, pools = searches.result()
    search_results: dict[str, Response] = known_or_empty(indexed) or {}
    names, keepers = listed.split_by_pool() if isinstance(listed, LiveJobs) else (set(), set())
    keepers |= known_or_empty(pools)
    agreed = {name: job for name, job in search_results.items() if name in names and job.keys() >= _REQUIRED_MEMBERS}
    # Search lags: a job that only one source has may have ended or just begun, so it is described.
    uncertain = (names | search_results.keys()) - agreed.keys()
    shown = listed.listed.keys() if isinstance(listed, LiveJobs) else set[str]()
    described, kept = gather(
        partial(describe_jobs, client, TRAINING_JOBS, uncertain, shown),
        partial(describe_jobs, client, TRAINING_JOBS, keepers - uncertain, shown),
    )
    jobs = {**agreed, **described.jobs, **kept.jobs}
    if isinstance(listed, LiveJobs):
        ended = {name for name, job in jobs.items() if not _may_hold_instances(job)}
        remember_ended_jobs(client, listed, ended | described.gone | kept.gone)
    return LiveTrainingJobs(
        tuple(job for job in jobs.values() if _is_running(job)),
        tuple(job for job in jobs.values() if not _is_running(job) and _holds_warm_pool(job)),
        first_unknown(described.gap, listed),
        first_unknown(kept.gap, _undescribed_pool(jobs[name] for name in keepers & jobs.keys())),
    )


def count_training_jobs(client: AwsClient) -> UsageCounts:
    """Count training and spot training instances.

    The instances that an ended job keeps warm count as training too. A pool that is ``InUse`` is its job's own
    instances, and that job is running; pools that are ``Available`` are counted on top. A job that does not say whether
    it is spot training counts as not, and makes the spot count a minimum.
    """
    live = read_live_training_jobs(client)
    spot = [job for job in live.running if job.get("EnableManagedSpotTraining")]
    plain = [job for job in live.running if not job.get("EnableManagedSpotTraining")]
    planned = [job for job in plain if (job.get("ResourceConfig") or {}).get("TrainingPlanArn")]
    spot_gap = missing_member(live.running, "EnableManagedSpotTraining")
    counts = to_in_use_counts(_holders_of([*plain, *live.warm]), live.jobs_gap, live.pool_gap)
    kept_warm, in_plans = (to_in_use_counts(_holders_of(jobs)).by_type for jobs in (live.warm, planned))
    training_counts = replace(counts, kept_warm=kept_warm, in_plans=in_plans)
    # Spot jobs keep no pools, so a gap in the pools is none here.
    spot_counts = to_in_use_counts(_holders_of(spot), live.jobs_gap, spot_gap)
    return {Workload.TRAINING: training_counts, Workload.SPOT_TRAINING: spot_counts}


def _holders_of(jobs: Iterable[Response]) -> list[QuotaHolder]:
    return [job_holder("TrainingJob", job, job_instances(job.get("ResourceConfig") or {})) for job in jobs]


def _is_running(job: Response) -> bool:
    return not TRAINING_JOBS.has_ended(job)


def _holds_warm_pool(job: Response) -> bool:
    status = (job.get("WarmPoolStatus") or {}).get("Status")
    return status is not None and WarmPoolStatus(status).may_hold_quota


def _undescribed_pool(jobs: Iterable[Response]) -> Unknown | None:
    """Why not all pools are counted: a job that was listed for its pool was returned without it."""
    pools = [job.get("WarmPoolStatus") or {} for job in jobs if not _keeps_nothing_warm(job)]
    return missing_member(pools, "Status")


def _keeps_nothing_warm(job: Response) -> bool:
    """Whether a whole job shows that it has no pool: its request did not ask for one."""
    config = job.get("ResourceConfig")
    return config is not None and not config.get("KeepAlivePeriodInSeconds") and job.get("WarmPoolStatus") is None


def _may_hold_instances(job: Response) -> bool:
    """Whether a job runs or keeps a pool, or does not say that it keeps none."""
    pool = job.get("WarmPoolStatus")
    return _is_running(job) or (pool is not None and WarmPoolStatus(pool.get("Status")).may_hold_quota)


def _search_running_jobs(client: AwsClient) -> dict[str, Response] | Unknown:
    """The training jobs that Search does not return as ended, by name."""
    # By what they are not: a status that AWS invents is no ended job, and Search alone knows those that are old.
    filters = [{"Name": "TrainingJobStatus", "Operator": "NotEquals", "Value": status} for status in _ENDED_STATES]
    results = _search_training_jobs(client, {"Filters": filters, "Operator": "And"})
    if isinstance(results, Unknown):
        return results
    return {name: job for name, job in results.items() if job.get("TrainingJobStatus") not in _ENDED_STATES}


def _search_warm_pools(client: AwsClient) -> set[str] | Unknown:
    """The names of the jobs that Search returns as keeping instances warm."""
    filters = [{"Name": "WarmPoolStatus.Status", "Operator": "Equals", "Value": status} for status in _HOLDING_POOLS]
    results = _search_training_jobs(client, {"Filters": filters, "Operator": "Or"})
    if isinstance(results, Unknown):
        return results
    # Where it pays no heed to the filter it returns all jobs that ever ran, and none of those needs to be described.
    return {name for name, job in results.items() if not _keeps_nothing_warm(job)}


def _search_training_jobs(client: AwsClient, expression: Mapping[str, Any]) -> dict[str, Response] | Unknown:
    results = list_summaries(client, "search", "Results", Resource="TrainingJob", SearchExpression=expression)
    if isinstance(results, Unknown):
        return results
    jobs = [result.get("TrainingJob") or {} for result in results]
    return missing_member(jobs, "TrainingJobName") or {job["TrainingJobName"]: job for job in jobs}


def count_warm_pools(client: AwsClient) -> UsageCounts:
    """Count the instances in warm pools, whether a following job uses them or not."""
    search = start_in_background(partial(_search_warm_pools, client))
    listed = list_live_jobs(client, TRAINING_JOBS, search_has_older=lambda: first_unknown(search.result()) is None)
    pools = search.result()
    _, keepers = listed.split_by_pool() if isinstance(listed, LiveJobs) else (set(), set())
    remembered = listed.unended if isinstance(listed, LiveJobs) else frozenset()
    keepers |= known_or_empty(pools)
    shown = listed.listed.keys() if isinstance(listed, LiveJobs) else set[str]()
    described = describe_jobs(client, TRAINING_JOBS, keepers | remembered, shown)
    holders = _holders_of(job for job in described.jobs.values() if _holds_warm_pool(job))
    pool_gap = _undescribed_pool(described.jobs[name] for name in keepers & described.jobs.keys())
    return {Workload.WARM_POOL: to_in_use_counts(holders, described.gap, first_unknown(listed), pool_gap)}

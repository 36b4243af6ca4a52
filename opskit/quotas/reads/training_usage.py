"""Counts the instances of training jobs and of the warm pools that ended ones keep."""

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
# What a training job must tell to be counted. What the index leaves out of it, the job itself is asked for.
_ALL_THAT_COUNTS = {"TrainingJobStatus", "ResourceConfig", "EnableManagedSpotTraining"}


def count_training_jobs(client: AwsClient) -> UsageCounts:
    """Listings name the running jobs but not their instances; Search has both, but its index lags behind. A job that
    both know is counted as Search describes it; where they disagree the job itself is asked.

    What an ended job keeps warm counts as training too. A pool that is ``InUseCounts`` is its job's own instances and
    that job runs; those that are ``Available`` come on top.
    """
    listed, indexed, pools = gather(
        partial(_running_job_names, client),
        partial(_search_training_jobs, client),
        partial(_available_pool_jobs, client),
    )
    known: dict[str, Response] = known_or_empty(indexed) or {}
    stopping = _listed_training_names(client, StatusEquals=JobStatus.STOPPING) if isinstance(indexed, Unknown) else None
    names = union_names(listed, stopping or set())
    agreed = {name: job for name, job in known.items() if name in names and job.keys() >= _ALL_THAT_COUNTS}
    unsure = (names | known.keys()) - agreed.keys()
    (jobs, untold), (keepers, unkept) = gather(
        partial(_describe_jobs, client, unsure), partial(_describe_jobs, client, known_or_empty(pools) - unsure)
    )
    gap = first_unknown(untold, listed, stopping)
    pool_gap = first_unknown(
        unkept, pools, _undescribed_pool(job for job in [*jobs, *keepers] if _job_name(job) in known_or_empty(pools))
    )
    return _merge_training_counts([*agreed.values(), *jobs, *keepers], gap, pool_gap)


def _merge_training_counts(jobs: Iterable[Response], gap: Unknown | None, pool_gap: Unknown | None) -> UsageCounts:
    """Each job once, as it was told last: one that ended meanwhile may be told as running and as keeping its pool. No
    spot job keeps one, so what is not known of pools is no gap there. A job that does not say whether it is spot
    training counts as none, and leaves that count a floor.
    """
    training, spot, warm = Counter[str](), Counter[str](), Counter[str]()
    last = {_job_name(job): job for job in jobs}.values()
    for job in last:
        fleet = job_instances(job.get("ResourceConfig") or {})
        if _is_running(job):
            (spot if job.get("EnableManagedSpotTraining") else training).update(fleet)
        elif _holds_warm_pool(job):
            warm.update(fleet)
    unsaid = missing_member((job for job in last if _is_running(job)), "EnableManagedSpotTraining")
    held = replace(to_in_use_counts(training + warm, gap, pool_gap), kept_warm=dict(warm))
    return {Workload.TRAINING: held, Workload.SPOT_TRAINING: to_in_use_counts(spot, gap, unsaid)}


def _job_name(job: Response) -> str:
    return str(job["TrainingJobName"])


def _is_running(job: Response) -> bool:
    return not JobStatus(job["TrainingJobStatus"]).is_finished


def _holds_warm_pool(job: Response) -> bool:
    told = (job.get("WarmPoolStatus") or {}).get("Status")
    return told is not None and WarmPoolStatus(told).may_hold_quota


def _undescribed_pool(jobs: Iterable[Response]) -> Unknown | None:
    """Why not all pools count: of a job that was listed for its pool nothing is told of it."""
    return missing_member([job.get("WarmPoolStatus") or {} for job in jobs], "Status")


def _available_pool_jobs(client: AwsClient) -> set[str] | Unknown:
    """The names of the jobs whose instances are kept warm for the next."""
    return _listed_training_names(client, WarmPoolStatusEquals=WarmPoolStatus.AVAILABLE)


def _running_job_names(client: AwsClient) -> set[str] | Unknown:
    return _listed_training_names(client, StatusEquals=JobStatus.IN_PROGRESS)


def _listed_training_names(client: AwsClient, **which: str) -> set[str] | Unknown:
    return list_names(client, "list_training_jobs", "TrainingJobSummaries", "TrainingJobName", **which)


def _search_training_jobs(client: AwsClient) -> dict[str, Response] | Unknown:
    """The training jobs that run by Search's account, or of which it does not say whether they do, by name."""
    running = [{"Name": "TrainingJobStatus", "Operator": "Equals", "Value": status} for status in RUNNING_STATES]
    expression = {"Filters": running, "Operator": "Or"}
    found = list_summaries(client, "search", "Results", Resource="TrainingJob", SearchExpression=expression)
    if isinstance(found, Unknown):
        return found
    jobs = [result.get("TrainingJob") or {} for result in found]
    gap = missing_member(jobs, "TrainingJobName")
    return gap or {
        job["TrainingJobName"]: job for job in jobs if job.get("TrainingJobStatus") in (*RUNNING_STATES, None)
    }


def _describe_jobs(client: AwsClient, names: Iterable[str]) -> tuple[list[Response], Unknown | None]:
    return describe_resources(client, "describe_training_job", [{"TrainingJobName": name} for name in sorted(names)])


def count_warm_pools(client: AwsClient) -> UsageCounts:
    """What jobs keep warm, in use by the next job or not."""
    lists = gather_all(
        [partial(_listed_training_names, client, WarmPoolStatusEquals=status) for status in _HOLDING_POOLS]
    )
    jobs, gap = _describe_jobs(client, union_names(*lists))
    counts: Counter[str] = Counter()
    for job in jobs:
        if _holds_warm_pool(job):
            counts.update(job_instances(job.get("ResourceConfig") or {}))
    return {Workload.WARM_POOL: to_in_use_counts(counts, gap, first_unknown(*lists), _undescribed_pool(jobs))}

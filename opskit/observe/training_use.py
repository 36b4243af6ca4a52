"""Counts the instances of training jobs and of the warm pools that ended ones keep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from opskit.aws import Door, side_by_side
from opskit.model import JobStatus, Unread, Usage
from opskit.observe.use_reads import (
    RUNNING_STATES,
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
    untold_member,
)

_HOLDING_POOLS = ("Available", "InUse")
_ALL_THAT_COUNTS = {"TrainingJobStatus", "ResourceConfig", "EnableManagedSpotTraining"}
"""What a training job must tell to be counted. What the index leaves out of it, the job itself is asked for."""


def count_training(door: Door) -> Found:
    """Listings name the running jobs but not their instances; Search has both, but its index lags behind. A job that
    both know is counted as Search describes it; where they disagree the job itself is asked.

    What an ended job keeps warm counts as training too. A pool that is ``InUse`` is its job's own instances and that
    job runs; those that are ``Available`` come on top.
    """
    listed, indexed, pools = side_by_side(
        [partial(_running_jobs, door), partial(_indexed_jobs, door), partial(_available_pools, door)]
    )
    known: dict[str, Told] = known_part(indexed) or {}
    stopping = _training_names(door, StatusEquals="Stopping") if isinstance(indexed, Unread) else None
    names = all_names(listed, stopping or set())
    agreed = {name: job for name, job in known.items() if name in names and job.keys() >= _ALL_THAT_COUNTS}
    unsure = (names | known.keys()) - agreed.keys()
    (jobs, untold), (keepers, unkept) = side_by_side(
        [partial(_asked, door, unsure), partial(_asked, door, known_part(pools) - unsure)]
    )
    gap = first_gap(untold, listed, stopping)
    pool_gap = first_gap(
        unkept, pools, _untold_pool(job for job in [*jobs, *keepers] if _name(job) in known_part(pools))
    )
    return _training_counts([*agreed.values(), *jobs, *keepers], gap, pool_gap)


def _training_counts(jobs: Iterable[Told], gap: Unread | None, pool_gap: Unread | None) -> Found:
    """Each job once, as it was told last: one that ended meanwhile may be told as running and as keeping its pool. No
    spot job keeps one, so what is not known of pools is no gap there. A job that does not say whether it is spot
    training counts as none, and leaves that count a floor.
    """
    training, spot, warm = Counter[str](), Counter[str](), Counter[str]()
    last = {_name(job): job for job in jobs}.values()
    for job in last:
        fleet = instances_of(job.get("ResourceConfig") or {})
        if _runs(job):
            (spot if job.get("EnableManagedSpotTraining") else training).update(fleet)
        elif _holds_pool(job):
            warm.update(fleet)
    unsaid = untold_member((job for job in last if _runs(job)), "EnableManagedSpotTraining")
    held = replace(counted_use(training + warm, gap, pool_gap), kept_warm=dict(warm))
    return {Usage.TRAINING: held, Usage.SPOT_TRAINING: counted_use(spot, gap, unsaid)}


def _name(job: Told) -> str:
    return str(job["TrainingJobName"])


def _runs(job: Told) -> bool:
    return not JobStatus(job["TrainingJobStatus"]).is_over


def _holds_pool(job: Told) -> bool:
    return (job.get("WarmPoolStatus") or {}).get("Status") in _HOLDING_POOLS


def _untold_pool(jobs: Iterable[Told]) -> Unread | None:
    """Why not all pools count: of a job that was listed for its pool nothing is told of it."""
    return untold_member([job.get("WarmPoolStatus") or {} for job in jobs], "Status")


def _available_pools(door: Door) -> set[str] | Unread:
    """The names of the jobs whose instances are kept warm for the next."""
    return _training_names(door, WarmPoolStatusEquals="Available")


def _running_jobs(door: Door) -> set[str] | Unread:
    return _training_names(door, StatusEquals="InProgress")


def _training_names(door: Door, **which: str) -> set[str] | Unread:
    return listed_names(door, "list_training_jobs", "TrainingJobSummaries", "TrainingJobName", **which)


def _indexed_jobs(door: Door) -> dict[str, Told] | Unread:
    """The training jobs that run by Search's account, or of which it does not say whether they do, by name."""
    running = [{"Name": "TrainingJobStatus", "Operator": "Equals", "Value": status} for status in RUNNING_STATES]
    expression = {"Filters": running, "Operator": "Or"}
    found = listed_summaries(door, "search", "Results", Resource="TrainingJob", SearchExpression=expression)
    if isinstance(found, Unread):
        return found
    jobs = [result.get("TrainingJob") or {} for result in found]
    gap = untold_member(jobs, "TrainingJobName")
    return gap or {
        job["TrainingJobName"]: job for job in jobs if job.get("TrainingJobStatus") in (*RUNNING_STATES, None)
    }


def _asked(door: Door, names: Iterable[str]) -> tuple[list[Told], Unread | None]:
    return described_resources(door, "describe_training_job", [{"TrainingJobName": name} for name in sorted(names)])


def count_warm_pools(door: Door) -> Found:
    """What jobs keep warm, in use by the next job or not."""
    lists = side_by_side([partial(_training_names, door, WarmPoolStatusEquals=status) for status in _HOLDING_POOLS])
    jobs, gap = _asked(door, all_names(*lists))
    counts: Counter[str] = Counter()
    for job in jobs:
        if _holds_pool(job):
            counts.update(instances_of(job.get("ResourceConfig") or {}))
    return {Usage.WARM_POOL: counted_use(counts, gap, first_gap(*lists), _untold_pool(jobs))}

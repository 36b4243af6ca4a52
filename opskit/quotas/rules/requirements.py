"""What is required of the quotas: types and workloads, the totals above them, and the quotas' names."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

from opskit.core.exceptions import UsageError
from opskit.core.model import Requirement, Workload
from opskit.core.workloads import WORKLOADS

# The instances that the Boston workflow and its course start.
COURSE_TYPES: tuple[tuple[str, tuple[Workload, ...]], ...] = (
    ("ml.t2.medium", (Workload.NOTEBOOK,)),
    ("ml.m4.xlarge", (Workload.TRAINING, Workload.TRANSFORM, Workload.ENDPOINT)),
    ("ml.p2.xlarge", (Workload.TRAINING, Workload.TRANSFORM)),
)
_CHECKED_ALONE = tuple(workload for workload, spec in WORKLOADS.items() if spec.is_checked_alone)

# What AWS has taken out of service: quotas for it are still listed, and more of them help nobody.
_RETIRED_FAMILIES = ("ml.p2.",)

TOTAL = "total"
"""Takes the place of an instance type for the quota over all types."""

# ml.FAMILY.SIZE; new families appear every few months, so only the shape is checked and AWS knows the rest.
_TYPE = re.compile(
    r"ml\.(?:[a-z]+\d[a-z0-9-]*\.(?:nano|micro|small|medium|large|\d*xlarge|metal(?:-\d+xl)?)|geospatial\.interactive)"
)


SERVERLESS_ENDPOINTS = "Maximum number of serverless endpoints"
"""The quota that bounds how many serverless endpoints there are."""
SERVERLESS_CONCURRENCY = "Maximum total concurrency that can be allocated across all serverless endpoints"
"""The quota that the concurrency of all serverless variants counts against."""


def quota_name_for(requirement: Requirement) -> str:
    """The name of the quota that limits a requirement.

    Raises:
        KeyError: the workload has no total, no maximum per job, or no quota of volumes.
    """
    if requirement.instance_type is not None:
        return WORKLOADS[requirement.workload].type_quota.format(requirement.instance_type)
    spec = WORKLOADS[requirement.workload]
    if requirement.of_volumes:
        name = spec.volume_quota
    else:
        name = spec.per_job_quota if requirement.per_job else spec.total_quota
    if name is None:
        raise KeyError(f"{requirement.workload} has no such quota")
    return name


_WORKLOAD_BY_TYPE_QUOTA = {spec.type_quota: workload for workload, spec in WORKLOADS.items()}
# Of workloads that share a total, the first stands for it; a dict keeps the last.
_WORKLOAD_BY_OTHER_QUOTA = {
    name: workload
    for workload, spec in reversed(list(WORKLOADS.items()))
    for name in (spec.total_quota, spec.per_job_quota)
    if name
}
_TYPE_IN_A_NAME = re.compile(r"\bml\.[a-z0-9.-]*[a-z0-9]")


def parse_quota_name(name: str) -> tuple[str | None, Workload | None]:
    """The instance type and the workload in a quota's name; None for what it does not contain."""
    name = _usual_spelling(name)
    match = _TYPE_IN_A_NAME.search(name)
    if match is None:
        return None, _WORKLOAD_BY_OTHER_QUOTA.get(name)
    return match[0], _WORKLOAD_BY_TYPE_QUOTA.get(name.replace(match[0], "{}", 1))


@lru_cache(maxsize=4096)  # the 2,000 names are the same in every Region
def spelling_key(name: str) -> str:
    """What two spellings of one quota's name have in common."""
    # AWS names its quotas by a rule and breaks it: ``cluster-ml-r7i-12xlarge for cluster usage``, and the plural in ``…
    # KernelGateway Apps running on ml.p4d.24xlarge instances``. No patterns: a listing has 2,000 names.
    key = "-".join(_usual_spelling(name).lower().replace(".", " ").split())
    return key.removesuffix("s") if key.endswith("instances") else key


def _usual_spelling(name: str) -> str:
    """A quota's name with its instance type as in all others, and without a plural that only it has."""
    if name.startswith(_DASHED):
        name = _DASHED_TYPE.sub(r"ml.\1.\2 ", name)
    return name.removesuffix("s") if name.startswith("Studio KernelGateway ") and name.endswith("instances") else name


_DASHED = "cluster-ml-"
_DASHED_TYPE = re.compile(rf"^{_DASHED}([a-z0-9-]+)-([a-z0-9]+) ")


def is_per_job(name: str) -> bool:
    """Whether a quota limits a single job, or another single resource, so that it is never used up."""
    return name in _OTHER_SINGLE_LIMITS or any(name == spec.per_job_quota for spec in WORKLOADS.values())


# Quotas that limit each resource by itself and that no requirement of opskit's meets.
_OTHER_SINGLE_LIMITS = frozenset(
    {
        "Longest run time for a processing job",
        "Longest run time for a training job",
        "Maximum number of training jobs each hyper parameter tuning job can run in parallel at once",
        "Maximum number of training jobs that each hyperparameter tuning job can create",
        "Maximum number of training jobs that each hyperparameter tuning job with Random search strategy can create",
        "Size of EBS volume for a processing job instance",
        "Size of EBS volume for a training job instance",
        "Size of EBS volume for a transform job instance",
    }
)


def parse_requirements(
    types: Sequence[str],
    usages: Sequence[str] = (),
    need: int = 1,
    *,
    every_usage: bool = False,
    share: float | None = None,
) -> tuple[Requirement, ...]:
    """The user's arguments as requirements. A type without a workload gets those of the course, any other type those of
    a run: training, transform and endpoint. With ``every_usage`` all workloads are checked; one that a type is not
    offered for is then information, not a refusal.

    Raises:
        UsageError: an argument is not an instance type, or not a workload.
    """
    workloads = tuple(dict.fromkeys(parse_workload(word) for word in usages))
    instance_types = dict.fromkeys(parse_instance_type(word) for word in types)
    return tuple(
        Requirement(instance_type, workload, need, explicit=bool(workloads) or not every_usage, alert_share=share)
        for instance_type in instance_types
        for workload in (workloads or (tuple(Workload) if every_usage else _default_workloads(instance_type)))
    )


def check_requirements(
    types: Sequence[str], usages: Sequence[str] = (), need: int = 1, *, every_usage: bool = False
) -> tuple[Requirement, ...]:
    """The requirements of ``quotas check``: the named types, else those of the Boston workflow and the course, for the
    named workloads or their defaults.

    Raises:
        UsageError: an argument is not an instance type, or not a workload.
    """
    if types:
        return parse_requirements(types, usages, need, every_usage=every_usage)
    if usages:
        return parse_requirements([instance_type for instance_type, _ in COURSE_TYPES], usages, need)
    return tuple(
        Requirement(
            instance_type, workload, need, explicit=False, only_noted=instance_type.startswith(_RETIRED_FAMILIES)
        )
        for instance_type, workloads in COURSE_TYPES
        for workload in (Workload if every_usage else workloads)
    )


def _default_workloads(instance_type: str) -> tuple[Workload, ...]:
    return dict(COURSE_TYPES).get(instance_type, _CHECKED_ALONE)


def parse_type_or_total(word: str, workloads: Iterable[Workload]) -> str | None:
    """An instance type, or None for ``total``, the account-wide quota over all types.

    Raises:
        UsageError: it is not an instance type, or a workload has no total.
    """
    if word.strip().lower() != TOTAL:
        return parse_instance_type(word)
    for workload in workloads:
        if not WORKLOADS[workload].total_quota:
            raise UsageError(
                "no-total", f"opskit knows no account-wide quota for {workload} instances.", "Name an instance type."
            )
    return None


def parse_workload(word: str) -> Workload:
    """A workload by its name.

    Raises:
        UsageError: there is no such workload.
    """
    try:
        return Workload(word.strip().lower())
    except ValueError:
        close = difflib.get_close_matches(word.lower(), list(Workload), n=1, cutoff=0.5)
        hint = f"Did you mean '{close[0]}'? " if close else ""
        raise UsageError("bad-usage", f"Unknown workload '{word}'.", f"{hint}One of: {', '.join(Workload)}.") from None


def parse_instance_type(word: str) -> str:
    """An instance type as AWS writes it. Whether it exists is for AWS to say.

    Raises:
        UsageError: it cannot be one.
    """
    instance_type = word.strip().lower()
    if _TYPE.fullmatch(instance_type):
        return instance_type
    if instance_type in list(Workload):
        raise UsageError("usage-among-types", f"'{word}' is a workload, not an instance type.", f"Write --for {word}.")
    close = suggest_type(instance_type)
    hint = f"Did you mean {close}?" if close else "Write it like ml.m4.xlarge."
    raise UsageError("bad-instance-type", f"'{word}' is not an instance type.", hint)


# Types that people misspell. Only for suggestions, so they need not be all: a type that is not here is looked up at AWS
# all the same.
_KNOWN_TYPES = tuple(
    f"ml.{family}.{size}"
    for family in (
        *("t2", "t3", "m4", "m5", "m5d", "m6i", "m7i", "c4", "c5", "c5d", "c6i", "c7i", "r5", "r6i", "p2", "p3"),
        *("p4d", "p5", "g4dn", "g5", "g6", "g6e", "inf1", "inf2", "trn1"),
    )
    for size in ("medium", "large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge", "24xlarge")
)


def suggest_type(word: str) -> str | None:
    """The instance type that was most likely meant."""
    # What people type for "ml.", before anything that parts it from the family: m1, mi, mll, lm.
    bare = re.sub(r"^(?:ml|m1|mi|mll|lm)?[^a-z0-9]+|^ml(?=[a-z]+\d)", "", word.replace(",", ".").replace("_", "."))
    guess = f"ml.{bare}"
    if _TYPE.fullmatch(guess):
        return guess
    # Close enough to mean it: one letter wrong in a type of ten. For one that is well formed less is forgiven, below.
    close = difflib.get_close_matches(guess, _KNOWN_TYPES, n=1, cutoff=0.75)
    return close[0] if close else None


def suggest_known_type(instance_type: str) -> str | None:
    """The known type that a well-formed but unknown one resembles; None if it is known itself."""
    if instance_type in _KNOWN_TYPES:
        return None
    close = difflib.get_close_matches(instance_type, _KNOWN_TYPES, n=1, cutoff=0.85)
    return close[0] if close else None


def with_totals(requirements: Iterable[Requirement]) -> tuple[Requirement, ...]:
    """The requirements with the quotas above them: for each workload the account-wide total, which counts all of them,
    and the maximum per job, which must allow the largest. Each quota once, with the largest count and the strictest
    share.
    """
    merged = merge_by_quota(requirements)
    below: dict[str, list[Requirement]] = {}
    # One that needs no further instance, only a larger volume, is none of what the instances' totals have to allow.
    for each in (each for each in merged if each.instance_type is not None and each.count):
        spec = WORKLOADS[each.workload]
        for name in filter(None, (spec.total_quota, spec.per_job_quota)):
            below.setdefault(name, []).append(each)
    above = []
    for name, sharing in below.items():
        workload, counts = sharing[-1].workload, [each.count for each in sharing]
        if name != WORKLOADS[workload].per_job_quota:
            # All types at once fill the total, and workloads that share one fill it together: their sum must fit.
            share = _strictest_share(each.alert_share for each in sharing)
            made = all(each.already_made for each in sharing)
            above.append(Requirement(None, workload, sum(counts), explicit=False, alert_share=share, already_made=made))
        # Who names the largest job knows it better than the sums by type, which may be of several jobs.
        elif name not in map(quota_name_for, merged):
            above.append(Requirement(None, workload, max(counts), explicit=False, per_job=True))
    return merge_by_quota([*merged, *above])


def with_all_limits(requirements: Iterable[Requirement]) -> tuple[Requirement, ...]:
    """The requirements with the quotas above them, those of the volumes that come with their instances too."""
    found = with_totals(requirements)
    volumes: dict[str, list[Requirement]] = {}
    for requirement in found:
        quota = WORKLOADS[requirement.workload].volume_quota
        if requirement.instance_type and quota and not requirement.already_made:
            volumes.setdefault(quota, []).append(requirement)
    needed = []
    for sharing in volumes.values():
        gigabytes = sum(
            WORKLOADS[each.workload].default_volume_gb * each.count if each.volume_gb is None else each.volume_gb
            for each in sharing
        )
        share = _strictest_share(each.alert_share for each in sharing)
        # Of workloads that share a quota the first stands for it.
        workload = sharing[0].workload
        needed.append(Requirement(None, workload, gigabytes, explicit=False, alert_share=share, of_volumes=True))
    return (*found, *(each for each in needed if each.count))


def merge_by_quota(requirements: Iterable[Requirement]) -> tuple[Requirement, ...]:
    """The requirements, each quota once, with the largest count and the strictest share."""
    merged: dict[str, Requirement] = {}
    for each in requirements:
        name = quota_name_for(each)
        same = merged.get(name)
        merged[name] = (
            replace(
                same,
                count=max(same.count, each.count),
                explicit=same.explicit or each.explicit,
                alert_share=_strictest_share((same.alert_share, each.alert_share)),
                already_made=same.already_made and each.already_made,
            )
            if same
            else each
        )
    return tuple(merged.values())


def _strictest_share(shares: Iterable[float | None]) -> float | None:
    return min((share for share in shares if share is not None), default=None)

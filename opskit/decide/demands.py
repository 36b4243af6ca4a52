"""What is asked of the quotas: which types for which uses, the totals above them, and the names AWS gives all that."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache

from opskit.errors import UsageProblem
from opskit.model import Demand, Usage

# What the Boston workflow and its course start, and what for.
COURSE: tuple[tuple[str, tuple[Usage, ...]], ...] = (
    ("ml.t2.medium", (Usage.NOTEBOOK,)),
    ("ml.m4.xlarge", (Usage.TRAINING, Usage.TRANSFORM, Usage.ENDPOINT)),
    ("ml.p2.xlarge", (Usage.TRAINING, Usage.TRANSFORM)),
)
_USAGES_OF_A_RUN = (Usage.TRAINING, Usage.TRANSFORM, Usage.ENDPOINT)

# Service Quotas' own names; the name is what identifies a quota.
_OF_A_TYPE = {
    Usage.TRAINING: "{} for training job usage",
    Usage.SPOT_TRAINING: "{} for spot training job usage",
    Usage.TRANSFORM: "{} for transform job usage",
    Usage.ENDPOINT: "{} for endpoint usage",
    Usage.NOTEBOOK: "{} for notebook instance usage",
    Usage.PROCESSING: "{} for processing job usage",
    Usage.WARM_POOL: "{} for training warm pool usage",
    Usage.STUDIO_JUPYTERLAB: "Studio JupyterLab Apps running on {} instances",
    Usage.STUDIO_CODEEDITOR: "Studio CodeEditor Apps running on {} instances",
    Usage.STUDIO_KERNELGATEWAY: "Studio KernelGateway Apps running on {} instance",
    Usage.CLUSTER: "{} for cluster usage",
}
_TOTAL = {
    Usage.TRAINING: "Number of instances across all training jobs",
    Usage.SPOT_TRAINING: "Number of instances across all spot training jobs",
    Usage.PROCESSING: "Number of instances across all processing jobs",
    Usage.TRANSFORM: "Number of instances across all transform jobs",
    Usage.ENDPOINT: "Number of instances across active endpoints",
    Usage.NOTEBOOK: "Total number of notebook instances",
}
_PER_JOB = {
    Usage.TRAINING: "Maximum number of instances per training job",
    Usage.SPOT_TRAINING: "Maximum number of instances per spot training job",
    Usage.PROCESSING: "Maximum number of instances per processing job",
}

TOTAL = "total"
"""Stands for all instance types where a quota over all of them is meant."""

# ml.FAMILY.SIZE; new families appear every few months, so only the shape is checked and AWS knows the rest.
_TYPE = re.compile(
    r"ml\.(?:[a-z]+\d[a-z0-9-]*\.(?:nano|micro|small|medium|large|\d*xlarge|metal(?:-\d+xl)?)|geospatial\.interactive)"
)


def quota_name(demand: Demand) -> str:
    """The name of the quota that a demand is held against.

    Raises:
        KeyError: a total or a maximum a job was asked of a usage that has none.
    """
    if demand.instance_type is not None:
        return _OF_A_TYPE[demand.usage].format(demand.instance_type)
    return (_PER_JOB if demand.per_job else _TOTAL)[demand.usage]


_USAGE_OF = {template: usage for usage, template in _OF_A_TYPE.items()}
_USAGE_ABOVE = {name: usage for names in (_TOTAL, _PER_JOB) for usage, name in names.items()}
_TYPE_IN_A_NAME = re.compile(r"\bml\.[a-z0-9.-]*[a-z0-9]")


def what_for(name: str) -> tuple[str | None, Usage | None]:
    """The instance type and the usage that a quota's name tells of; None for what it does not tell."""
    found = _TYPE_IN_A_NAME.search(name)
    if found is None:
        return None, _USAGE_ABOVE.get(name)
    return found[0], _USAGE_OF.get(name.replace(found[0], "{}", 1))


def is_per_job(name: str) -> bool:
    """Whether a quota bounds a single job, so that nothing is ever used up of it."""
    return name in _PER_JOB.values()


def course_demands(*, every_usage: bool = False) -> tuple[Demand, ...]:
    """What the Boston workflow and the course need."""
    return tuple(
        Demand(instance_type, usage, named=False)
        for instance_type, usages in COURSE
        for usage in (Usage if every_usage else usages)
    )


def named_demands(
    types: Sequence[str],
    usages: Sequence[str] = (),
    need: int = 1,
    *,
    every_usage: bool = False,
    share: float | None = None,
) -> tuple[Demand, ...]:
    """What the user typed, as demands. A type without a usage is wanted for what the course does with it, any
    other type for a run: training, transform and endpoint. ``every_usage`` looks at all of them; then a use that
    a type is not offered for is news, not a refusal.

    Raises:
        UsageProblem: a word is no instance type or no usage.
    """
    wanted = tuple(dict.fromkeys(parse_usage(word) for word in usages))
    kinds = dict.fromkeys(parse_instance_type(word) for word in types)
    return tuple(
        Demand(kind, usage, need, named=bool(wanted) or not every_usage, share=share)
        for kind in kinds
        for usage in (wanted or (tuple(Usage) if every_usage else _usual(kind)))
    )


def checked_demands(
    types: Sequence[str], usages: Sequence[str] = (), need: int = 1, *, every_usage: bool = False
) -> tuple[Demand, ...]:
    """What ``quotas check`` is asked for: the named types, else the course's, for the named uses or their usual ones.

    Raises:
        UsageProblem: a word is no instance type or no usage.
    """
    if types:
        return named_demands(types, usages, need, every_usage=every_usage)
    if usages:
        return named_demands([kind for kind, _ in COURSE], usages, need)
    return tuple(replace(demand, need=need) for demand in course_demands(every_usage=every_usage))


def _usual(instance_type: str) -> tuple[Usage, ...]:
    return dict(COURSE).get(instance_type, _USAGES_OF_A_RUN)


def type_or_total(word: str, usages: Iterable[Usage]) -> str | None:
    """An instance type, or None for ``total``: the account-wide quota over all types.

    Raises:
        UsageProblem: it cannot be one, or a usage has no such total.
    """
    if word.strip().lower() != TOTAL:
        return parse_instance_type(word)
    for usage in usages:
        if usage not in _TOTAL:
            raise UsageProblem("no-total", f"AWS has no quota over all types for {usage}.", "Name an instance type.")
    return None


def parse_usage(word: str) -> Usage:
    """A usage by its word.

    Raises:
        UsageProblem: there is no such usage.
    """
    try:
        return Usage(word.strip().lower())
    except ValueError:
        close = difflib.get_close_matches(word.lower(), list(Usage), n=1, cutoff=0.5)
        hint = f"Did you mean '{close[0]}'? " if close else ""
        raise UsageProblem("bad-usage", f"There is no usage '{word}'.", f"{hint}One of: {', '.join(Usage)}.") from None


def parse_instance_type(word: str) -> str:
    """An instance type as AWS writes it. Whether AWS knows it is for AWS to say.

    Raises:
        UsageProblem: it cannot be one.
    """
    instance_type = word.strip().lower()
    if _TYPE.fullmatch(instance_type):
        return instance_type
    if instance_type in list(Usage):
        raise UsageProblem("usage-among-types", f"'{word}' is a usage, not an instance type.", f"Write --for {word}.")
    close = did_you_mean(instance_type)
    hint = f"Did you mean {close}?" if close else "Write it like ml.m4.xlarge."
    raise UsageProblem("bad-instance-type", f"'{word}' is not an instance type.", hint)


def did_you_mean(word: str) -> str | None:
    """The instance type that was most likely meant."""
    bare = re.sub(r"^(?:ml|m1|mi|mll|lm)?[^a-z0-9]+|^ml(?=[a-z]+\d)", "", word.replace(",", ".").replace("_", "."))
    guess = f"ml.{bare}"
    if _TYPE.fullmatch(guess):
        return guess
    close = difflib.get_close_matches(guess, _familiar_types(), n=1, cutoff=0.75)
    return close[0] if close else None


def similar_type(instance_type: str) -> str | None:
    """The familiar type that a well-formed but unheard-of one resembles; None where it is familiar itself."""
    if instance_type in _familiar_types():
        return None
    close = difflib.get_close_matches(instance_type, _familiar_types(), n=1, cutoff=0.85)
    return close[0] if close else None


@cache
def _familiar_types() -> tuple[str, ...]:
    """What people mistype. Only for suggestions: it decides nothing."""
    families = ("t2", "t3", "m4", "m5", "m5d", "m6i", "m7i", "c4", "c5", "c5d", "c6i", "c7i", "r5", "r6i", "p2", "p3")
    accelerated = ("p4d", "p5", "g4dn", "g5", "g6", "g6e", "inf1", "inf2", "trn1")
    sizes = ("medium", "large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge", "24xlarge")
    return tuple(f"ml.{family}.{size}" for family in families + accelerated for size in sizes)


def with_totals(demands: Iterable[Demand]) -> tuple[Demand, ...]:
    """The demands and what stands above them: for each usage the account-wide total, which takes them together,
    and the most one job may have, which takes the largest. Each quota once, with the largest need and the strictest
    share.
    """
    largest = _by_quota(demands)
    plain = [demand for demand in largest.values() if demand.instance_type is not None]
    for usage in dict.fromkeys(demand.usage for demand in plain):
        for above in _above(usage, [demand for demand in plain if demand.usage is usage]):
            largest[quota_name(above)] = _larger(largest.get(quota_name(above)), above)
    return tuple(largest.values())


def together(demands: Iterable[Demand]) -> tuple[Demand, ...]:
    """The demands, each quota once, with the largest need and the strictest share."""
    return tuple(_by_quota(demands).values())


def _by_quota(demands: Iterable[Demand]) -> dict[str, Demand]:
    largest: dict[str, Demand] = {}
    for demand in demands:
        largest[quota_name(demand)] = _larger(largest.get(quota_name(demand)), demand)
    return largest


def _above(usage: Usage, demands: Sequence[Demand]) -> list[Demand]:
    needs = [demand.need for demand in demands]
    share = _strictest(demand.share for demand in demands)
    total = [Demand(None, usage, sum(needs), named=False, share=share)] if usage in _TOTAL else []
    return total + ([Demand(None, usage, max(needs), named=False, per_job=True)] if usage in _PER_JOB else [])


def _larger(known: Demand | None, demand: Demand) -> Demand:
    if known is None:
        return demand
    share = _strictest((known.share, demand.share))
    return replace(known, need=max(known.need, demand.need), named=known.named or demand.named, share=share)


def _strictest(shares: Iterable[float | None]) -> float | None:
    return min((share for share in shares if share is not None), default=None)

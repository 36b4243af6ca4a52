"""Filters and sorts the list of all quotas, and computes their utilization."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from fnmatch import translate
from math import inf

from opskit.core.exceptions import CREDENTIAL_CODES, ExitCode, Problem
from opskit.core.model import Quota, Unknown, Workload
from opskit.quotas.rules.model import IncreaseRequest, InUseCounts, ListedQuota, Utilization
from opskit.quotas.rules.requirements import is_per_job, parse_quota_name

UNPUBLISHED_CODES = frozenset({"no-metric", "not-published"})
UNCOUNTABLE_CODES = UNPUBLISHED_CODES | {"not-counted", "per-job", "in-range", "not-asked"}
"""Reasons for an unknown utilization that are not failures."""

USD_PER_METRIC = Decimal("0.00001")
"""What CloudWatch charges for a metric in GetMetricData: 0.01 USD for 1,000. All else that quotas are read with is
free.
"""

_GLOB = re.compile(r"[*?\[]")
_NOT_COUNTED = Unknown("opskit cannot count its utilization", "not-counted")
_PER_JOB = Unknown("per-job limit; not consumed", "per-job")


class UtilizationSource(StrEnum):
    """Where the utilization of the quotas is read from."""

    METRICS = "metrics"
    LIVE = "live"
    REPORT = "report"

    @property
    def is_live(self) -> bool:
        """Whether running resources are counted."""
        match self:
            case UtilizationSource.LIVE:
                return True
            case UtilizationSource.METRICS | UtilizationSource.REPORT:
                return False

    @property
    def is_report(self) -> bool:
        """Whether AWS's utilization report is used."""
        match self:
            case UtilizationSource.REPORT:
                return True
            case UtilizationSource.METRICS | UtilizationSource.LIVE:
                return False


@dataclass(frozen=True)
class QuotaFilter:
    """Which quotas to list: all that no field excludes."""

    match: str = ""
    usages: tuple[Workload, ...] = ()
    used: bool = False
    short: bool = False

    def matches(self, listed: ListedQuota) -> bool:
        """Whether a quota passes the filter."""
        return (
            matches_text(listed.quota, self.match)
            and (not self.usages or parse_quota_name(listed.quota.name)[1] in self.usages)
            and (not self.used or (isinstance(listed.utilization, Utilization) and listed.utilization.amount > 0))
            and (not self.short or is_exhausted(listed))
        )


@dataclass(frozen=True)
class QuotaList:
    """The quotas that pass the filter, worst first, and what could not be read.

    ``failed_regions`` are the Regions of which no quota could be read, ``regions`` all that were read; ``remarks`` are
    notes that are not problems. ``metrics_asked`` is how many metrics CloudWatch was asked for.
    """

    quotas: Sequence[ListedQuota]
    regions: tuple[str, ...]
    problems: tuple[Problem, ...] = ()
    failed_regions: frozenset[str] = frozenset()
    remarks: tuple[str, ...] = ()
    metrics_asked: int = 0

    @property
    def cost_usd(self) -> Decimal:
        """What AWS charges for this look."""
        return self.metrics_asked * USD_PER_METRIC

    @property
    def exit_code(self) -> ExitCode:
        """An AWS error if nothing could be read, partial if something could not be."""
        locked_out = all(problem.code in CREDENTIAL_CODES for problem in self.problems)
        if self.failed_regions == set(self.regions) and (len(self.regions) == 1 or locked_out):
            return ExitCode.AWS_ERROR
        return ExitCode.PARTIAL if self.problems else ExitCode.OK


def matches_text(quota: Quota, text: str) -> bool:
    """Whether a quota's name or code contains ``text``, ignoring case; with ``*``, ``?`` or ``[…]`` it is a glob."""
    needle = text.strip().lower()
    if not needle:
        return True
    haystack = f"{quota.name}\n{quota.code}".lower()
    if not _GLOB.search(needle):
        return needle in haystack
    pattern = re.compile(translate(f"*{needle}*"))
    return any(pattern.match(line) for line in haystack.split("\n"))


def known_value(listed: ListedQuota) -> float | None:
    """The effective value; None if it is unknown."""
    return None if listed.value_error else listed.quota.effective_value


def utilization_percent(listed: ListedQuota) -> float | None:
    """The utilization in percent, rounded to two places; above 100 if the quota is exceeded. None if either number is
    unknown, and for a quota of 0, which has no share.
    """
    value = known_value(listed)
    return (
        round(100 * listed.utilization.amount / value, 2)
        if value and isinstance(listed.utilization, Utilization)
        else None
    )


def is_exhausted(listed: ListedQuota) -> bool:
    """Whether there is certainly no capacity for one more."""
    value = known_value(listed)
    used = listed.utilization.amount if isinstance(listed.utilization, Utilization) else 0
    return value is not None and value - used < 1


def sort_by_severity(quotas: Iterable[ListedQuota]) -> list[ListedQuota]:
    """The quotas, most urgent first: those used up, then those with an open request, then those in use (fullest first),
    then those with an unknown value, then those of 0, then the rest; by name where that is equal.
    """
    return sorted(quotas, key=_severity_key)


def _severity_key(listed: ListedQuota) -> tuple[int, float, str, str]:
    value = known_value(listed)
    used = listed.utilization.amount if isinstance(listed.utilization, Utilization) else 0
    share = (used / value if value else inf) if used else 0.0
    # What is used up, what is being asked for, what is in use, what cannot be read, what is 0, the rest.
    rank = (
        0 if value is not None and used and used >= value
        else 1 if isinstance(listed.request, IncreaseRequest)
        else 2 if used and value is not None
        else 3 if value is None
        else 4 if value < 1
        else 5
    )  # fmt: skip
    return rank, -share, listed.quota.name, listed.quota.region


def live_utilization(
    quotas: Iterable[Quota],
    in_use: Mapping[Workload, InUseCounts],
    volumes: Mapping[str, int | Unknown],
    measured_at: datetime,
) -> dict[str, Utilization | Unknown]:
    """The utilization of each quota by code, from the counts of running resources, and from the GB of ``volumes`` by
    the quota's name.
    """
    amounts = {name: amount for counted in in_use.values() for name, amount in counted.others.items()} | {**volumes}
    return {quota.code: _live_quota_utilization(quota.name, in_use, amounts, measured_at) for quota in quotas}


def _live_quota_utilization(
    name: str, in_use: Mapping[Workload, InUseCounts], amounts: Mapping[str, int | Unknown], measured_at: datetime
) -> Utilization | Unknown:
    instance_type, workload = parse_quota_name(name)
    if is_per_job(name):
        return _PER_JOB
    if name in amounts:
        amount = amounts[name]
        return amount if isinstance(amount, Unknown) else Utilization(amount, measured_at)
    if workload is None or workload not in in_use:
        return _NOT_COUNTED
    counted = in_use[workload]
    used = counted.count(instance_type)
    if counted.incomplete is None and (why := counted.possible_text(instance_type)):
        return Unknown(f"{used} to {counted.ceiling(instance_type)}: {why}", "in-range")
    return counted.incomplete or Utilization(used, measured_at)


def join_listings(
    quotas: Iterable[Quota],
    value_errors: Mapping[str, Unknown],
    utilizations: Mapping[str, Utilization | Unknown],
    unmeasured: Unknown,
    requests: Iterable[IncreaseRequest] | Unknown,
) -> list[ListedQuota]:
    """Values, utilization and requests of each quota, joined. ``unmeasured`` is used where no source has the
    utilization.
    """
    unread = requests if isinstance(requests, Unknown) else None
    by_code = {} if isinstance(requests, Unknown) else {request.quota_code: request for request in requests}
    by_name = {request.quota_name: request for request in by_code.values()}
    return [
        ListedQuota(
            quota,
            utilizations.get(quota.code, unmeasured),
            value_errors.get(quota.code),
            by_name.get(quota.name) or by_code.get(quota.code) or unread,
        )
        for quota in quotas
    ]

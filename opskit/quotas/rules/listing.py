"""Which quotas of a look over all of them are shown, how full they are, and which of them hurts most."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fnmatch import translate
from math import inf

from opskit.core.exceptions import CREDENTIAL_CODES, ExitCode, Problem
from opskit.core.model import Quota, Unknown, Workload
from opskit.quotas.rules.model import IncreaseRequest, InUseCounts, ListedQuota, Utilization
from opskit.quotas.rules.requirements import is_per_job, parse_quota_name

UNPUBLISHED_CODES = frozenset({"no-metric", "not-published"})
UNCOUNTABLE_CODES = UNPUBLISHED_CODES | {"not-counted", "per-job"}
"""Reasons for an unknown use that are nobody's failure."""

_GLOB = re.compile(r"[*?\[]")
_NO_COUNT = Unknown("opskit cannot count the use of it", "not-counted")
_PER_JOB = Unknown("it bounds a single job: nothing is used up of it", "per-job")


class UtilizationSource(StrEnum):
    """Where the use of the quotas is taken from."""

    METRICS = "metrics"
    LIVE = "live"
    REPORT = "report"

    @property
    def is_live(self) -> bool:
        """Whether what runs is counted."""
        match self:
            case UtilizationSource.LIVE:
                return True
            case UtilizationSource.METRICS | UtilizationSource.REPORT:
                return False

    @property
    def is_report(self) -> bool:
        """Whether AWS reports it for all quotas at once."""
        match self:
            case UtilizationSource.REPORT:
                return True
            case UtilizationSource.METRICS | UtilizationSource.LIVE:
                return False


@dataclass(frozen=True)
class QuotaFilter:
    """Which quotas are wanted: all, unless something narrows it down."""

    match: str = ""
    usages: tuple[Workload, ...] = ()
    used: bool = False
    short: bool = False

    def matches(self, listed: ListedQuota) -> bool:
        """Whether a quota is among those wanted."""
        return (
            matches_text(listed.quota, self.match)
            and (not self.usages or parse_quota_name(listed.quota.name)[1] in self.usages)
            and (not self.used or (isinstance(listed.utilization, Utilization) and listed.utilization.amount > 0))
            and (not self.short or is_exhausted(listed))
        )


@dataclass(frozen=True)
class QuotaList:
    """The quotas that are wanted, the worst first, and what could not be read.

    ``failed_regions`` names the Regions of which no quota could be read, ``regions`` all that were looked at;
    ``remarks`` are no problems but good to know.
    """

    quotas: Sequence[ListedQuota]
    regions: tuple[str, ...]
    problems: tuple[Problem, ...] = ()
    failed_regions: frozenset[str] = frozenset()
    remarks: tuple[str, ...] = ()

    @property
    def exit_code(self) -> ExitCode:
        """Nothing was read where something was asked for: AWS said no; not all of it: partly done."""
        locked_out = all(problem.code in CREDENTIAL_CODES for problem in self.problems)
        if self.failed_regions == set(self.regions) and (len(self.regions) == 1 or locked_out):
            return ExitCode.AWS_ERROR
        return ExitCode.PARTIAL if self.problems else ExitCode.OK


def matches_text(quota: Quota, text: str) -> bool:
    """Whether a quota's name or code has ``text`` in it, in any case; with ``*``, ``?`` or ``[…]`` in it, as a glob."""
    told = f"{quota.name}\n{quota.code}".lower()
    wanted = text.strip().lower()
    if not _GLOB.search(wanted):
        return wanted in told
    pattern = re.compile(translate(f"*{wanted}*"))
    return any(pattern.match(line) for line in told.split("\n"))


def known_value(listed: ListedQuota) -> float | None:
    """The value that counts; None where it is not known."""
    return None if listed.value_error else listed.quota.effective_value


def utilization_percent(listed: ListedQuota) -> float | None:
    """How much of a quota is in use, in percent, to the second place; above 100 where more is in use than it allows.
    None where either is not known, and for a quota of 0, of which there is no share.
    """
    value = known_value(listed)
    return (
        round(100 * listed.utilization.amount / value, 2)
        if value and isinstance(listed.utilization, Utilization)
        else None
    )


def is_exhausted(listed: ListedQuota) -> bool:
    """Whether there is certainly no room for one more."""
    value = known_value(listed)
    used = listed.utilization.amount if isinstance(listed.utilization, Utilization) else 0
    return value is not None and value - used < 1


def sort_by_severity(quotas: Iterable[ListedQuota]) -> list[ListedQuota]:
    """What hurts most on top: what is used up, then what was asked for, then what is in use, the fullest first, then
    what nobody knows the value of, then what is 0, then the rest; by name where that is equal.
    """
    return sorted(quotas, key=_severity_key)


def _severity_key(listed: ListedQuota) -> tuple[int, float, str, str]:
    value = known_value(listed)
    used = listed.utilization.amount if isinstance(listed.utilization, Utilization) else 0
    share = (used / value if value else inf) if used else 0.0
    rank = (
        0 if value is not None and used and used >= value
        else 1 if listed.request
        else 2 if used and value is not None
        else 3 if value is None
        else 4 if value < 1
        else 5
    )  # fmt: skip
    return rank, -share, listed.quota.name, listed.quota.region


def live_utilization(
    quotas: Iterable[Quota], in_use: Mapping[Workload, InUseCounts], at: datetime
) -> dict[str, Utilization | Unknown]:
    """The use of each quota as it was counted, by code."""
    return {quota.code: _live_quota_utilization(quota.name, in_use, at) for quota in quotas}


def _live_quota_utilization(name: str, in_use: Mapping[Workload, InUseCounts], at: datetime) -> Utilization | Unknown:
    instance_type, workload = parse_quota_name(name)
    if is_per_job(name):
        return _PER_JOB
    if workload is None or workload not in in_use:
        return _NO_COUNT
    counted = in_use[workload]
    return counted.incomplete or Utilization(counted.count(instance_type), at)


def join_listings(
    quotas: Iterable[Quota],
    gaps: Mapping[str, Unknown],
    uses: Mapping[str, Utilization | Unknown],
    unmeasured: Unknown,
    requests: Iterable[IncreaseRequest],
) -> list[ListedQuota]:
    """What was read of each quota, put together. ``unmeasured`` stands where nothing tells the use."""
    asked = {request.quota_code: request for request in requests}
    named = {request.quota_name: request for request in asked.values()}
    return [
        ListedQuota(
            quota,
            uses.get(quota.code, unmeasured),
            gaps.get(quota.code),
            named.get(quota.name) or asked.get(quota.code),
        )
        for quota in quotas
    ]

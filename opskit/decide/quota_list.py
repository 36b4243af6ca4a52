"""Which quotas of a look over all of them are shown, how full they are, and which of them hurts most."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fnmatch import translate
from math import inf

from opskit.decide.demands import is_per_job, what_for
from opskit.errors import CREDENTIALS, ExitCode, Problem
from opskit.model import InUse, ListedQuota, Quota, Request, Unread, Usage, Use

NOT_TOLD = frozenset({"no-metric", "not-published"})
NO_NUMBER = NOT_TOLD | {"not-counted", "per-job"}
"""Reasons for an unknown use that are nobody's failure."""

_GLOB = re.compile(r"[*?\[]")
_NO_COUNT = Unread("opskit cannot count the use of it", "not-counted")
_PER_JOB = Unread("it bounds a single job: nothing is used up of it", "per-job")


class UseFrom(StrEnum):
    """Where the use of the quotas is taken from."""

    METRICS = "metrics"
    LIVE = "live"
    REPORT = "report"


@dataclass(frozen=True)
class Choice:
    """Which quotas are wanted: all, unless something narrows it down."""

    match: str = ""
    usages: tuple[Usage, ...] = ()
    used: bool = False
    short: bool = False

    def takes(self, listed: ListedQuota) -> bool:
        """Whether a quota is among those wanted."""
        return (
            matches(listed.quota, self.match)
            and (not self.usages or what_for(listed.quota.name)[1] in self.usages)
            and (not self.used or (isinstance(listed.use, Use) and listed.use.amount > 0))
            and (not self.short or is_short(listed))
        )


@dataclass(frozen=True)
class QuotaList:
    """The quotas that are wanted, the worst first, and what could not be read.

    ``dark`` names the Regions of which no quota could be read, ``regions`` all that were looked at; ``remarks`` are
    no problems but good to know.
    """

    quotas: Sequence[ListedQuota]
    regions: tuple[str, ...]
    problems: tuple[Problem, ...] = ()
    dark: frozenset[str] = frozenset()
    remarks: tuple[str, ...] = ()

    @property
    def exit(self) -> ExitCode:
        """Nothing was read where something was asked for: AWS said no; not all of it: partly done."""
        locked_out = all(problem.code in CREDENTIALS for problem in self.problems)
        if self.dark == set(self.regions) and (len(self.regions) == 1 or locked_out):
            return ExitCode.AWS
        return ExitCode.PARTLY if self.problems else ExitCode.DONE


def matches(quota: Quota, text: str) -> bool:
    """Whether a quota's name or code has ``text`` in it, in any case; with ``*``, ``?`` or ``[…]`` in it, as a glob."""
    told = f"{quota.name}\n{quota.code}".lower()
    wanted = text.strip().lower()
    if not _GLOB.search(wanted):
        return wanted in told
    pattern = re.compile(translate(f"*{wanted}*"))
    return any(pattern.match(line) for line in told.split("\n"))


def value_of(listed: ListedQuota) -> float | None:
    """The value that counts; None where it is not known."""
    return None if listed.gap else listed.quota.value


def utilisation(listed: ListedQuota) -> float | None:
    """How much of a quota is in use, in percent, to the second place; above 100 where more is in use than it allows.
    None where either is not known, and for a quota of 0, of which there is no share.
    """
    value = value_of(listed)
    return round(100 * listed.use.amount / value, 2) if value and isinstance(listed.use, Use) else None


def is_short(listed: ListedQuota) -> bool:
    """Whether there is certainly no room for one more."""
    value = value_of(listed)
    used = listed.use.amount if isinstance(listed.use, Use) else 0
    return value is not None and value - used < 1


def worst_first(quotas: Iterable[ListedQuota]) -> list[ListedQuota]:
    """What hurts most on top: what is used up, then what was asked for, then what is in use, the fullest first, then
    what nobody knows the value of, then what is 0, then the rest; by name where that is equal.
    """
    return sorted(quotas, key=_pain)


def _pain(listed: ListedQuota) -> tuple[int, float, str, str]:
    value = value_of(listed)
    used = listed.use.amount if isinstance(listed.use, Use) else 0
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


def live_uses(quotas: Iterable[Quota], in_use: Mapping[Usage, InUse], at: datetime) -> dict[str, Use | Unread]:
    """The use of each quota as it was counted, by code."""
    return {quota.code: _live_use(quota.name, in_use, at) for quota in quotas}


def _live_use(name: str, in_use: Mapping[Usage, InUse], at: datetime) -> Use | Unread:
    instance_type, usage = what_for(name)
    if is_per_job(name):
        return _PER_JOB
    if usage is None or usage not in in_use:
        return _NO_COUNT
    counted = in_use[usage]
    return counted.missing or Use(counted.of(instance_type), at)


def together(
    quotas: Iterable[Quota],
    gaps: Mapping[str, Unread],
    uses: Mapping[str, Use | Unread],
    unmeasured: Unread,
    requests: Iterable[Request],
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

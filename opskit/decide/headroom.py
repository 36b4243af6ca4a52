"""Is there room? The judgement over one demand: quota, what is in use, and what has been asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from opskit.decide.demands import quota_name
from opskit.errors import ExitCode, Problem
from opskit.model import Demand, Headroom, InUse, NotOffered, Quota, QuotaAnswer, Request, Unread, Verdict

_WORST_FIRST = (Verdict.SHORT, Verdict.NOT_OFFERED, Verdict.UNKNOWN, Verdict.PENDING, Verdict.FITS)


@dataclass(frozen=True)
class QuotaCheck:
    """All judgements of a look at one or several Regions, and what could not be read.

    ``dark`` names the Regions of which nothing at all could be read.
    """

    headrooms: tuple[Headroom, ...]
    problems: tuple[Problem, ...] = ()
    dark: frozenset[str] = frozenset()

    @property
    def exit(self) -> ExitCode:
        """No room wins over not knowing, not knowing over room."""
        if any(refuses(headroom) for headroom in self.headrooms):
            return ExitCode.REFUSED
        regions = {headroom.region for headroom in self.headrooms}
        if self.dark and self.dark == regions and len(regions) == 1:
            return ExitCode.AWS
        unknown = any(headroom.verdict is Verdict.UNKNOWN for headroom in self.headrooms)
        return ExitCode.PARTLY if unknown else ExitCode.DONE


def refuses(headroom: Headroom) -> bool:
    """Whether a judgement is a no: short, or not offered although it was asked for by name."""
    if headroom.verdict is Verdict.NOT_OFFERED:
        return headroom.demand.named
    return headroom.verdict in (Verdict.SHORT, Verdict.PENDING)


def worst_first(headrooms: Iterable[Headroom]) -> tuple[Headroom, ...]:
    """What needs doing on top; within a verdict the order it was asked in."""
    return tuple(sorted(headrooms, key=lambda headroom: _WORST_FIRST.index(headroom.verdict)))


def judge(
    region: str, demand: Demand, quota: QuotaAnswer, in_use: InUse, requests: Sequence[Request] | Unread
) -> Headroom:
    """Hold one demand against one quota.

    A quota that could not be read is ``unknown``; so is one whose use could not be counted, unless the demand is
    above the quota, or above what is left of it at best, which no count can mend.
    """
    name = quota_name(demand)
    match quota:
        case NotOffered():
            seen = f" (seen on {quota.looked:%Y-%m-%d})" if quota.looked else ""
            because = f"{region} has no such quota{seen}: no increase can help"
            return _unmeasured(region, demand, name, Verdict.NOT_OFFERED, because)
        case Unread():
            return _unmeasured(region, demand, name, Verdict.UNKNOWN, quota.because)
        case Quota():
            return _measured(region, demand, quota, in_use, requests)


def _unmeasured(region: str, demand: Demand, name: str, verdict: Verdict, because: str) -> Headroom:
    return Headroom(region, demand, name, None, None, None, None, None, verdict, because)


def _measured(
    region: str, demand: Demand, quota: Quota, in_use: InUse, requests: Sequence[Request] | Unread
) -> Headroom:
    value = quota.value or 0.0
    used = 0 if demand.per_job else in_use.of(demand.instance_type)
    counted = demand.per_job or in_use.missing is None
    free = max(0.0, value - used)
    request = _covering(quota, demand.need + used, requests)
    verdict, because = _verdict(demand, quota, used, free, counted, in_use, request)
    return Headroom(
        region=region,
        demand=demand,
        quota_name=quota.name,
        quota_code=quota.code,
        applied=quota.applied,
        default=quota.default,
        in_use=used if counted else None,
        free=free if counted else None,
        verdict=verdict,
        because=because,
        request=request,
    )


def _verdict(
    demand: Demand, quota: Quota, used: int, free: float, counted: bool, in_use: InUse, request: Request | None
) -> tuple[Verdict, str]:
    held = "the default counts, no applied value: " if quota.applied is None else ""
    if free < demand.need:
        at_least = "" if counted else "at least "
        because = f"{held}{number(quota.value)} allowed, {at_least}{used} in use, {demand.need} needed"
        if request is not None:
            asked = f"a request for {number(request.desired)} is {request.status.value.lower().replace('_', ' ')}"
            return Verdict.PENDING, f"{because}; {asked}"
        return Verdict.SHORT, because
    if not counted:
        why = in_use.missing.because if in_use.missing else "the use could not be counted"
        return Verdict.UNKNOWN, f"{number(quota.value)} allowed, but what is in use is not known: {why}"
    if demand.per_job:
        return Verdict.FITS, f"{held}a job may have {number(quota.value)}"
    return Verdict.FITS, f"{held}{number(free)} free"


def _covering(quota: Quota, wanted: int, requests: Sequence[Request] | Unread) -> Request | None:
    """The open request of this quota that would make room."""
    if isinstance(requests, Unread):
        return None
    open_ones = [request for request in requests if request.quota_name == quota.name and request.status.is_open]
    return next((request for request in open_ones if request.desired >= wanted), None)


def number(value: float | None) -> str:
    """A quota's value as people write it: whole numbers without a point."""
    if value is None:
        return "?"
    return f"{value:.0f}" if value == int(value) else f"{value:g}"

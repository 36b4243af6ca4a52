"""Is there room? The judgement over one demand: quota, what is in use, and what has been asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from opskit.decide.demands import quota_name
from opskit.errors import ExitCode, Problem
from opskit.model import Demand, Headroom, InUse, NotOffered, Quota, QuotaAnswer, Request, Unread, Verdict

_WORST_FIRST = (Verdict.SHORT, Verdict.NOT_OFFERED, Verdict.UNKNOWN, Verdict.PENDING, Verdict.FITS)


@dataclass(frozen=True)
class QuotaCheck:
    """All judgements of a look at one or several Regions, and what could not be read.

    ``dark`` names the Regions of which no quota could be read; ``locked_out`` tells that AWS let us in nowhere.
    """

    headrooms: tuple[Headroom, ...]
    problems: tuple[Problem, ...] = ()
    dark: frozenset[str] = frozenset()
    locked_out: bool = False

    @property
    def exit(self) -> ExitCode:
        """No room wins over not knowing, not knowing over room."""
        if any(refuses(headroom) for headroom in self.headrooms):
            return ExitCode.REFUSED
        regions = {headroom.region for headroom in self.headrooms}
        if self.dark and self.dark == regions and (len(regions) == 1 or self.locked_out):
            return ExitCode.AWS
        unknown = any(headroom.verdict is Verdict.UNKNOWN for headroom in self.headrooms)
        return ExitCode.PARTLY if unknown or self.dark else ExitCode.DONE


def refuses(headroom: Headroom) -> bool:
    """Whether a judgement is a no: short, not offered although it was asked for by name, or fuller than the user
    wants it.
    """
    if headroom.verdict is Verdict.NOT_OFFERED:
        return headroom.demand.named
    return headroom.verdict in (Verdict.SHORT, Verdict.PENDING) or is_too_full(headroom)


def is_too_full(headroom: Headroom) -> bool:
    """Whether so much of a quota is in use that the user wants to hear of it, although there may be room."""
    share, part = headroom.demand.share, in_use_share(headroom)
    return share is not None and part is not None and part >= share


def in_use_share(headroom: Headroom) -> float | None:
    """The part of a quota that is in use, above 1 where more is; None where either is unknown, or the quota 0."""
    value = headroom.applied if headroom.applied is not None else headroom.default
    return None if not value or headroom.in_use is None else headroom.in_use / value


def worst_first(headrooms: Iterable[Headroom]) -> tuple[Headroom, ...]:
    """What needs doing on top; within a verdict the order it was asked in."""
    return tuple(sorted(headrooms, key=lambda headroom: _WORST_FIRST.index(headroom.verdict)))


def judge(
    region: str, demand: Demand, quota: QuotaAnswer, in_use: InUse, requests: Sequence[Request] | Unread
) -> Headroom:
    """Hold one demand against one quota.

    A quota that could not be read is ``unknown``. So is one whose use could not be counted in full, unless the
    demand is above the quota, or above what is left of it at best, which no better count can mend.
    """
    name = quota_name(demand)
    match quota:
        case NotOffered():
            seen = f" (looked on {quota.looked:%Y-%m-%d})" if quota.looked else ""
            because = f"not offered in {region}{seen}: no increase can help"
            return _unmeasured(region, demand, name, Verdict.NOT_OFFERED, because)
        case Unread():
            return _unmeasured(region, demand, name, Verdict.UNKNOWN, quota.because)
        case Quota(value=None):
            return _unmeasured(region, demand, name, Verdict.UNKNOWN, "AWS gave no value")
        case Quota():
            return _measured(demand, quota, quota.value or 0.0, in_use, _open_request(quota, requests))
        case _:
            assert_never(quota)


def _unmeasured(region: str, demand: Demand, name: str, verdict: Verdict, because: str) -> Headroom:
    return Headroom(region, demand, name, None, None, None, None, None, verdict, because)


def _measured(demand: Demand, quota: Quota, value: float, in_use: InUse, request: Request | None) -> Headroom:
    used = 0 if demand.per_job else in_use.of(demand.instance_type)
    missing = None if demand.per_job else in_use.missing
    verdict = _verdict(demand.need, value - used, missing, None if request is None else request.desired - used)
    headroom = Headroom(
        region=quota.region,
        demand=demand,
        quota_name=quota.name,
        quota_code=quota.code,
        applied=quota.applied,
        default=quota.default,
        in_use=None if missing else used,
        free=None if missing else max(0.0, value - used),
        verdict=verdict,
        because=_because(demand, quota, value, used, missing) + _kept_warm(demand, in_use) + _asked_for(request),
        request=request,
        at_least=used,
    )
    return replace(headroom, because=headroom.because + _too_full(headroom))


def _verdict(need: int, left: float, missing: Unread | None, left_then: float | None) -> Verdict:
    """``left`` is what remains of the quota, at best where something of the use is ``missing``; ``left_then``
    would remain were the open request granted.
    """
    if left < need:
        covered = left_then is not None and left_then >= need and missing is None
        return Verdict.PENDING if covered else Verdict.SHORT
    return Verdict.FITS if missing is None else Verdict.UNKNOWN


def _because(demand: Demand, quota: Quota, value: float, used: int, missing: Unread | None) -> str:
    counts = "" if quota.applied is not None else " (AWS's default; nothing else is applied)"
    if demand.per_job:
        return f"a job may have {number(value)}{counts}"
    if missing is None:
        return f"{used} of {number(value)} in use{counts}" if used else f"the quota is {number(value)}{counts}"
    if value - used < demand.need:
        return f"the quota is {number(value)}{counts}" + (f", at least {used} in use" if used else "")
    return f"what is in use could not be counted: {missing.because}"


def _kept_warm(demand: Demand, in_use: InUse) -> str:
    """A word on what is in use although nothing runs on it."""
    warm = 0 if demand.per_job else in_use.warm_of(demand.instance_type)
    return f"; {warm} of it in warm pools, which ended jobs keep" if warm else ""


def _too_full(headroom: Headroom) -> str:
    if not is_too_full(headroom):
        return ""
    return f"; {in_use_share(headroom) or 0:.0%} of it is in use, and you want to hear of {headroom.demand.share:.0%}"


def _asked_for(request: Request | None) -> str:
    if request is None:
        return ""
    return f"; {number(request.desired)} asked for, {request.status.value.lower().replace('_', ' ')}"


def _open_request(quota: Quota, requests: Sequence[Request] | Unread) -> Request | None:
    """The open request for a quota. AWS allows one at a time; of several the largest is meant."""
    if isinstance(requests, Unread):
        return None
    ours = [request for request in requests if request.status.is_open and _is_about(request, quota)]
    return max(ours, key=lambda request: request.desired, default=None)


def _is_about(request: Request, quota: Quota) -> bool:
    return request.quota_name == quota.name if request.quota_name else request.quota_code == quota.code


def enough(headroom: Headroom) -> int:
    """The applied value that would make a demand fit, beside what is known to be in use."""
    used = headroom.at_least if headroom.in_use is None else headroom.in_use
    return headroom.demand.need + used


def enough_to_ask(headroom: Headroom) -> int:
    """The value to ask AWS for so that a demand fits: AWS takes only values above its own default."""
    return max(enough(headroom), 0 if headroom.default is None else int(headroom.default) + 1)


def number(value: float | None) -> str:
    """A quota's value as people write it: whole numbers without a point."""
    if value is None:
        return "?"
    return f"{value:.0f}" if value == int(value) else f"{value:g}"

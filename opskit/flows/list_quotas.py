"""List every quota of one or several Regions: values, use and open requests, side by side, then put in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from opskit.aws import Door, side_by_side
from opskit.decide.quota_list import NO_NUMBER, Choice, QuotaList, UseFrom, live_uses, together, worst_first
from opskit.errors import Problem
from opskit.flows.clock import Clock
from opskit.model import ListedQuota, Unread, Usage, Use
from opskit.observe.every_quota import EveryQuota, read_every_quota
from opskit.observe.quota_report import order_report, read_report
from opskit.observe.requests import open_requests
from opskit.observe.usage import count_in_use
from opskit.observe.usage_metrics import NO_METRIC, UsageMetrics

_REGIONS_AT_ONCE = 40
_REPORT_SECONDS = 60
_REPORT_POLL_SECONDS = 1.0


@dataclass(frozen=True)
class _Seen:
    """What one look at a Region brought back. ``lost`` is what could not be read of it."""

    region: str
    quotas: Sequence[ListedQuota]
    lost: tuple[Unread, ...] = ()
    is_dark: bool = False
    remark: str = ""


def list_quotas(doors: Sequence[Door], choice: Choice, use_from: UseFrom, clock: Clock) -> QuotaList:
    """Every quota that is wanted, in every Region, the worst first. A Region that fails does not hide the others."""
    looks: list[_Seen] = side_by_side(
        [partial(_visit, door, choice, use_from, clock) for door in doors], most=_REGIONS_AT_ONCE
    )
    return QuotaList(
        quotas=worst_first(listed for look in looks for listed in look.quotas),
        regions=tuple(look.region for look in looks),
        problems=tuple(dict.fromkeys(problem for look in looks for problem in _problems(look))),
        dark=frozenset(look.region for look in looks if look.is_dark),
        remarks=tuple(f"{look.region}: {look.remark}" for look in looks if look.remark),
    )


def _visit(door: Door, choice: Choice, use_from: UseFrom, clock: Clock) -> _Seen:
    """A look at one Region, of which nothing stays but what was seen."""
    try:
        return _look(door, choice, use_from, clock)
    finally:
        door.leave()


def _look(door: Door, choice: Choice, use_from: UseFrom, clock: Clock) -> _Seen:
    reported, remark = _reported(door, clock) if use_from is UseFrom.REPORT else ({}, "")
    metrics = UsageMetrics(door, clock.now(), reported)
    counts = use_from is UseFrom.LIVE
    every, requests, in_use = side_by_side(
        [
            partial(read_every_quota, door, _unheard if counts else metrics.want),
            partial(open_requests, door),
            partial(count_in_use, door, Usage if counts else ()),
        ]
    )
    uses = live_uses(every.quotas, in_use, metrics.now) if counts else metrics.told()
    asked = () if isinstance(requests, Unread) else requests
    listed = together(every.quotas, every.gaps, uses, NO_METRIC, asked)
    unread = [requests] if isinstance(requests, Unread) else []
    unread += [each.missing for each in in_use.values() if each.missing]
    return _Seen(
        door.region,
        [each for each in listed if choice.takes(each)],
        (*every.missing, *unread, *_gaps(every, uses)),
        is_dark=bool(every.missing) and not every.quotas,
        remark=remark,
    )


def _unheard(code: str, metric: Mapping[str, object] | None) -> None:
    """Nobody wants the metrics."""


def _gaps(every: EveryQuota, uses: Mapping[str, Use | Unread]) -> Iterable[Unread]:
    """Why values and uses are not known that AWS should have told."""
    yield from every.gaps.values()
    yield from (use for use in uses.values() if isinstance(use, Unread) and use.code not in NO_NUMBER)


def _reported(door: Door, clock: Clock) -> tuple[Mapping[str, Use], str]:
    """The uses that AWS's own report tells, and a remark where there is none, or nothing of SageMaker in it."""
    report = order_report(door)
    told = report if isinstance(report, Unread) else _waited_for(door, report, clock)
    if isinstance(told, Unread):
        return {}, f"no utilisation report ({told.because.rstrip('.')}): the use is from CloudWatch."
    if not told:
        return {}, "AWS's utilisation report tells nothing of SageMaker's quotas: the use is from CloudWatch."
    return told, ""


def _waited_for(door: Door, report_id: str, clock: Clock) -> Mapping[str, Use] | Unread:
    begun = clock.now()
    while (clock.now() - begun).total_seconds() < _REPORT_SECONDS:
        told = read_report(door, report_id)
        if told is not None:
            return told
        clock.sleep(_REPORT_POLL_SECONDS)
    return Unread(f"AWS did not finish it within {_REPORT_SECONDS} s")


def _problems(look: _Seen) -> Iterable[Problem]:
    for each in dict.fromkeys(look.lost):
        yield Problem(each.code, each.because, each.hint, look.region)

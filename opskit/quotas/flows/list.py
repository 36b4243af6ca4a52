"""List every quota of one or several Regions: values, use and open requests, side by side, then put in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather, gather_all
from opskit.aws.polling import PollSchedule, poll
from opskit.core.clock import Clock
from opskit.core.exceptions import Problem
from opskit.core.model import Unknown, Workload
from opskit.quotas.reads.all_quotas import AllQuotas, read_all_quotas
from opskit.quotas.reads.requests import open_requests
from opskit.quotas.reads.usage import count_in_use
from opskit.quotas.reads.usage_metrics import NO_METRIC, UsageMetrics
from opskit.quotas.reads.utilization_report import read_report, request_report
from opskit.quotas.rules.listing import (
    UNCOUNTABLE_CODES,
    QuotaFilter,
    QuotaList,
    UtilizationSource,
    join_listings,
    live_utilization,
    sort_by_severity,
)
from opskit.quotas.rules.model import ListedQuota, Utilization

_REGIONS_AT_ONCE = 40
_REPORT_SECONDS = 60
_REPORT_POLL_SECONDS = 1.0


@dataclass(frozen=True)
class _RegionListing:
    """What one look at a Region brought back. ``unread`` is what could not be read of it."""

    region: str
    quotas: Sequence[ListedQuota]
    unread: tuple[Unknown, ...] = ()
    is_dark: bool = False
    remark: str = ""


def list_quotas(
    clients: Sequence[AwsClient], choice: QuotaFilter, use_from: UtilizationSource, clock: Clock
) -> QuotaList:
    """Every quota that is wanted, in every Region, the worst first. A Region that fails does not hide the others."""
    looks = gather_all(
        [partial(_list_region_and_release, client, choice, use_from, clock) for client in clients],
        max_workers=_REGIONS_AT_ONCE,
    )
    return QuotaList(
        quotas=sort_by_severity(listed for look in looks for listed in look.quotas),
        regions=tuple(look.region for look in looks),
        problems=tuple(dict.fromkeys(problem for look in looks for problem in _region_problems(look))),
        failed_regions=frozenset(look.region for look in looks if look.is_dark),
        remarks=tuple(f"{look.region}: {look.remark}" for look in looks if look.remark),
    )


def _list_region_and_release(
    client: AwsClient, choice: QuotaFilter, use_from: UtilizationSource, clock: Clock
) -> _RegionListing:
    """A look at one Region, of which nothing stays but what was seen."""
    try:
        return _list_region(client, choice, use_from, clock)
    finally:
        client.release()


def _list_region(client: AwsClient, choice: QuotaFilter, use_from: UtilizationSource, clock: Clock) -> _RegionListing:
    reported, remark = _read_reported(client, clock) if use_from.is_report else ({}, "")
    metrics = UsageMetrics(client, clock.now(), reported)
    counts = use_from.is_live
    every, requests, in_use = gather(
        partial(read_all_quotas, client, _ignore_metric if counts else metrics.add),
        partial(open_requests, client),
        partial(count_in_use, client, Workload if counts else ()),
    )
    uses = live_utilization(every.quotas, in_use, metrics.now) if counts else metrics.results()
    asked = () if isinstance(requests, Unknown) else requests
    listed = join_listings(every.quotas, every.value_errors, uses, NO_METRIC, asked)
    unread = [requests] if isinstance(requests, Unknown) else []
    unread += [each.incomplete for each in in_use.values() if each.incomplete]
    return _RegionListing(
        client.region,
        [quota for quota in listed if choice.matches(quota)],
        (*every.listing_errors, *unread, *_unread_values(every, uses)),
        is_dark=bool(every.listing_errors) and not every.quotas,
        remark=remark,
    )


def _ignore_metric(code: str, metric: Mapping[str, object] | None) -> None:
    """Nobody wants the metrics."""


def _unread_values(every: AllQuotas, uses: Mapping[str, Utilization | Unknown]) -> Iterable[Unknown]:
    """Why values and uses are not known that AWS should have told."""
    yield from every.value_errors.values()
    yield from (use for use in uses.values() if isinstance(use, Unknown) and use.code not in UNCOUNTABLE_CODES)


def _read_reported(client: AwsClient, clock: Clock) -> tuple[Mapping[str, Utilization], str]:
    """The uses that AWS's own report tells, and a remark where there is none, or nothing of SageMaker in it."""
    report = request_report(client)
    told = report if isinstance(report, Unknown) else _await_report(client, report, clock)
    if isinstance(told, Unknown):
        return {}, f"no utilisation report ({told.reason.rstrip('.')}): the use is from CloudWatch."
    if not told:
        return {}, "AWS's utilisation report tells nothing of SageMaker's quotas: the use is from CloudWatch."
    return told, ""


def _await_report(client: AwsClient, report_id: str, clock: Clock) -> Mapping[str, Utilization] | Unknown:
    until = clock.now() + timedelta(seconds=_REPORT_SECONDS)
    for told in poll(partial(read_report, client, report_id), clock, PollSchedule(_REPORT_POLL_SECONDS), until=until):
        if told is not None:
            return told
    return Unknown(f"AWS did not finish it within {_REPORT_SECONDS} s")


def _region_problems(look: _RegionListing) -> Iterable[Problem]:
    for unknown in dict.fromkeys(look.unread):
        yield Problem(unknown.code, unknown.reason, unknown.hint, look.region)

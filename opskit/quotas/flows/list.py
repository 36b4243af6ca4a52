"""Lists every quota of one or several Regions: reads values, utilization and open requests concurrently, then sorts
them.
"""

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
from opskit.quotas.reads.service_quotas import open_requests
from opskit.quotas.reads.usage import count_in_use
from opskit.quotas.reads.usage_listings import no_volumes, sum_volumes
from opskit.quotas.reads.usage_metrics import NO_METRIC, UsageMetrics
from opskit.quotas.reads.utilization_report import read_utilization_report, request_report
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

# Every account has fewer Regions, so all are read concurrently: AWS's rates are per Region.
_REGIONS_AT_ONCE = 40
# AWS's report is ready within seconds; after this long the utilization is read from CloudWatch instead.
_REPORT_SECONDS = 60
_REPORT_POLL_SECONDS = 1.0


@dataclass(frozen=True)
class _RegionListing:
    """Everything that was read of one Region. ``unread`` holds what could not be read; ``is_dark``: nothing could."""

    region: str
    quotas: Sequence[ListedQuota]
    unread: tuple[Unknown, ...] = ()
    is_dark: bool = False
    remark: str = ""
    metrics_asked: int = 0


def list_quotas(
    clients: Sequence[AwsClient], choice: QuotaFilter, use_from: UtilizationSource, clock: Clock
) -> QuotaList:
    """Every quota that matches, in every Region, the worst first. A Region that fails does not hide the others."""
    listings = gather_all(
        [partial(_list_region_and_release, client, choice, use_from, clock) for client in clients],
        max_workers=_REGIONS_AT_ONCE,
    )
    return QuotaList(
        quotas=sort_by_severity(listed for listing in listings for listed in listing.quotas),
        regions=tuple(listing.region for listing in listings),
        problems=tuple(dict.fromkeys(problem for listing in listings for problem in _region_problems(listing))),
        failed_regions=frozenset(listing.region for listing in listings if listing.is_dark),
        metrics_asked=sum(listing.metrics_asked for listing in listings),
        remarks=tuple(f"{listing.region}: {listing.remark}" for listing in listings if listing.remark),
    )


def _list_region_and_release(
    client: AwsClient, choice: QuotaFilter, use_from: UtilizationSource, clock: Clock
) -> _RegionListing:
    """List one Region, and close its clients afterwards."""
    try:
        return _list_region(client, choice, use_from, clock)
    finally:
        client.release()


def _list_region(client: AwsClient, choice: QuotaFilter, use_from: UtilizationSource, clock: Clock) -> _RegionListing:
    reported, remark = _read_reported(client, clock) if use_from.is_report else ({}, "")
    metrics = UsageMetrics(client, clock.now(), reported)
    is_live = use_from.is_live
    all_quotas, requests, in_use, volumes = gather(
        partial(read_all_quotas, client, _ignore_metric if is_live else metrics.add),
        partial(open_requests, client),
        partial(count_in_use, client, Workload if is_live else ()),
        partial(sum_volumes, client) if is_live else no_volumes,
    )
    utilizations = live_utilization(all_quotas.quotas, in_use, volumes, metrics.now) if is_live else metrics.results()
    quotas = join_listings(all_quotas.quotas, all_quotas.value_errors, utilizations, NO_METRIC, requests)
    unread = [requests] if isinstance(requests, Unknown) else []
    unread += [counts.incomplete for counts in in_use.values() if counts.incomplete]
    return _RegionListing(
        client.region,
        [quota for quota in quotas if choice.matches(quota)],
        (*all_quotas.listing_errors, *unread, *_unread_values(all_quotas, utilizations)),
        is_dark=bool(all_quotas.listing_errors) and not all_quotas.quotas,
        remark=remark,
        metrics_asked=metrics.asked,
    )


def _ignore_metric(code: str, metric: Mapping[str, object] | None, value: float | None) -> None:
    """The metric listener when the utilization is counted live."""


def _unread_values(all_quotas: AllQuotas, utilizations: Mapping[str, Utilization | Unknown]) -> Iterable[Unknown]:
    """Why values and utilizations that AWS should have returned are unknown."""
    yield from all_quotas.value_errors.values()
    yield from (
        utilization
        for utilization in utilizations.values()
        if isinstance(utilization, Unknown) and utilization.code not in UNCOUNTABLE_CODES
    )


def _read_reported(client: AwsClient, clock: Clock) -> tuple[Mapping[str, Utilization], str]:
    """The utilizations in AWS's own report, and a remark if there is no report or nothing of SageMaker in it."""
    report = request_report(client)
    reported = report if isinstance(report, Unknown) else _await_report(client, report, clock)
    if isinstance(reported, Unknown):
        return {}, f"no utilization report ({reported.reason.rstrip('.')}): the utilization is from CloudWatch."
    if not reported:
        return {}, "AWS's utilization report contains none of SageMaker's quotas: the utilization is from CloudWatch."
    return reported, ""


def _await_report(client: AwsClient, report_id: str, clock: Clock) -> Mapping[str, Utilization] | Unknown:
    until = clock.now() + timedelta(seconds=_REPORT_SECONDS)
    for reported in poll(
        partial(read_utilization_report, client, report_id), clock, PollSchedule(_REPORT_POLL_SECONDS), until=until
    ):
        if reported is not None:
            return reported
    return Unknown(f"AWS did not finish it within {_REPORT_SECONDS} s")


def _region_problems(listing: _RegionListing) -> Iterable[Problem]:
    for unknown in dict.fromkeys(listing.unread):
        yield Problem(unknown.code, unknown.reason, unknown.hint, listing.region)

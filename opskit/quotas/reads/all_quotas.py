"""Reads every quota of a Region, with AWS's default beside the applied value.

The two listings are read concurrently, each page by page, since a page's token comes with the page before. A listener
gets each quota as soon as its page has arrived, so that its metric can be queried meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather_all
from opskit.core.exceptions import AwsError
from opskit.core.model import Quota, Unknown
from opskit.core.result_or_error import unknown_from_error
from opskit.quotas.reads.service_quotas import (
    NO_SUCH_RESOURCE,
    QuotaRecord,
    listed_quotas,
    nothing_listed,
    parse_record,
)

MetricListener = Callable[[str, Mapping[str, Any] | None, float | None], None]


@dataclass(frozen=True, slots=True)
class AllQuotas:
    """The quotas of a Region as far as they could be read. ``value_errors`` says by code why a value is unknown;
    ``listing_errors`` why a listing could not be read to its end.
    """

    quotas: tuple[Quota, ...]
    value_errors: Mapping[str, Unknown]
    listing_errors: tuple[Unknown, ...] = ()


@dataclass(frozen=True, slots=True)
class _QuotaListing:
    """The records of a listing by code. ``error`` is why it is incomplete; None: it is complete."""

    records: Mapping[str, QuotaRecord]
    error: Unknown | None = None


def read_all_quotas(client: AwsClient, on_quota: MetricListener) -> AllQuotas:
    """Both listings, joined. ``on_quota`` gets each quota's code, its metric and the value in effect (None: unknown) as
    soon as it is read, if the value is applied, else at the end.
    """
    applied_codes: set[str] = set()
    default_metrics: dict[str, Mapping[str, Any] | None] = {}

    # What both listings have is asked of the applied one; nine of ten metrics need not be kept until it has ended.
    def on_applied(code: str, metric: Mapping[str, Any] | None, value: float | None) -> None:
        applied_codes.add(code)
        default_metrics.pop(code, None)
        on_quota(code, metric, value)

    def on_default(code: str, metric: Mapping[str, Any] | None, value: float | None) -> None:
        if code not in applied_codes:
            default_metrics[code] = metric

    applied, defaults = gather_all(
        [
            partial(_read_quota_listing, client, "list_service_quotas", on_applied),
            partial(_read_quota_listing, client, "list_aws_default_service_quotas", on_default),
        ]
    )
    for code, metric in default_metrics.items():
        if code not in applied.records:
            on_quota(code, metric, None if applied.error else defaults.records[code].value)
    records = {**defaults.records, **applied.records}
    return AllQuotas(
        tuple(
            _join_records(client.region, record, applied.records.get(code), defaults.records.get(code))
            for code, record in records.items()
        ),
        dict(_value_errors(records, applied, defaults)),
        tuple(dict.fromkeys(listing.error for listing in (applied, defaults) if listing.error)),
    )


def _join_records(region: str, record: QuotaRecord, applied: QuotaRecord | None, default: QuotaRecord | None) -> Quota:
    return Quota(
        region,
        record.name,
        record.code,
        applied.value if applied else None,
        default.value if default else None,
        record.adjustable,
    )


def _value_errors(
    records: Mapping[str, QuotaRecord], applied: _QuotaListing, defaults: _QuotaListing
) -> Iterator[tuple[str, Unknown]]:
    """The quotas whose value is unknown: AWS returned none, or the listing that would contain it was not read."""
    for code, record in records.items():
        if record.value is None:
            yield code, Unknown(f"AWS gives no value. {record.why_not}".strip())
        # A default stands in only if it is certain that there is no applied value, which a listing that broke off does
        # not tell.
        elif applied.error and code not in applied.records:
            yield code, applied.error


def _read_quota_listing(client: AwsClient, operation: str, on_quota: MetricListener) -> _QuotaListing:
    records: dict[str, QuotaRecord] = {}
    try:
        for page in listed_quotas(client, operation):
            for quota in page:
                record = parse_record(quota)
                records.setdefault(record.code, record)
                on_quota(record.code, quota.get("UsageMetric"), record.value)
    except AwsError as failure:
        # AWS answers so for a Region without any quota of the service, which is a complete listing.
        is_complete = failure.aws_code == NO_SUCH_RESOURCE and not records
        return _QuotaListing(records, None if is_complete else unknown_from_error(failure))
    return _QuotaListing(records, None if records else nothing_listed(client, operation))

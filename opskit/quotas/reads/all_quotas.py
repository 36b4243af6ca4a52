"""Reads every quota of a Region, with AWS's default beside the applied value.

The two listings go side by side, each page after page, because AWS hands out a page's token with the page before.
Whoever wants to ask more about a quota hears of it as soon as its page is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from sys import intern
from typing import Any

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather_all
from opskit.core.exceptions import AwsError
from opskit.core.model import Quota, Unknown
from opskit.core.result_or_error import unknown_from_error
from opskit.quotas.reads.quota_records import ABSENT, listed_quotas, value_told

MetricListener = Callable[[str, Mapping[str, Any] | None], None]


@dataclass(frozen=True, slots=True)
class AllQuotas:
    """The quotas of a Region as far as they could be read. ``value_errors`` says by code why a value is not known;
    ``listing_errors`` why a listing did not come to its end.
    """

    quotas: tuple[Quota, ...]
    value_errors: Mapping[str, Unknown]
    listing_errors: tuple[Unknown, ...] = ()


@dataclass(frozen=True, slots=True)
class _ListedRecord:
    """A quota in a listing. (Interned, since both listings tell the same names.)"""

    name: str
    code: str
    value: float | None
    adjustable: bool
    error_text: str = ""


@dataclass(frozen=True, slots=True)
class _QuotaListing:
    """What a listing told, by code; with ``error``, not to its end."""

    records: Mapping[str, _ListedRecord]
    error: Unknown | None = None


def read_all_quotas(client: AwsClient, on_quota: MetricListener) -> AllQuotas:
    """Both listings, joined. ``on_quota`` is told each quota's code and the metric AWS has for it, at once, perhaps
    twice, and by several threads.
    """
    applied, defaults = gather_all(
        [
            partial(_read_quota_listing, client, operation, on_quota)
            for operation in ("list_service_quotas", "list_aws_default_service_quotas")
        ]
    )
    every = {**defaults.records, **applied.records}
    return AllQuotas(
        tuple(
            _join_records(client.region, told, applied.records.get(code), defaults.records.get(code))
            for code, told in every.items()
        ),
        dict(_value_errors(every, applied, defaults)),
        tuple(dict.fromkeys(each.error for each in (applied, defaults) if each.error)),
    )


def _join_records(
    region: str, told: _ListedRecord, applied: _ListedRecord | None, default: _ListedRecord | None
) -> Quota:
    return Quota(
        region,
        told.name,
        told.code,
        applied.value if applied else None,
        default.value if default else None,
        told.adjustable,
    )


def _value_errors(
    every: Mapping[str, _ListedRecord], applied: _QuotaListing, defaults: _QuotaListing
) -> Iterator[tuple[str, Unknown]]:
    """The quotas whose value is not known: AWS told none, or where it would stand was not read. A default stands in
    only where it is certain that nothing is applied.
    """
    for code, told in every.items():
        if told.value is None:
            yield code, Unknown(f"AWS gives no value. {told.error_text}".strip())
        elif applied.error and code not in applied.records:
            yield code, applied.error


def _read_quota_listing(client: AwsClient, operation: str, on_quota: MetricListener) -> _QuotaListing:
    told: dict[str, _ListedRecord] = {}
    try:
        for page in listed_quotas(client, operation):
            for quota in page:
                each = _parse_listed_record(quota)
                told.setdefault(each.code, each)
                on_quota(each.code, quota.get("UsageMetric"))
    except AwsError as failure:
        if failure.aws_code != ABSENT or told:
            return _QuotaListing(told, unknown_from_error(failure))
    return _QuotaListing(told)


def _parse_listed_record(quota: Mapping[str, Any]) -> _ListedRecord:
    name = intern(quota.get("QuotaName", ""))
    return _ListedRecord(
        name,
        intern(quota.get("QuotaCode", "")),
        value_told(quota.get("Value")),
        quota.get("Adjustable", True),
        (quota.get("ErrorReason") or {}).get("ErrorMessage", ""),
    )

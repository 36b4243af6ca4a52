"""One quota, or one page of them, as Service Quotas answers: each a read of its own, with AWS's gaps as they are.

AWS leaves a quota without an applied value out of ListServiceQuotas and answers GetServiceQuota with
NoSuchResourceException; ``None`` stands for that here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from math import isfinite
from typing import Any

from opskit.aws.client import AwsClient
from opskit.aws.errors import incomplete
from opskit.core.exceptions import CREDENTIAL_CODES, AwsError, Throttled

SERVICE = "sagemaker"
_PAGE = 100
ABSENT = "NoSuchResourceException"

GET = "get_service_quota"
LIST = "list_service_quotas"
GET_DEFAULT = "get_aws_default_service_quota"
LIST_DEFAULTS = "list_aws_default_service_quotas"

_CALLS = {LIST: "ListServiceQuotas", LIST_DEFAULTS: "ListAWSDefaultServiceQuotas"}


HOPELESS_CODES = CREDENTIAL_CODES | {"unreachable"}
"""Problems that another way of asking would meet again."""


class _FilterIgnored(Exception):
    """ListServiceQuotas was asked for one quota and answered others, or none: whether it knows the filter, or had
    filtered its first page alone, cannot be told from that.
    """


@dataclass(frozen=True)
class QuotaRecord:
    """A quota in one of AWS's answers. ``why_not`` is AWS's reason where it gave no value."""

    name: str
    code: str
    value: float | None
    adjustable: bool
    why_not: str = ""


def get_applied_record(client: AwsClient, code: str, way: str) -> QuotaRecord | None:
    """The applied quota behind a code by one way or, where that is closed, the other; None where AWS has none."""
    asks = [partial(_get_via_list_filter, client, code), partial(get_record, client, GET, code)]
    first, second = asks if way == LIST else reversed(asks)
    try:
        return first()
    except _FilterIgnored:
        return second()
    except AwsError as failure:
        if failure.problem.code in HOPELESS_CODES or (failure.transient and not isinstance(failure, Throttled)):
            raise
        try:
            return second()
        except _FilterIgnored:
            raise failure from None


def _get_via_list_filter(client: AwsClient, code: str) -> QuotaRecord | None:
    """One quota through ListServiceQuotas' filter, which older endpoints do not know."""
    try:
        page = client.read("service-quotas", LIST, ServiceCode=SERVICE, QuotaCode=code)
    except AwsError as failure:
        if failure.aws_code == ABSENT:
            return None
        raise
    ours = next((told for told in map(_parse_record, page["Quotas"]) if told.code == code), None)
    if ours is None:
        raise _FilterIgnored
    return ours


def get_record(client: AwsClient, operation: str, code: str) -> QuotaRecord | None:
    """The quota behind a code, as ``operation`` (GET or GET_DEFAULT) tells it; None where AWS has none.

    Raises:
        AwsError: AWS said no, or did not answer.
    """
    try:
        answer = client.read("service-quotas", operation, ServiceCode=SERVICE, QuotaCode=code)
    except AwsError as failure:
        if failure.aws_code == ABSENT:
            return None
        raise
    return _parse_record(answer["Quota"])


def _parse_record(quota: Mapping[str, Any]) -> QuotaRecord:
    return QuotaRecord(
        quota.get("QuotaName", ""),
        quota.get("QuotaCode", ""),
        value_told(quota.get("Value")),
        quota.get("Adjustable", True),
        (quota.get("ErrorReason") or {}).get("ErrorMessage", ""),
    )


def value_told(value: object) -> float | None:
    """A value as AWS told it, None for what is no number."""
    return value if isinstance(value, int | float) and isfinite(value) and not isinstance(value, bool) else None


def record_value(told: QuotaRecord | None) -> float | None:
    """A record's value, None also where there is no record."""
    return None if told is None else told.value


def iterate_records(client: AwsClient, operation: str) -> Iterator[QuotaRecord]:
    """A listing of SageMaker's quotas, record by record. Raises what ``listed_quotas`` does."""
    for page in listed_quotas(client, operation):
        yield from map(_parse_record, page)


def listed_quotas(client: AwsClient, operation: str) -> Iterator[list[Mapping[str, Any]]]:
    """A listing of SageMaker's quotas, page by page. An entry of which it is not told which quota it is could be any:
    with it the listing cannot tell what is not in it.

    Raises:
        AwsError: a page could not be read, or names a quota in half.
    """
    for page in client.paginate("service-quotas", operation, ServiceCode=SERVICE, MaxResults=_PAGE):
        quotas: list[Mapping[str, Any]] = page["Quotas"]
        if not all(quota.get("QuotaName") and quota.get("QuotaCode") for quota in quotas):
            raise incomplete(
                f"service-quotas:{_CALLS[operation]}", client.region, "with a quota without its name or its code"
            )
        yield quotas

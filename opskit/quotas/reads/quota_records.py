"""Reads one quota, or one page of quotas, from Service Quotas.

AWS leaves a quota without an applied value out of ListServiceQuotas and answers GetServiceQuota with
NoSuchResourceException; both are ``None`` here.
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
from opskit.core.model import Unknown

SERVICE = "sagemaker"
_PAGE = 100  # AWS's maximum; the default page is smaller, and pages come one after the other
ABSENT = "NoSuchResourceException"

GET = "get_service_quota"
LIST = "list_service_quotas"
GET_DEFAULT = "get_aws_default_service_quota"
LIST_DEFAULTS = "list_aws_default_service_quotas"

_CALLS = {LIST: "ListServiceQuotas", LIST_DEFAULTS: "ListAWSDefaultServiceQuotas"}


HOPELESS_CODES = CREDENTIAL_CODES | {"unreachable"}
"""Problems that the other call would meet too."""


class _FilterIgnored(Exception):
    """ListServiceQuotas was asked for one quota and returned others, or none: either it does not know the filter, or it
    filtered only its first page. Which of the two cannot be told.
    """


@dataclass(frozen=True)
class QuotaRecord:
    """A quota in a response. ``why_not`` is AWS's reason if it returned no value."""

    name: str
    code: str
    value: float | None
    adjustable: bool
    why_not: str = ""


def get_applied_record(client: AwsClient, code: str, operation: str) -> QuotaRecord | None:
    """The applied quota behind a code, by one operation or, if that is not possible, the other; None if AWS has none.

    ``operation`` is the one to try first: GET or LIST.
    """
    reads = [partial(_get_via_list_filter, client, code), partial(get_record, client, GET, code)]
    first, second = reads if operation == LIST else reversed(reads)
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
    """One quota through the QuotaCode filter of ListServiceQuotas, which older endpoints ignore."""
    try:
        page = client.read("service-quotas", LIST, ServiceCode=SERVICE, QuotaCode=code)
    except AwsError as failure:
        if failure.aws_code == ABSENT:
            return None
        raise
    match = next((record for record in map(_parse_record, page["Quotas"]) if record.code == code), None)
    if match is None:
        raise _FilterIgnored
    return match


def get_record(client: AwsClient, operation: str, code: str) -> QuotaRecord | None:
    """The quota behind a code, as ``operation`` (GET or GET_DEFAULT) returns it; None if AWS has none.

    Raises:
        AwsError: AWS refused the call, or gave no response.
    """
    try:
        response = client.read("service-quotas", operation, ServiceCode=SERVICE, QuotaCode=code)
    except AwsError as failure:
        if failure.aws_code == ABSENT:
            return None
        raise
    return _parse_record(response["Quota"])


def _parse_record(quota: Mapping[str, Any]) -> QuotaRecord:
    return QuotaRecord(
        quota.get("QuotaName", ""),
        quota.get("QuotaCode", ""),
        parse_value(quota.get("Value")),
        quota.get("Adjustable", True),
        (quota.get("ErrorReason") or {}).get("ErrorMessage", ""),
    )


def parse_value(value: object) -> float | None:
    """A value of a response; None if it is not a finite number."""
    # bool is an int in Python, and a value of NaN would compare as neither too small nor enough.
    return value if isinstance(value, int | float) and isfinite(value) and not isinstance(value, bool) else None


def record_value(record: QuotaRecord | None) -> float | None:
    """A record's value; None also if there is no record."""
    return None if record is None else record.value


def iterate_records(client: AwsClient, operation: str) -> Iterator[QuotaRecord]:
    """A listing of SageMaker's quotas, record by record. Raises what ``listed_quotas`` raises."""
    for page in listed_quotas(client, operation):
        yield from map(_parse_record, page)


def nothing_listed(client: AwsClient, operation: str) -> Unknown:
    """Why a listing without a single quota is none: every Region of SageMaker has quotas, and of a Region without any
    AWS says NoSuchResourceException.
    """
    return Unknown(f"service-quotas:{_CALLS[operation]} in {client.region} listed no quota at all", "bad-answer")


def listed_quotas(client: AwsClient, operation: str) -> Iterator[list[Mapping[str, Any]]]:
    """A listing of SageMaker's quotas, page by page. An entry without its name or code could be any quota: with it the
    listing cannot show what is absent.

    Raises:
        AwsError: a page could not be read, or an entry lacks its name or code.
    """
    for page in client.paginate("service-quotas", operation, ServiceCode=SERVICE, MaxResults=_PAGE):
        quotas: list[Mapping[str, Any]] = page["Quotas"]
        if not all(quota.get("QuotaName") and quota.get("QuotaCode") for quota in quotas):
            raise incomplete(
                f"service-quotas:{_CALLS[operation]}", client.region, "with a quota without its name or its code"
            )
        yield quotas

"""Reads Service Quotas: the records of quotas, and requests for increases."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from math import isfinite
from sys import intern
from typing import Any, NamedTuple

from opskit.aws.client import AwsClient, parse_errors_as_aws
from opskit.aws.errors import incomplete
from opskit.aws.gather import gather_all
from opskit.core.exceptions import CREDENTIAL_CODES, AccessDenied, AwsError, Throttled
from opskit.core.model import Unknown
from opskit.core.result_or_error import unknown_from_error
from opskit.quotas.rules.model import IncreaseRequest, RequestStatus

SERVICE_CODE = "sagemaker"
_PAGE = 100  # AWS's maximum; the default page is smaller, and pages come one after the other
NO_SUCH_RESOURCE = "NoSuchResourceException"

GET_QUOTA = "get_service_quota"
LIST_QUOTAS = "list_service_quotas"
GET_DEFAULT_QUOTA = "get_aws_default_service_quota"
LIST_DEFAULT_QUOTAS = "list_aws_default_service_quotas"

_CALLS = {LIST_QUOTAS: "ListServiceQuotas", LIST_DEFAULT_QUOTAS: "ListAWSDefaultServiceQuotas"}


FATAL_CODES = CREDENTIAL_CODES | {"unreachable"}
"""Problems that the other call would meet too."""


class _FilterIgnored(Exception):
    """ListServiceQuotas was asked for one quota and returned others, or none: either it does not know the filter, or it
    filtered only its first page. Which of the two cannot be told.
    """


class QuotaRecord(NamedTuple):
    """A quota in a response. ``value`` None: AWS returned none, and ``why_not`` is its reason if it gave one."""

    name: str
    code: str
    value: float | None
    adjustable: bool
    why_not: str = ""


def get_applied_record(client: AwsClient, code: str, operation: str) -> QuotaRecord | None:
    """The applied quota behind a code, by one operation or, if that is not possible, the other; None if AWS has none.

    ``operation`` is the one to try first: GET_QUOTA or LIST_QUOTAS.
    """
    reads = [partial(_get_via_list_filter, client, code), partial(get_record, client, GET_QUOTA, code)]
    first, second = reads if operation == LIST_QUOTAS else reversed(reads)
    try:
        return first()
    except _FilterIgnored:
        return second()
    except AwsError as failure:
        if failure.problem.code in FATAL_CODES or (failure.transient and not isinstance(failure, Throttled)):
            raise
        try:
            return second()
        except _FilterIgnored:
            raise failure from None


def _get_via_list_filter(client: AwsClient, code: str) -> QuotaRecord | None:
    """One quota through the QuotaCode filter of ListServiceQuotas, which older endpoints ignore."""
    try:
        page = client.read("service-quotas", LIST_QUOTAS, ServiceCode=SERVICE_CODE, QuotaCode=code)
    except AwsError as failure:
        if failure.aws_code == NO_SUCH_RESOURCE:
            return None
        raise
    match = next((record for record in map(parse_record, page["Quotas"]) if record.code == code), None)
    if match is None:
        raise _FilterIgnored
    return match


def get_record(client: AwsClient, operation: str, code: str) -> QuotaRecord | None:
    """The quota behind a code, as ``operation`` (GET_QUOTA or GET_DEFAULT_QUOTA) returns it; None if AWS has none.

    Raises:
        AwsError: AWS refused the call, or gave no response.
    """
    try:
        response = client.read("service-quotas", operation, ServiceCode=SERVICE_CODE, QuotaCode=code)
    except AwsError as failure:
        if failure.aws_code == NO_SUCH_RESOURCE:
            return None
        raise
    return parse_record(response["Quota"])


def parse_record(quota: Mapping[str, Any]) -> QuotaRecord:
    """A quota of a response. Its name and code are kept once, since both listings contain the same 2,000."""
    return QuotaRecord(
        intern(quota.get("QuotaName", "")),
        intern(quota.get("QuotaCode", "")),
        parse_value(quota.get("Value")),
        quota.get("Adjustable", True),
        (quota.get("ErrorReason") or {}).get("ErrorMessage", ""),
    )


def parse_value(value: object) -> float | None:
    """A value of a response; None if it is not a finite number of at least 0."""
    # bool is an int in Python, and a value of NaN would compare as neither too small nor enough.
    if not isinstance(value, float) and (not isinstance(value, int) or isinstance(value, bool)):
        return None
    return value if isfinite(value) and value >= 0 else None


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
    for page in client.paginate("service-quotas", operation, ServiceCode=SERVICE_CODE, MaxResults=_PAGE):
        quotas: list[Mapping[str, Any]] = page["Quotas"]
        if not all(quota.get("QuotaName") and quota.get("QuotaCode") for quota in quotas):
            raise incomplete(
                f"service-quotas:{_CALLS[operation]}", client.region, "with a quota without its name or its code"
            )
        yield quotas


HISTORY_DAYS = 90
"""How far AWS's history of requests goes back."""

_HISTORY = "list_requested_service_quota_change_history"


def open_requests(client: AwsClient) -> tuple[IncreaseRequest, ...] | Unknown:
    """The requests in one Region that AWS has not decided yet."""
    # One call per status: the whole history goes back 90 days and is read at 5 pages a second.
    open_statuses = [status for status in RequestStatus if status.is_open]
    try:
        histories = gather_all([partial(_read_history, client, Status=status) for status in open_statuses])
    except AwsError as failure:
        return unknown_from_error(failure)
    return tuple(request for history in histories for request in history)


def all_requests(client: AwsClient) -> tuple[IncreaseRequest, ...]:
    """All requests of one Region, newest first. AWS keeps them for 90 days.

    Raises:
        AwsError: the history could not be read.
    """
    return tuple(sorted(_read_history(client), key=lambda request: request.created, reverse=True))


def requests_for_quota(client: AwsClient, quota_code: str) -> tuple[IncreaseRequest, ...]:
    """All requests for one quota, newest first; filtered from the Region's history if the caller may not read it by
    quota.

    Raises:
        AwsError: the history could not be read.
    """
    try:
        requests = _read_history(client, operation=f"{_HISTORY}_by_quota", QuotaCode=quota_code)
    except AccessDenied:
        requests = [request for request in _read_history(client) if request.quota_code == quota_code]
    return tuple(sorted(requests, key=lambda request: request.created, reverse=True))


def _read_history(client: AwsClient, operation: str = _HISTORY, **filters: str) -> list[IncreaseRequest]:
    pages = client.paginate("service-quotas", operation, ServiceCode=SERVICE_CODE, MaxResults=_PAGE, **filters)
    requests = [_parse_request(client, change) for page in pages for change in page["RequestedQuotas"]]
    # Filtered here as well: an endpoint that ignores the filter would make ended requests look open.
    wanted = filters.get("Status")
    return [request for request in requests if wanted in (None, request.status)]


def _parse_request(client: AwsClient, change: Mapping[str, Any]) -> IncreaseRequest:
    """A request."""
    with parse_errors_as_aws(client, "service-quotas:ListRequestedServiceQuotaChangeHistory"):
        return IncreaseRequest(
            # By [] where a missing member could lead to a second request: that is an error of the read, never a
            # default.
            id=change["Id"],
            region=client.region,
            quota_name=change.get("QuotaName", ""),
            quota_code=change["QuotaCode"],
            desired_value=_parse_desired_value(change["DesiredValue"]),
            status=_parse_request_status(change["Status"]),
            created=change["Created"],
            case_id=change.get("CaseId"),
            # The only type so far; a request of the account's own has none.
            is_automatic=change.get("RequestType") is not None,
            requester=_parse_requester(change.get("Requester")),
        )


def _parse_desired_value(value: object) -> float:
    """A request's value. Raises ValueError: it is no number that a quota can be compared with."""
    desired = parse_value(value)
    if desired is None:
        raise ValueError("a request without a number")
    return desired


def _parse_requester(text: object) -> str | None:
    """The ARN of who asked, which AWS tells in a string of JSON; None if it tells none."""
    try:
        told = json.loads(str(text))
    except ValueError:
        return None
    arn = told.get("callerArn") if isinstance(told, dict) else None
    return str(arn) if arn else None


def _parse_request_status(word: str) -> RequestStatus:
    """A request's status."""
    # One that AWS adds later counts as open, so that nothing is requested twice because of it.
    return RequestStatus(word) if word in set(RequestStatus) else RequestStatus.CASE_OPENED

"""Reads quota increase requests from Service Quotas."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from opskit.aws.client import AwsClient, parse_errors_as_aws
from opskit.aws.gather import gather_all
from opskit.core.exceptions import AccessDenied, AwsError
from opskit.core.model import Unknown
from opskit.core.result_or_error import unknown_from_error
from opskit.quotas.reads.quota_records import SERVICE
from opskit.quotas.rules.model import IncreaseRequest, RequestStatus

HISTORY_DAYS = 90
"""How far AWS's history of requests goes back."""

_PAGE = 100
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
    pages = client.paginate("service-quotas", operation, ServiceCode=SERVICE, MaxResults=_PAGE, **filters)
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
            desired_value=change["DesiredValue"],
            status=_parse_request_status(change["Status"]),
            created=change["Created"],
            case_id=change.get("CaseId"),
            # The only type so far; a request of the account's own has none.
            is_automatic=change.get("RequestType") is not None,
            requester=_parse_requester(change.get("Requester")),
        )


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

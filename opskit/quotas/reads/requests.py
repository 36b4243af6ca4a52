"""Reads quota increase requests."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather_all
from opskit.aws.unusable_responses import parse_errors_as_aws
from opskit.core.exceptions import AccessDenied, AwsError
from opskit.core.model import Unknown
from opskit.core.result_or_error import unknown_from_error
from opskit.quotas.reads.quota_records import SERVICE
from opskit.quotas.rules.model import IncreaseRequest, RequestStatus

_PAGE = 100
_HISTORY = "list_requested_service_quota_change_history"


def open_requests(client: AwsClient) -> tuple[IncreaseRequest, ...] | Unknown:
    """The requests that AWS is still looking at, in one Region."""
    open_statuses = [status for status in RequestStatus if status.is_open]
    try:
        found = gather_all([partial(_read_history, client, Status=status) for status in open_statuses])
    except AwsError as failure:
        return unknown_from_error(failure)
    return tuple(request for requests in found for request in requests)


def all_requests(client: AwsClient) -> tuple[IncreaseRequest, ...]:
    """Everything that was ever asked for in one Region, the newest first.

    Raises:
        AwsError: it could not be read.
    """
    return tuple(sorted(_read_history(client), key=lambda request: request.created, reverse=True))


def requests_for_quota(client: AwsClient, quota_code: str) -> tuple[IncreaseRequest, ...]:
    """Everything that was ever asked for one quota, the newest first; from the list of all where AWS does not let us
    ask for one.

    Raises:
        AwsError: it could not be read.
    """
    try:
        found = _read_history(client, operation=f"{_HISTORY}_by_quota", QuotaCode=quota_code)
    except AccessDenied:
        found = [request for request in _read_history(client) if request.quota_code == quota_code]
    return tuple(sorted(found, key=lambda request: request.created, reverse=True))


def _read_history(client: AwsClient, operation: str = _HISTORY, **which: str) -> list[IncreaseRequest]:
    pages = client.paginate("service-quotas", operation, ServiceCode=SERVICE, MaxResults=_PAGE, **which)
    told = [_parse_request(client, change) for page in pages for change in page["RequestedQuotas"]]
    wanted = which.get("Status")
    return [request for request in told if wanted in (None, request.status)]


def _parse_request(client: AwsClient, change: Mapping[str, Any]) -> IncreaseRequest:
    """A request; what would be asked for again, were it overlooked, must be told of it.

    Raises:
        AwsError: it is not.
    """
    with parse_errors_as_aws(client, "service-quotas:ListRequestedServiceQuotaChangeHistory"):
        return IncreaseRequest(
            id=change["Id"],
            region=client.region,
            quota_name=change.get("QuotaName", ""),
            quota_code=change["QuotaCode"],
            desired_value=change["DesiredValue"],
            status=_parse_request_status(change["Status"]),
            created=change["Created"],
            case_id=change.get("CaseId"),
        )


def _parse_request_status(word: str) -> RequestStatus:
    """A request's status. One that AWS invents later counts as open: nobody should ask again because of it."""
    return RequestStatus(word) if word in set(RequestStatus) else RequestStatus.CASE_OPENED

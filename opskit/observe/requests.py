"""Reads quota increase requests."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from opskit.aws import Door, side_by_side
from opskit.errors import AwsFailure, Denied
from opskit.model import Request, RequestStatus, Unread
from opskit.observe.bad_answers import understood
from opskit.observe.quotas import SERVICE, unread

_PAGE = 100
_HISTORY = "list_requested_service_quota_change_history"


def open_requests(door: Door) -> tuple[Request, ...] | Unread:
    """The requests that AWS is still looking at, in one Region."""
    try:
        found = side_by_side([partial(_history, door, Status=status) for status in RequestStatus if status.is_open])
    except AwsFailure as failure:
        return unread(failure)
    return tuple(request for requests in found for request in requests)


def all_requests(door: Door) -> tuple[Request, ...]:
    """Everything that was ever asked for in one Region, the newest first.

    Raises:
        AwsFailure: it could not be read.
    """
    return tuple(sorted(_history(door), key=lambda request: request.created, reverse=True))


def requests_of(door: Door, quota_code: str) -> tuple[Request, ...]:
    """Everything that was ever asked for one quota, the newest first; from the list of all where AWS does not let us
    ask for one.

    Raises:
        AwsFailure: it could not be read.
    """
    try:
        found = _history(door, operation=f"{_HISTORY}_by_quota", QuotaCode=quota_code)
    except Denied:
        found = [request for request in _history(door) if request.quota_code == quota_code]
    return tuple(sorted(found, key=lambda request: request.created, reverse=True))


def _history(door: Door, operation: str = _HISTORY, **which: str) -> list[Request]:
    pages = door.pages("service-quotas", operation, ServiceCode=SERVICE, MaxResults=_PAGE, **which)
    told = [_request(door, change) for page in pages for change in page["RequestedQuotas"]]
    wanted = which.get("Status")
    return [request for request in told if wanted in (None, request.status)]


def _request(door: Door, change: Mapping[str, Any]) -> Request:
    """A request; what would be asked for again, were it overlooked, must be told of it.

    Raises:
        AwsFailure: it is not.
    """
    with understood(door, "service-quotas:ListRequestedServiceQuotaChangeHistory"):
        return Request(
            id=change["Id"],
            region=door.region,
            quota_name=change.get("QuotaName", ""),
            quota_code=change["QuotaCode"],
            desired=change["DesiredValue"],
            status=_status(change["Status"]),
            created=change["Created"],
            case_id=change.get("CaseId"),
        )


def _status(word: str) -> RequestStatus:
    """A request's status. One that AWS invents later counts as open: nobody should ask again because of it."""
    return RequestStatus(word) if word in set(RequestStatus) else RequestStatus.CASE_OPENED

"""Requests for more: what was asked, how far AWS has come with it, and from when the new value counts.

A request ages by itself: its status is a function of the time, so nothing has to run in the background.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import uuid4

from opskit.sandbox.quotas.quota_catalogue import KnownQuota
from opskit.sandbox.scenarios import Scenario
from opskit.sandbox.state import AccountRegion


class RequestStatus(StrEnum):
    """The statuses of a request for more."""

    PENDING = "PENDING"
    CASE_OPENED = "CASE_OPENED"
    APPROVED = "APPROVED"
    DENIED = "DENIED"
    NOT_APPROVED = "NOT_APPROVED"
    CASE_CLOSED = "CASE_CLOSED"

    @property
    def is_open(self) -> bool:
        """Whether AWS has not decided yet."""
        match self:
            case RequestStatus.PENDING | RequestStatus.CASE_OPENED:
                return True
            case RequestStatus.APPROVED | RequestStatus.DENIED | RequestStatus.NOT_APPROVED | RequestStatus.CASE_CLOSED:
                return False


# The share of the waiting time after which an early quota's value has risen: the case is still open then.
_EARLY_SHARE = 0.75


@dataclass(frozen=True)
class QuotaRequest:
    """One request for an increase. ``case_from`` is when its support case opens, None when it may have none."""

    id: str
    account_region: AccountRegion
    quota: KnownQuota
    desired: float
    created: datetime
    case_from: datetime | None
    decided_from: datetime
    value_from: datetime
    decision: RequestStatus
    case_id: str

    def status_at(self, now: datetime) -> RequestStatus:
        """PENDING, then CASE_OPENED, then the decision."""
        if now >= self.decided_from:
            return self.decision
        return RequestStatus.CASE_OPENED if self.has_case(now) else RequestStatus.PENDING

    def has_case(self, now: datetime) -> bool:
        """Whether a support case was opened for it."""
        return self.case_from is not None and now >= self.case_from

    def updated_at(self, now: datetime) -> datetime | None:
        """When the status last moved; None while it is PENDING, as AWS has it."""
        if now >= self.decided_from:
            return self.decided_from
        return self.case_from if self.has_case(now) else None

    def is_applied(self, now: datetime) -> bool:
        """Whether the applied value has moved to what was asked."""
        return self.decision is RequestStatus.APPROVED and now >= self.value_from


@dataclass
class QuotaRequestStore:
    """All requests of all accounts and Regions."""

    scenario: Scenario
    approve_after_seconds: float
    _requests: dict[str, QuotaRequest] = field(default_factory=dict)
    _guard: threading.RLock = field(default_factory=threading.RLock)

    def file_request(
        self, account_region: AccountRegion, quota: KnownQuota, desired: float, now: datetime, *, case_allowed: bool
    ) -> QuotaRequest:
        """Write down a request that was found to be in order."""
        wait = timedelta(seconds=self.approve_after_seconds)
        decided = now + wait
        early = quota.name in self.scenario.early
        request = QuotaRequest(
            # AWS's ids are longer than a UUID, so a client that cuts them there finds nothing.
            id=f"{uuid4().hex}{random.choice('ABCDEFGH')}{random.randrange(10**6)}",
            account_region=account_region,
            quota=quota,
            desired=desired,
            created=now,
            # AWS opens the case some time after the request, not with it.
            case_from=now + wait / 2 if case_allowed else None,
            decided_from=decided,
            value_from=now + wait * _EARLY_SHARE if early else decided,
            decision=self._decide_request(desired, case_allowed),
            case_id=str(random.randrange(10**11, 10**12)),
        )
        with self._guard:
            self._requests[request.id] = request
        return request

    def _decide_request(self, desired: float, case_allowed: bool) -> RequestStatus:
        if desired > self.scenario.denied_above:
            return RequestStatus.DENIED
        if desired > self.scenario.automatic_up_to and not case_allowed:
            return RequestStatus.NOT_APPROVED
        return RequestStatus.APPROVED

    def account_requests(self, account: str) -> list[QuotaRequest]:
        """An account's requests in all Regions, newest first."""
        with self._guard:
            requests = [request for request in self._requests.values() if request.account_region.account == account]
        return sorted(requests, key=lambda request: request.created, reverse=True)

    def region_requests(self, account_region: AccountRegion) -> list[QuotaRequest]:
        """One Region's requests, newest first."""
        return [
            request
            for request in self.account_requests(account_region.account)
            if request.account_region == account_region
        ]

    def find_request(self, account_region: AccountRegion, request_id: str) -> QuotaRequest | None:
        """The request of this id, if it was made here."""
        request = self._requests.get(request_id)
        return request if request and request.account_region == account_region else None

    def open_case(self, request: QuotaRequest, now: datetime) -> None:
        """Open a request's support case now, before its time."""
        with self._guard:
            self._requests[request.id] = replace(request, case_from=now)

    def close_case(self, case_id: str, now: datetime) -> None:
        """End the open request, if any, whose support case was resolved before it was decided: CASE_CLOSED."""
        with self._guard:
            for request in list(self._requests.values()):
                if request.case_id == case_id and request.status_at(now).is_open:
                    self._requests[request.id] = replace(request, decided_from=now, decision=RequestStatus.CASE_CLOSED)

    def granted_values(self, account_region: AccountRegion, code: str, now: datetime) -> Iterator[float]:
        """The values that requests have raised a quota to."""
        for request in self.region_requests(account_region):
            if request.quota.code == code and request.is_applied(now):
                yield request.desired

"""One support case, and how AWS Support shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from opskit.sandbox.quotas.increase_requests import QuotaRequest

LIMIT_INCREASE_SERVICE = "service-limit-increase"
# DescribeCases shows the latest five; DescribeCommunications has them all.
_SHOWN_COMMUNICATIONS = 5


class CaseStatus(StrEnum):
    """The statuses of a case."""

    OPENED = "opened"
    REOPENED = "reopened"
    RESOLVED = "resolved"

    @property
    def is_open(self) -> bool:
        """Whether AWS Support is still at work on it."""
        match self:
            case CaseStatus.OPENED | CaseStatus.REOPENED:
                return True
            case CaseStatus.RESOLVED:
                return False

    def after_message(self) -> CaseStatus:
        """The status once a message was added."""
        match self:
            case CaseStatus.OPENED | CaseStatus.REOPENED:
                return self
            case CaseStatus.RESOLVED:
                return CaseStatus.REOPENED


@dataclass(frozen=True)
class CaseMessage:
    """One communication of a case."""

    body: str
    author: str
    sent: datetime


@dataclass(frozen=True)
class SupportCase:
    """One case, whether a client or Service Quotas opened it."""

    account: str
    id: str
    display_id: str
    subject: str
    status: CaseStatus
    service: str
    category: str
    severity: str
    language: str
    created: datetime
    cc: tuple[str, ...] = ()
    messages: tuple[CaseMessage, ...] = ()


def case_of_quota_request(request: QuotaRequest, opened: datetime, now: datetime) -> SupportCase:
    """The case that Service Quotas opened for a request."""
    account = request.account_region.account
    text = (
        f"Region: {request.account_region.region}\nQuota: {request.quota.name}\nNew value: {request.desired:.0f}\n"
        "Opened by Service Quotas."
    )
    return SupportCase(
        account=account,
        id=f"case-{account}-muen-{opened.year}-{request.id[:16]}",
        display_id=request.case_id,
        subject=f"Quota Increase: Amazon SageMaker ({request.quota.name})",
        status=CaseStatus.OPENED if request.status_at(now).is_open else CaseStatus.RESOLVED,
        service=LIMIT_INCREASE_SERVICE,
        category="service-code-sagemaker-endpoints",
        severity="low",
        language="en",
        created=opened,
        messages=(CaseMessage(text, submitter_address(account), opened),),
    )


def submitter_address(account: str) -> str:
    """Who an account's cases are from."""
    return f"root@{account}.example.com"


def case_members(case: SupportCase, with_messages: bool) -> dict[str, Any]:
    """A case in AWS's shape, with its latest communications where asked for."""
    recent = [communication_members(case, message) for message in reversed(case.messages)][:_SHOWN_COMMUNICATIONS]
    return {
        "caseId": case.id,
        "displayId": case.display_id,
        "subject": case.subject,
        "status": case.status,
        "serviceCode": case.service,
        "categoryCode": case.category,
        "severityCode": case.severity,
        "submittedBy": submitter_address(case.account),
        "timeCreated": _case_timestamp(case.created),
        "recentCommunications": {"communications": recent} if with_messages else None,
        "ccEmailAddresses": list(case.cc),
        "language": case.language,
    }


def communication_members(case: SupportCase, message: CaseMessage) -> dict[str, Any]:
    """A communication in AWS's shape."""
    return {
        "caseId": case.id,
        "body": message.body,
        "submittedBy": message.author,
        "timeCreated": _case_timestamp(message.sent),
        "attachmentSet": [],
    }


def _case_timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

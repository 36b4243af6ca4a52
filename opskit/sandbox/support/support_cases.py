"""AWS Support: refused without a plan, which is how most accounts are, and a small case desk with one."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from opskit.sandbox.dispatcher import owns
from opskit.sandbox.errors import ApiError, invalid
from opskit.sandbox.pagination import BadToken, page
from opskit.sandbox.quotas.increase_requests import OPEN, QuotaRequest, QuotaRequests
from opskit.sandbox.state import Call, World

_SUPPORT = "support"
_HOME = "us-east-1"
_PAGE = 100
_SHOWN_COMMUNICATIONS = 5
_INCREASE = "service-limit-increase"
_ISSUES = ("technical", "customer-service", _INCREASE)
_LANGUAGES = ("en", "ja", "zh", "ko", "es", "pt", "fr", "tr")
_SEVERITIES = {"low": "Low", "normal": "Normal", "high": "High", "urgent": "Urgent", "critical": "Critical"}
_SERVICES: dict[str, tuple[str, dict[str, str]]] = {
    "amazon-sagemaker": (
        "SageMaker",
        {"general-guidance": "General Guidance", "training": "Training", "endpoints": "Endpoints"},
    ),
    "general-info": ("General Info and Getting Started", {"using-aws": "Using AWS & Services"}),
    _INCREASE: (
        "Service Limit Increase",
        {
            "service-code-sagemaker-endpoints": "SageMaker Endpoints",
            "service-code-ec2-instances": "EC2 Instances",
        },
    ),
}


@dataclass(frozen=True)
class _Message:
    body: str
    by: str
    at: datetime


@dataclass(frozen=True)
class _Case:
    account: str
    id: str
    display_id: str
    subject: str
    status: str
    service: str
    category: str
    severity: str
    language: str
    created: datetime
    cc: tuple[str, ...] = ()
    messages: tuple[_Message, ...] = field(default=())


class Support:
    """The case desk of every account. Cases that Service Quotas opened for a request stand in it too."""

    def __init__(self, world: World, requests: QuotaRequests, *, plan: bool) -> None:
        self._world = world
        self._requests = requests
        self._plan = plan
        self._cases: dict[str, _Case] = {}
        self._guard = threading.Lock()

    @owns(_SUPPORT, "DescribeServices")
    def describe_services(self, call: Call) -> dict[str, Any]:
        self._enter(call)
        wanted = call.params.get("serviceCodeList") or list(_SERVICES)
        return {"services": [_service(code) for code in wanted if code in _SERVICES]}

    @owns(_SUPPORT, "DescribeSeverityLevels")
    def describe_severity_levels(self, call: Call) -> dict[str, Any]:
        self._enter(call)
        return {"severityLevels": [{"code": code, "name": name} for code, name in _SEVERITIES.items()]}

    @owns(_SUPPORT, "CreateCase")
    def create_case(self, call: Call) -> dict[str, Any]:
        self._enter(call, _check_case)
        now = self._world.now()
        account = call.place.account
        case = _Case(
            account=account,
            id=f"case-{account}-mu{call.params.get('language', 'en')}-{now.year}-{uuid4().hex[:16]}",
            display_id=str(random.randrange(10**9, 10**10)),
            subject=call.params["subject"],
            status="opened",
            service=call.params.get("serviceCode", "general-info"),
            category=call.params.get("categoryCode", "using-aws"),
            severity=call.params.get("severityCode", "low"),
            language=call.params.get("language", "en"),
            created=now,
            cc=tuple(call.params.get("ccEmailAddresses", ())),
            messages=(_Message(call.params["communicationBody"], _submitter(account), now),),
        )
        with self._guard:
            self._cases[case.id] = case
        return {"caseId": case.id}

    @owns(_SUPPORT, "DescribeCases")
    def describe_cases(self, call: Call) -> dict[str, Any]:
        self._enter(call, _check_times)
        for case_id in call.params.get("caseIdList", ()):
            self._case(call, case_id)
        found = [case for case in self._all(call) if _wanted(case, call)]
        with_messages = call.params.get("includeCommunications", True)
        return _paged(call, "cases", [_described(case, with_messages) for case in found])

    @owns(_SUPPORT, "DescribeCommunications")
    def describe_communications(self, call: Call) -> dict[str, Any]:
        self._enter(call, _check_times)
        case = self._case(call, call.params["caseId"])
        messages = [message for message in reversed(case.messages) if _within(message.at, call)]
        return _paged(call, "communications", [_communication(case, message) for message in messages])

    @owns(_SUPPORT, "AddCommunicationToCase")
    def add_communication(self, call: Call) -> dict[str, Any]:
        self._enter(call)
        case = self._case(call, call.params.get("caseId"))
        message = _Message(call.params["communicationBody"], _submitter(case.account), self._world.now())
        status = "reopened" if case.status == "resolved" else case.status
        with self._guard:
            self._cases[case.id] = replace(case, status=status, messages=(*case.messages, message))
        return {"result": True}

    @owns(_SUPPORT, "ResolveCase")
    def resolve_case(self, call: Call) -> dict[str, Any]:
        self._enter(call)
        case = self._case(call, call.params.get("caseId"))
        with self._guard:
            self._cases[case.id] = replace(case, status="resolved")
        self._requests.close_case(case.display_id, self._world.now())
        return {"initialCaseStatus": case.status, "finalCaseStatus": "resolved"}

    @owns(
        _SUPPORT,
        "AddAttachmentsToSet",
        "CompleteAttachmentUpload",
        "DescribeAttachment",
        "DescribeAttachmentUploadStatus",
        "DescribeCreateCaseOptions",
        "DescribeSupportedLanguages",
        "DescribeTrustedAdvisorCheckRefreshStatuses",
        "DescribeTrustedAdvisorCheckResult",
        "DescribeTrustedAdvisorCheckSummaries",
        "DescribeTrustedAdvisorChecks",
        "GetAttachmentDownloadLink",
        "GetAttachmentUploadLinks",
        "RefreshTrustedAdvisorCheck",
    )
    def not_here(self, call: Call) -> dict[str, Any]:
        self._enter(call)
        raise ApiError("InternalServerError", f"The sandbox has no {call.operation}.")

    def _enter(self, call: Call, check: Any = None) -> None:
        """Let a call in: the one Region, the plan, its own rules, and a dry run ends here."""
        check_region(call, (_HOME,))
        if not self._plan:
            raise ApiError(
                "SubscriptionRequiredException",
                "Amazon Web Services Premium Support Subscription is required to use this service.",
            )
        if check:
            check(call)
        if call.params.get("dryRun"):
            raise ApiError(
                "DryRunOperationException", "Request would have succeeded, but DryRun flag is set.", status=412
            )

    def _all(self, call: Call) -> list[_Case]:
        """The account's cases, newest first."""
        now = self._world.now()
        account = call.place.account
        with self._guard:
            own = {case.id: case for case in self._cases.values() if case.account == account}
        opened = [
            _case_of(request, request.case_from, now)
            for request in self._requests.of_account(account)
            if request.case_from and request.has_case(now)
        ]
        cases = {case.id: case for case in opened} | own
        return sorted(cases.values(), key=lambda case: case.created, reverse=True)

    def _case(self, call: Call, case_id: str | None) -> _Case:
        for case in self._all(call):
            if case.id == case_id:
                return case
        raise ApiError("CaseIdNotFound", "The requested CaseId could not be located.")


def check_region(call: Call, regions: Sequence[str]) -> None:
    """Refuse a call signed for a Region that a service with few endpoints does not have; AWS has no such host."""
    if call.place.region not in regions:
        raise ApiError("InvalidSignatureException", "Credential should be scoped to a valid region.", status=403)


def _check_case(call: Call) -> None:
    params = call.params
    service = params.get("serviceCode", "general-info")
    if service not in _SERVICES:
        raise invalid(f"Invalid value '{service}' for service code")
    category = params.get("categoryCode")
    if category is not None and category not in _SERVICES[service][1]:
        raise invalid(f"Invalid value '{category}' for category code")
    for name, allowed in (("severityCode", _SEVERITIES), ("issueType", _ISSUES), ("language", _LANGUAGES)):
        if params.get(name) is not None and params[name] not in allowed:
            raise invalid(f"Invalid value '{params[name]}' for {name}")


def _check_times(call: Call) -> None:
    for name in ("afterTime", "beforeTime"):
        _time(call, name)


def _time(call: Call, name: str) -> datetime | None:
    text = call.params.get(name)
    if text is None:
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise invalid(f"Invalid value '{text}' for {name}") from error
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _within(when: datetime, call: Call) -> bool:
    after, before = _time(call, "afterTime"), _time(call, "beforeTime")
    return (after is None or when >= after) and (before is None or when <= before)


def _wanted(case: _Case, call: Call) -> bool:
    params = call.params
    named = params.get("caseIdList") or ([case.id] if not params.get("displayId") else [])
    return (
        (case.id in named or case.display_id == params.get("displayId"))
        and (case.status != "resolved" or bool(params.get("includeResolvedCases")))
        and params.get("language", case.language) == case.language
        and _within(case.created, call)
    )


def _case_of(request: QuotaRequest, opened: datetime, now: datetime) -> _Case:
    account = request.place.account
    text = (
        f"Region: {request.place.region}\nQuota: {request.quota.name}\nNew value: {request.desired:.0f}\n"
        "Opened by Service Quotas."
    )
    return _Case(
        account=account,
        id=f"case-{account}-muen-{opened.year}-{request.id[:16]}",
        display_id=request.case_id,
        subject=f"Quota Increase: Amazon SageMaker ({request.quota.name})",
        status="opened" if request.status(now) in OPEN else "resolved",
        service=_INCREASE,
        category="service-code-sagemaker-endpoints",
        severity="low",
        language="en",
        created=opened,
        messages=(_Message(text, _submitter(account), opened),),
    )


def _submitter(account: str) -> str:
    return f"root@{account}.example.com"


def _service(code: str) -> dict[str, Any]:
    name, categories = _SERVICES[code]
    listed = [{"code": category, "name": text} for category, text in categories.items()]
    return {"code": code, "name": name, "categories": listed}


def _described(case: _Case, with_messages: bool) -> dict[str, Any]:
    recent = [_communication(case, message) for message in reversed(case.messages)][:_SHOWN_COMMUNICATIONS]
    return {
        "caseId": case.id,
        "displayId": case.display_id,
        "subject": case.subject,
        "status": case.status,
        "serviceCode": case.service,
        "categoryCode": case.category,
        "severityCode": case.severity,
        "submittedBy": _submitter(case.account),
        "timeCreated": _stamp(case.created),
        "recentCommunications": {"communications": recent} if with_messages else None,
        "ccEmailAddresses": list(case.cc),
        "language": case.language,
    }


def _communication(case: _Case, message: _Message) -> dict[str, Any]:
    return {
        "caseId": case.id,
        "body": message.body,
        "submittedBy": message.by,
        "timeCreated": _stamp(message.at),
        "attachmentSet": [],
    }


def _stamp(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _paged(call: Call, name: str, items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    try:
        listed, token = page(call, items, call.params.get("maxResults", _PAGE), call.params.get("nextToken"))
    except BadToken as error:
        raise invalid("Invalid next token") from error
    return {name: listed, "nextToken": token}

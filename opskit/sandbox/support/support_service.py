"""AWS Support: refused without a plan, which is how most accounts are, and a small case desk with one."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from opskit.sandbox.dispatcher import aws_operation
from opskit.sandbox.errors import ApiError, validation_error
from opskit.sandbox.pagination import cut_page
from opskit.sandbox.quotas.increase_requests import QuotaRequestStore
from opskit.sandbox.signature import check_signed_region
from opskit.sandbox.state import ApiCall, SandboxState
from opskit.sandbox.support.support_case import (
    LIMIT_INCREASE_SERVICE,
    CaseMessage,
    CaseStatus,
    SupportCase,
    case_members,
    case_of_quota_request,
    communication_members,
    submitter_address,
)

_SUPPORT = "support"
# AWS Support has one endpoint for all Regions.
_SUPPORT_REGION = "us-east-1"
_PAGE_SIZE = 100
_ISSUE_TYPES = ("technical", "customer-service", LIMIT_INCREASE_SERVICE)
_LANGUAGES = ("en", "ja", "zh", "ko", "es", "pt", "fr", "tr")
_SEVERITIES = {"low": "Low", "normal": "Normal", "high": "High", "urgent": "Urgent", "critical": "Critical"}
_SERVICES: dict[str, tuple[str, dict[str, str]]] = {
    "amazon-sagemaker": (
        "SageMaker",
        {"general-guidance": "General Guidance", "training": "Training", "endpoints": "Endpoints"},
    ),
    "general-info": ("General Info and Getting Started", {"using-aws": "Using AWS & Services"}),
    LIMIT_INCREASE_SERVICE: (
        "Service Limit Increase",
        {
            "service-code-sagemaker-endpoints": "SageMaker Endpoints",
            "service-code-ec2-instances": "EC2 Instances",
        },
    ),
}


class SupportService:
    """The case desk of every account. Cases that Service Quotas opened for a request stand in it too."""

    def __init__(self, state: SandboxState, requests: QuotaRequestStore, *, plan: bool) -> None:
        self._state = state
        self._requests = requests
        self._plan = plan
        self._cases: dict[str, SupportCase] = {}
        self._guard = threading.Lock()

    @aws_operation(_SUPPORT, "DescribeServices")
    def describe_services(self, call: ApiCall) -> dict[str, Any]:
        self._admit_call(call)
        codes = call.params.get("serviceCodeList") or list(_SERVICES)
        return {"services": [_service_members(code) for code in codes if code in _SERVICES]}

    @aws_operation(_SUPPORT, "DescribeSeverityLevels")
    def describe_severity_levels(self, call: ApiCall) -> dict[str, Any]:
        self._admit_call(call)
        return {"severityLevels": [{"code": code, "name": name} for code, name in _SEVERITIES.items()]}

    @aws_operation(_SUPPORT, "CreateCase")
    def create_case(self, call: ApiCall) -> dict[str, Any]:
        self._admit_call(call, _check_new_case)
        now = self._state.now()
        account = call.account_region.account
        case = SupportCase(
            account=account,
            # Real ids have "mu" and the language in them.
            id=f"case-{account}-mu{call.params.get('language', 'en')}-{now.year}-{uuid4().hex[:16]}",
            display_id=str(random.randrange(10**9, 10**10)),
            subject=call.params["subject"],
            status=CaseStatus.OPENED,
            service=call.params.get("serviceCode", "general-info"),
            category=call.params.get("categoryCode", "using-aws"),
            severity=call.params.get("severityCode", "low"),
            language=call.params.get("language", "en"),
            created=now,
            cc=tuple(call.params.get("ccEmailAddresses", ())),
            messages=(CaseMessage(call.params["communicationBody"], submitter_address(account), now),),
        )
        with self._guard:
            self._cases[case.id] = case
        return {"caseId": case.id}

    @aws_operation(_SUPPORT, "DescribeCases")
    def describe_cases(self, call: ApiCall) -> dict[str, Any]:
        self._admit_call(call, _check_time_range)
        # One unknown id fails the whole call, as with AWS.
        for case_id in call.params.get("caseIdList", ()):
            self._find_case(call, case_id)
        cases = [case for case in self._account_cases(call) if _matches_case_filters(case, call)]
        with_messages = call.params.get("includeCommunications", True)
        return _case_page(call, "cases", [case_members(case, with_messages) for case in cases])

    @aws_operation(_SUPPORT, "DescribeCommunications")
    def describe_communications(self, call: ApiCall) -> dict[str, Any]:
        self._admit_call(call, _check_time_range)
        case = self._find_case(call, call.params["caseId"])
        messages = [message for message in reversed(case.messages) if _in_case_time_range(message.sent, call)]
        return _case_page(call, "communications", [communication_members(case, message) for message in messages])

    @aws_operation(_SUPPORT, "AddCommunicationToCase")
    def add_communication(self, call: ApiCall) -> dict[str, Any]:
        self._admit_call(call)
        case = self._find_case(call, call.params.get("caseId"))
        message = CaseMessage(call.params["communicationBody"], submitter_address(case.account), self._state.now())
        with self._guard:
            self._cases[case.id] = replace(case, status=case.status.after_message(), messages=(*case.messages, message))
        return {"result": True}

    @aws_operation(_SUPPORT, "ResolveCase")
    def resolve_case(self, call: ApiCall) -> dict[str, Any]:
        self._admit_call(call)
        case = self._find_case(call, call.params.get("caseId"))
        with self._guard:
            self._cases[case.id] = replace(case, status=CaseStatus.RESOLVED)
        self._requests.close_case(case.display_id, self._state.now())
        return {"initialCaseStatus": case.status, "finalCaseStatus": CaseStatus.RESOLVED}

    @aws_operation(
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
    def refuse_missing_operation(self, call: ApiCall) -> dict[str, Any]:
        self._admit_call(call)
        raise ApiError("InternalServerError", f"The sandbox has no {call.operation}.")

    def _admit_call(self, call: ApiCall, check: Any = None) -> None:
        """Let a call in: the one Region, the plan, its own rules, and a dry run ends here."""
        check_signed_region(call, (_SUPPORT_REGION,))
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

    def _account_cases(self, call: ApiCall) -> list[SupportCase]:
        """The account's cases, newest first."""
        now = self._state.now()
        account = call.account_region.account
        with self._guard:
            created = {case.id: case for case in self._cases.values() if case.account == account}
        opened_by_quotas = [
            case_of_quota_request(request, request.case_from, now)
            for request in self._requests.account_requests(account)
            if request.case_from and request.has_case(now)
        ]
        cases = {case.id: case for case in opened_by_quotas} | created
        return sorted(cases.values(), key=lambda case: case.created, reverse=True)

    def _find_case(self, call: ApiCall, case_id: str | None) -> SupportCase:
        for case in self._account_cases(call):
            if case.id == case_id:
                return case
        raise ApiError("CaseIdNotFound", "The requested CaseId could not be located.")


def _check_new_case(call: ApiCall) -> None:
    params = call.params
    service = params.get("serviceCode", "general-info")
    if service not in _SERVICES:
        raise validation_error(f"Invalid value '{service}' for service code")
    category = params.get("categoryCode")
    if category is not None and category not in _SERVICES[service][1]:
        raise validation_error(f"Invalid value '{category}' for category code")
    for name, allowed in (("severityCode", _SEVERITIES), ("issueType", _ISSUE_TYPES), ("language", _LANGUAGES)):
        if params.get(name) is not None and params[name] not in allowed:
            raise validation_error(f"Invalid value '{params[name]}' for {name}")


def _check_time_range(call: ApiCall) -> None:
    for name in ("afterTime", "beforeTime"):
        _parse_case_time(call, name)


def _parse_case_time(call: ApiCall, name: str) -> datetime | None:
    value = call.params.get(name)
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise validation_error(f"Invalid value '{value}' for {name}") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _in_case_time_range(moment: datetime, call: ApiCall) -> bool:
    after, before = _parse_case_time(call, "afterTime"), _parse_case_time(call, "beforeTime")
    return (after is None or moment >= after) and (before is None or moment <= before)


def _matches_case_filters(case: SupportCase, call: ApiCall) -> bool:
    params = call.params
    case_ids = params.get("caseIdList") or ([case.id] if not params.get("displayId") else [])
    return (
        (case.id in case_ids or case.display_id == params.get("displayId"))
        and (case.status.is_open or bool(params.get("includeResolvedCases")))
        and params.get("language", case.language) == case.language
        and _in_case_time_range(case.created, call)
    )


def _service_members(code: str) -> dict[str, Any]:
    name, categories = _SERVICES[code]
    listed = [{"code": category, "name": text} for category, text in categories.items()]
    return {"code": code, "name": name, "categories": listed}


def _case_page(call: ApiCall, name: str, items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    page, token = cut_page(call, items, _PAGE_SIZE, validation_error("Invalid next token"))
    return {name: page, "nextToken": token}

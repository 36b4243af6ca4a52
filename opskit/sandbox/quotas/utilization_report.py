"""The utilization report of Service Quotas: started, waited for, and read page by page until it expires."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from opskit.sandbox.dispatcher import aws_operation
from opskit.sandbox.errors import ApiError
from opskit.sandbox.quotas.quota_catalogue import RegionalQuota
from opskit.sandbox.quotas.quota_ledger import QuotaLedger
from opskit.sandbox.quotas.quota_responses import SERVICE_NAMES, quota_page
from opskit.sandbox.state import AccountRegion, ApiCall, SandboxState

_SERVICE = "service-quotas"
# AWS's size of a page of the report.
_REPORT_PAGE_SIZE = 1000
# AWS deletes a report after a quarter of an hour.
_REPORT_EXPIRES_AFTER = timedelta(minutes=15)
# Long enough that a client has to ask more than once.
_REPORT_READY_AFTER = timedelta(seconds=2)


@dataclass(frozen=True)
class _Report:
    account_region: AccountRegion
    started: datetime


class UtilizationReportService:
    """StartQuotaUtilizationReport and GetQuotaUtilizationReport."""

    def __init__(self, state: SandboxState, ledger: QuotaLedger) -> None:
        self._state = state
        self._ledger = ledger
        self._reports: dict[str, _Report] = {}

    @aws_operation(_SERVICE, "StartQuotaUtilizationReport")
    def start_utilization_report(self, call: ApiCall) -> dict[str, Any]:
        report_id = str(uuid4())
        self._reports[report_id] = _Report(call.account_region, self._state.now())
        return {"ReportId": report_id, "Status": "PENDING", "Message": "Report generation has started."}

    @aws_operation(_SERVICE, "GetQuotaUtilizationReport")
    def get_utilization_report(self, call: ApiCall) -> dict[str, Any]:
        report_id = call.params["ReportId"]
        report = self._reports.get(report_id)
        now = self._state.now()
        if (
            report is None
            or report.account_region != call.account_region
            or now > report.started + _REPORT_EXPIRES_AFTER
        ):
            raise ApiError("NoSuchResourceException", "The specified report does not exist.")
        if now < report.started + _REPORT_READY_AFTER:
            return {"ReportId": report_id, "Status": "IN_PROGRESS"}
        in_use = self._ledger.usage_by_metric(call.account_region)
        quotas = list(self._ledger.regional_quotas(call.account_region).values())
        done = {
            "ReportId": report_id,
            "Status": "COMPLETED",
            "GeneratedAt": report.started + _REPORT_READY_AFTER,
            "TotalCount": len(quotas),
        }
        rows = quota_page(
            call,
            "Quotas",
            quotas,
            lambda regional: self._utilization_row(call.account_region, regional, in_use),
            _REPORT_PAGE_SIZE,
        )
        return done | rows

    def _utilization_row(
        self, account_region: AccountRegion, regional: RegionalQuota, in_use: Mapping[str, int]
    ) -> dict[str, Any]:
        quota = regional.quota
        applied = self._ledger.applied_value(account_region, quota.code)
        counts = regional.default if applied is None else applied
        used = in_use.get(quota.metric, 0)
        return SERVICE_NAMES | {
            "QuotaCode": quota.code,
            "QuotaName": quota.name,
            "Namespace": "AWS/Usage" if quota.metric else None,
            "Utilization": 100.0 * used / counts if quota.metric and counts else None,
            "DefaultValue": regional.default,
            "AppliedValue": applied,
            "Adjustable": quota.adjustable,
        }

"""The quotas and their APIs by themselves, without a server and with a clock to turn."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from opskit.sandbox.errors import ApiError
from opskit.sandbox.processes import ChildProcesses
from opskit.sandbox.quotas.quota_ledger import QuotaLedger
from opskit.sandbox.quotas.service_quotas import QuotaService
from opskit.sandbox.quotas.utilization_report import UtilizationReportService
from opskit.sandbox.scenarios import SCENARIOS, Scenario
from opskit.sandbox.state import ACCOUNT, AccountRegion, ApiCall, InstanceUsage, SandboxState

TRAINING = "L-A373146E"


TRANSFORM = "L-DAB6AA41"


ENDPOINT = "L-97CF11BE"


NOTEBOOK = "L-7B2FD69B"


RATE = "L-21A1652A"


HOME = AccountRegion(ACCOUNT, "us-east-1")


REGIONS = ("us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-northeast-1")


START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class ClockedState(SandboxState):
    """A state whose time stands still until it is moved."""

    time: datetime = START
    in_use: list[InstanceUsage] = field(default_factory=list)

    def now(self) -> datetime:
        return self.time

    def instances_in_use(self, account_region: AccountRegion) -> list[InstanceUsage]:
        return self.in_use


class Desk:
    """The Service Quotas service by itself, with a clock to turn."""

    def __init__(self, scenario: Scenario = SCENARIOS["fresh"], url: str = "") -> None:
        self.state = ClockedState(url, Path("unused"), ChildProcesses())
        self.ledger = QuotaLedger(self.state, scenario, approve_after_seconds=100)
        self.service = QuotaService(self.state, scenario, self.ledger)
        self.reports = UtilizationReportService(self.state, self.ledger)

    def call(self, operation: str, method: Any, account_region: AccountRegion = HOME, **params: Any) -> dict[str, Any]:
        answer: dict[str, Any] = method(ApiCall(account_region, "service-quotas", operation, params, ""))
        return answer

    def ask(self, code: str, desired: float, account_region: AccountRegion = HOME, **more: Any) -> Any:
        params = {"ServiceCode": "sagemaker", "QuotaCode": code, "DesiredValue": desired, **more}
        answer = self.call("RequestServiceQuotaIncrease", self.service.request_increase, account_region, **params)
        return answer["RequestedQuota"]

    def look(self, request_id: str) -> Any:
        answer = self.call("GetRequestedServiceQuotaChange", self.service.get_requested_change, RequestId=request_id)
        return answer["RequestedQuota"]

    def pass_seconds(self, seconds: float) -> None:
        self.state.time += timedelta(seconds=seconds)


def error_code_and_text(error: pytest.ExceptionInfo[Any]) -> tuple[str, str]:
    """An error's code and text, from boto3 or from a service."""
    if isinstance(error.value, ApiError):
        return error.value.code, error.value.message
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]

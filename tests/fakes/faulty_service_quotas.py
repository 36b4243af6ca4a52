"""An AWS that takes quota requests as badly as AWS can: answers are lost before or after the effect, lists lag behind,
calls are throttled or denied, and whoever asks is killed in the middle. In memory and on a clock of its own, so that
hundreds of runs take seconds.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError, ReadTimeoutError

from opskit.aws.api_call import is_read
from opskit.aws.boto3_clients import Boto3Clients
from opskit.aws.client import AwsClient
from opskit.aws.pacing import RateLimiter
from opskit.aws.session import AwsSession, CallerIdentity
from opskit.core.clock import Clock

URL = "http://127.0.0.1:9"
BEGUN = datetime(2026, 6, 1, tzinfo=UTC)
CASES = {"code": "service-limit-increase", "name": "Service Limit Increase"}
CATEGORY = {"code": "service-code-sagemaker", "name": "SageMaker"}


class ProcessKilled(BaseException):
    """The process is gone: nothing of opskit's runs any more. (A finally still does; nothing may depend on that.)"""


@dataclass
class FaultyServiceQuotas:
    """``lost`` is the share of filings whose answer never comes, half of them after taking effect; ``flaky`` the share
    of all calls that are throttled or fail; ``lag`` the seconds until lists show what is new. ``is_strict``: it refuses
    a second open request for a quota, as AWS does; else a second one is taken and shows. ``others_file_too``: at the
    moment of a case another machine files the same. ``cases_get_429``: a case is answered with a bare 429, ``before``
    or ``after`` it takes effect. ``effects`` are the filings that took effect, each with what was asked.
    """

    quotas: dict[str, str]
    dice: random.Random = field(default_factory=lambda: random.Random(0))
    lost: float = 0.0
    flaky: float = 0.0
    killed: float = 0.0
    lag: float = 0.0
    most_open: int = 99
    is_strict: bool = False
    has_plan: bool = True
    others_file_too: bool = False
    cases_get_429: str = ""
    denied: frozenset[str] = frozenset()
    value: float = 0.0
    default: float = 0.0
    adjustable: bool = True
    passed: float = 0.0
    requests: list[dict[str, Any]] = field(default_factory=list)
    cases: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    effects: list[tuple[str, str]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def new_clients(self) -> list[AwsClient]:
        """A door such as a new process has."""
        clients = Boto3Clients(None)
        clients.__dict__.update(client=self.client, endpoint_url=lambda service, region: URL)
        session = AwsSession(clients, "us-east-1")
        session._identity_read = Future()
        session._identity_read.set_result(CallerIdentity("123456789012", "arn:aws:iam::123456789012:user/ada"))
        session.__dict__.update(rate_limiter=lambda operation, region: RateLimiter())
        return [session.client()]

    def clock(self) -> Clock:
        return Clock(lambda: BEGUN + timedelta(seconds=self.passed), self.sleep)

    def sleep(self, seconds: float) -> None:
        self.passed += seconds

    def without_faults(self) -> FaultyServiceQuotas:
        """From here on AWS is at its best."""
        self.lost = self.flaky = self.killed = self.lag = 0.0
        self.denied, self.most_open = frozenset(), 99
        return self

    def codes(self) -> list[str]:
        """The quota of each request that was taken."""
        return [request["QuotaCode"] for request in self.requests]

    def client(self, service: str, region: str) -> Any:
        return _Client(self, service)

    def call(self, operation: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        with self._lock:
            self.calls.append(operation)
            if operation in self.denied:
                raise _client_error(operation, "AccessDeniedException", "not authorized")
            if self.dice.random() < self.killed / 2:
                raise ProcessKilled
            if self.dice.random() < self.flaky:
                raise self._fault(operation)
            takes_effect = getattr(self, f"_{operation}")
            if is_read(operation):
                answer: dict[str, Any] = takes_effect(**asked)
                return answer
            return self._write(operation, takes_effect, asked)

    def _write(
        self, operation: str, takes_effect: Callable[..., dict[str, Any]], asked: Mapping[str, Any]
    ) -> dict[str, Any]:
        is_lost = self.dice.random() < self.lost
        if is_lost and self.dice.random() < 0.5:
            raise self._no_answer(operation)
        answer = takes_effect(**asked)
        self.effects.append((operation, repr(sorted(asked.items()))))
        if self.dice.random() < self.killed:
            raise ProcessKilled
        if is_lost:
            raise self._no_answer(operation)
        return answer

    def _fault(self, operation: str) -> Exception:
        faults: list[Exception] = [
            _client_error(operation, "TooManyRequestsException", "slow down"),
            _client_error(operation, "ServiceException", "failed", 500),
            EndpointConnectionError(endpoint_url=URL),
        ]
        return self.dice.choice(faults)

    def _no_answer(self, operation: str) -> Exception:
        faults: list[Exception] = [
            _client_error(operation, "ServiceException", "failed", 500),
            _client_error(operation, "InternalFailure", "failed", 503),
            _client_error(operation, "429", "Too Many Requests", 429),  # not in AWS's words: a proxy's
            ReadTimeoutError(endpoint_url=URL),
            ConnectionClosedError(endpoint_url=URL),
        ]
        return self.dice.choice(faults)

    def _quota(self, code: str, value: float) -> dict[str, Any]:
        name = next((name for name, known in self.quotas.items() if known == code), None)
        if name is None:
            raise _client_error("get_service_quota", "NoSuchResourceException", f"no {code}")
        return {"QuotaName": name, "QuotaCode": code, "Value": value, "Adjustable": self.adjustable}

    def _get_service_quota(self, ServiceCode: str, QuotaCode: str) -> dict[str, Any]:
        return {"Quota": self._quota(QuotaCode, self.value)}

    def _get_aws_default_service_quota(self, ServiceCode: str, QuotaCode: str) -> dict[str, Any]:
        return {"Quota": self._quota(QuotaCode, self.default)}

    def _list_service_quotas(self, ServiceCode: str, QuotaCode: str = "", **_: Any) -> dict[str, Any]:
        chosen = [code for code in self.quotas.values() if not QuotaCode or code == QuotaCode]
        return {"Quotas": [self._quota(code, self.value) for code in chosen]}

    def _list_aws_default_service_quotas(self, ServiceCode: str, **_: Any) -> dict[str, Any]:
        return {"Quotas": [self._quota(code, self.default) for code in self.quotas.values()]}

    def _list_requested_service_quota_change_history(self, ServiceCode: str, **which: Any) -> dict[str, Any]:
        status = which.get("Status")
        return {"RequestedQuotas": [each for each in self._seen(self.requests) if status in (None, each["Status"])]}

    def _list_requested_service_quota_change_history_by_quota(
        self, ServiceCode: str, QuotaCode: str, **_: Any
    ) -> dict[str, Any]:
        return {"RequestedQuotas": [each for each in self._seen(self.requests) if each["QuotaCode"] == QuotaCode]}

    def _seen(self, things: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [each for each in things if each["at"] + self.lag <= self.passed]

    def _request_service_quota_increase(self, ServiceCode: str, QuotaCode: str, DesiredValue: float) -> dict[str, Any]:
        operation = "request_service_quota_increase"
        opened = [each for each in self.requests if each["Status"] in ("PENDING", "CASE_OPENED")]
        if self.is_strict and any(each["QuotaCode"] == QuotaCode for each in opened):
            raise _client_error(
                operation, "ResourceAlreadyExistsException", "Only one open request is allowed per quota."
            )
        if len(opened) >= self.most_open:
            raise _client_error(operation, "QuotaExceededException", "You have exceeded your open requests.")
        quota = self._quota(QuotaCode, self.value)
        request = {
            "Id": f"request-{len(self.requests) + 1}",
            "QuotaCode": QuotaCode,
            "QuotaName": quota["QuotaName"],
            "DesiredValue": float(DesiredValue),
            "Status": "PENDING",
            "Created": self.clock().now(),
            "at": self.passed,
        }
        self.requests.append(request)
        return {"RequestedQuota": dict(request)}

    def _create_support_case(self, RequestId: str) -> dict[str, Any]:
        request = next(each for each in self.requests if each["Id"] == RequestId)
        if "CaseId" in request:
            raise _client_error("create_support_case", "ResourceAlreadyExistsException", "There is one.")
        request.update(CaseId=f"case-of-{RequestId}", Status="CASE_OPENED")
        return {}

    def _describe_services(self, **_: Any) -> dict[str, Any]:
        self._need_plan("describe_services")
        return {"services": [{**CASES, "categories": [CATEGORY]}]}

    def _describe_cases(self, **_: Any) -> dict[str, Any]:
        self._need_plan("describe_cases")
        return {"cases": self._seen(self.cases)}

    def _create_case(self, subject: str, communicationBody: str, **_: Any) -> dict[str, Any]:
        self._need_plan("create_case")
        if self.cases_get_429 != "before":
            self._add_cases(subject, communicationBody)
        if self.cases_get_429:
            raise _client_error("create_case", "429", "Too Many Requests", 429)
        return {"caseId": f"case-{len(self.cases)}"}

    def _add_cases(self, subject: str, communicationBody: str) -> None:
        for _ in range(1 + self.others_file_too):
            self._add_case(subject, communicationBody)

    def _add_case(self, subject: str, communicationBody: str) -> None:
        number = len(self.cases) + 1
        body = {"communications": [{"body": communicationBody}]}
        case = {"caseId": f"case-{number}", "displayId": str(number), "subject": subject, "status": "opened"}
        self.cases.append({**case, "recentCommunications": body, "at": self.passed})

    def _need_plan(self, operation: str) -> None:
        if not self.has_plan:
            raise _client_error(operation, "SubscriptionRequiredException", "Premium Support Subscription is required.")


@dataclass(frozen=True)
class _Client:
    world: FaultyServiceQuotas
    service: str

    @property
    def meta(self) -> Any:
        return SimpleNamespace(endpoint_url=URL)

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        return lambda **asked: self.world.call(operation, asked)


def _client_error(operation: str, code: str, message: str, status: int = 400) -> ClientError:
    answer = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)

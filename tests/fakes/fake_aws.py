"""A small AWS of our own for tests and measurements: a few reads over HTTP, with latency, rates and faults.

It is not the sandbox: it knows only what looks at quotas ask, and it can fail in every way an endpoint can. Other
processes reach it through its server; the clients of this one may be answered without a connection (direct_calls.py).
"""

from __future__ import annotations

import itertools
import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs

from tests.fakes.direct_calls import CONTENT_TYPE, WireAnswer, answer_directly
from tests.fakes.fake_server import FakeServer, HighWaterGauge
from tests.fakes.xml_answers import ROLE_KEY, XML_ANSWERS

PAGE = 100
_KEYS = itertools.count(1)

# Calls a second and burst, per Region, as AWS documents them.
RATES: Mapping[str, tuple[float, float]] = {
    "GetServiceQuota": (5, 5),
    "GetAWSDefaultServiceQuota": (5, 5),
    "ListServiceQuotas": (10, 10),
    "ListAWSDefaultServiceQuotas": (10, 10),
    "ListRequestedServiceQuotaChangeHistory": (5, 5),
    "ListTrainingJobs": (2, 2),
}
# Every other operation has a rate that nobody published; about so much was seen.
UNPUBLISHED_RATE = (10.0, 10.0)
UNPUBLISHED_RATES: Mapping[str, tuple[float, float]] = {"ListTags": (5, 5)}


@dataclass(frozen=True)
class Fault:
    """A refusal. ``seconds`` lets the caller wait for it; status 0 closes the connection without a word."""

    status: int
    code: str = ""
    message: str = ""
    seconds: float = 0.0


DENIED = Fault(400, "AccessDeniedException", "User is not authorized to perform this action")
THROTTLED = Fault(400, "TooManyRequestsException", "Rate exceeded")
BROKEN = Fault(500, "InternalFailure", "We encountered an internal error.")
CLOSED = Fault(0)
GARBLED = Fault(200, "", "<html>not AWS</html>")


@dataclass(frozen=True)
class Entry:
    """A quota of the small AWS. None: AWS has no such value. ``reason`` stands where the value would be; ``metric`` is
    the resource under which AWS/Usage counts it, if it does.
    """

    name: str
    code: str
    applied: float | None = 0.0
    default: float | None = 0.0
    reason: str = ""
    metric: str = ""

    def wire(self, value: float | None) -> dict[str, Any]:
        """The quota as AWS writes it."""
        told = {
            "ServiceCode": "sagemaker",
            "ServiceName": "Amazon SageMaker",
            "QuotaArn": f"arn:aws:servicequotas:us-east-1:123456789012:sagemaker/{self.code}",
            "QuotaCode": self.code,
            "QuotaName": self.name,
            "Unit": "None",
            "Adjustable": True,
            "GlobalQuota": False,
        }
        if self.metric:
            told |= {"UsageMetric": _usage_metric(self.metric)}
        if self.reason:
            return {**told, "ErrorReason": {"ErrorCode": "DEPENDENCY_SERVICE_ERROR", "ErrorMessage": self.reason}}
        return {**told, "Value": value}


def _usage_metric(resource: str) -> dict[str, Any]:
    return {
        "MetricNamespace": "AWS/Usage",
        "MetricName": "ResourceCount",
        "MetricDimensions": {"Class": "None", "Resource": resource, "Service": "SageMaker", "Type": "Resource"},
        "MetricStatisticRecommendation": "Maximum",
    }


@dataclass
class FakeAws:
    """The account: quotas and what runs, the same in every Region unless ``by_region`` says otherwise.

    ``published`` are the points of AWS/Usage by resource: seconds since 1970 and a value.

    ``running`` maps an operation to its whole answer, for the SageMaker side; what is missing answers an empty list.
    ``filters_by_code`` None: ListServiceQuotas takes the filter and finds nothing.
    ``fault`` is asked before each call; ``garble`` makes another status and body of an answer that is ready to go.
    """

    quotas: list[Entry] = field(default_factory=list)
    by_region: dict[str, list[Entry]] = field(default_factory=dict)
    published: dict[str, dict[float, float]] = field(default_factory=dict)
    running: dict[str, Callable[[Mapping[str, Any]], dict[str, Any] | Fault]] = field(default_factory=dict)
    requests: list[dict[str, Any]] = field(default_factory=list)
    fault: Callable[[str, str], Fault | None] = lambda operation, region: None
    garble: Callable[[str, str], tuple[int, str]] = lambda operation, body: (200, body)
    latency_seconds: float = 0.0
    on_wire: bool = False
    """Whether clients of this process have to connect too, for a test that counts connections."""
    rates: bool = False
    filters_by_code: bool | None = True
    enabled: tuple[str, ...] = ("us-east-1",)
    page: int = PAGE
    calls: list[tuple[str, str]] = field(default_factory=list)
    spans: list[tuple[float, float]] = field(default_factory=list)
    refused: int = 0
    """Calls above a published rate, which a client can keep."""
    most_at_once: int = 0
    gauge: HighWaterGauge = field(default_factory=HighWaterGauge)
    clock: Callable[[], datetime] | None = None
    """What time it says that it is; None: it does not say."""
    url: str = ""
    account: str = "123456789012"
    # As on AWS no two accounts have the same: what a process remembers of one (a guard's looks) is not of the next,
    # which the operating system may give the same port.
    access_key: str = field(default_factory=lambda: f"AKIA{next(_KEYS):016d}")
    members: dict[str, FakeAws] = field(default_factory=dict)
    """Other accounts, each with a role to assume, by their IDs."""
    _tokens: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    _at_once: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def environment(self) -> dict[str, str]:
        """What points a client here."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def account_of_key(self, key: str) -> FakeAws:
        """The account that an access key belongs to: one of a member's role holds its ID."""
        return self.members.get(key.removeprefix(ROLE_KEY), self)

    def count(self, operation: str) -> int:
        """How often an operation was called."""
        return sum(called == operation for called, _ in self.calls)

    def one_after_another(self) -> int:
        """The most calls of which each began when the one before had ended."""
        chain, ended = 0, 0.0
        for began, end in sorted(self.spans, key=lambda span: span[1]):
            if began >= ended:
                chain, ended = chain + 1, end
        return chain

    def forget_calls(self) -> None:
        """Count anew."""
        self.calls.clear()
        self.spans.clear()

    def answer_call(self, operation: str, region: str, asked: Mapping[str, Any]) -> dict[str, Any] | Fault:
        """One call, after its latency."""
        with self._lock:
            self.calls.append((operation, region))
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            throttled = self.rates and not self._turn(operation, region)
            self.refused += throttled and operation in RATES
        began = time.monotonic()
        if self.latency_seconds:
            time.sleep(self.latency_seconds)
        with self._lock:
            self._at_once -= 1
            self.spans.append((began, time.monotonic()))
        fault = THROTTLED if throttled else self.fault(operation, region)
        return fault or self._answer(operation, region, asked)

    def _turn(self, operation: str, region: str) -> bool:
        rate, burst = RATES.get(operation) or UNPUBLISHED_RATES.get(operation, UNPUBLISHED_RATE)
        now = time.monotonic()
        left, since = self._tokens.get((operation, region), (burst, now))
        left = min(burst, left + (now - since) * rate)
        self._tokens[operation, region] = (left - (left >= 1), now)
        return left >= 1

    def _answer(self, operation: str, region: str, asked: Mapping[str, Any]) -> dict[str, Any] | Fault:
        quotas = self.by_region.get(region, self.quotas)
        match operation:
            case "GetServiceQuota":
                return _find_quota(quotas, asked, lambda entry: entry.applied)
            case "GetAWSDefaultServiceQuota":
                return _find_quota(quotas, asked, lambda entry: entry.default)
            case "ListServiceQuotas":
                code = None if self.filters_by_code is False else asked.get("QuotaCode")
                chosen = [entry for entry in quotas if code is None or (self.filters_by_code and code == entry.code)]
                return self._pages(chosen, asked, lambda entry: entry.applied)
            case "ListAWSDefaultServiceQuotas":
                return self._pages(quotas, asked, lambda entry: entry.default)
            case "ListRequestedServiceQuotaChangeHistory":
                found = [request for request in self.requests if asked.get("Status") in (None, request["Status"])]
                return {"RequestedQuotas": found}
            case "ListRegions":
                return {"Regions": [{"RegionName": region, "RegionOptStatus": "ENABLED"} for region in self.enabled]}
            case "GetMetricData" if operation not in self.running:
                return {"MetricDataResults": [self._points(query) for query in asked["MetricDataQueries"]]}
            case _:
                told = self.running.get(operation)
                return told(asked) if told else _EMPTY.get(operation, {})

    def _points(self, query: Mapping[str, Any]) -> dict[str, Any]:
        dimensions = {each["Name"]: each["Value"] for each in query["MetricStat"]["Metric"]["Dimensions"]}
        points = self.published.get(dimensions["Resource"], {})
        return {
            "Id": query["Id"],
            "Label": "ResourceCount",
            "StatusCode": "Complete",
            "Timestamps": list(points),
            "Values": list(points.values()),
        }

    def _pages(
        self, quotas: list[Entry], asked: Mapping[str, Any], value: Callable[[Entry], float | None]
    ) -> dict[str, Any]:
        there = [entry for entry in quotas if value(entry) is not None]
        begin = int(asked.get("NextToken") or 0)
        end = begin + min(self.page, asked.get("MaxResults") or self.page)
        response: dict[str, Any] = {"Quotas": [entry.wire(value(entry)) for entry in there[begin:end]]}
        return {**response, "NextToken": str(end)} if end < len(there) else response


_EMPTY: Mapping[str, dict[str, Any]] = {
    "GetProducts": {"PriceList": []},
    "ListTrainingJobs": {"TrainingJobSummaries": []},
    "Search": {"Results": []},
    "ListTransformJobs": {"TransformJobSummaries": []},
    "ListProcessingJobs": {"ProcessingJobSummaries": []},
    "ListEndpoints": {"Endpoints": []},
    "ListNotebookInstances": {"NotebookInstances": []},
    "ListApps": {"Apps": []},
    "ListClusters": {"ClusterSummaries": []},
    "ListInferenceComponents": {"InferenceComponents": []},
    "ListTags": {"Tags": []},
    "ListSpaces": {"Spaces": []},
    "ListHyperParameterTuningJobs": {"HyperParameterTuningJobSummaries": []},
    "ListAutoMLJobs": {"AutoMLJobSummaries": []},
    "ListLabelingJobs": {"LabelingJobSummaryList": []},
    "ListMlflowTrackingServers": {"TrackingServerSummaries": []},
    "ListMlflowApps": {"Summaries": []},
    "ListPartnerApps": {"Summaries": []},
    "ListTrainingPlans": {"TrainingPlanSummaries": []},
    "GetResources": {"ResourceTagMappingList": [], "PaginationToken": ""},
    "LookupEvents": {"Events": []},
}


def _find_quota(
    quotas: list[Entry], asked: Mapping[str, Any], value: Callable[[Entry], float | None]
) -> dict[str, Any] | Fault:
    for entry in quotas:
        if entry.code == asked["QuotaCode"] and value(entry) is not None:
            return {"Quota": entry.wire(value(entry))}
    return Fault(400, "NoSuchResourceException", f"The quota {asked['QuotaCode']} does not exist.")


def _answer_request(aws: FakeAws, path: str, headers: Any, body: bytes) -> WireAnswer:
    """Answer a request as a client signed and sent it."""
    scope = re.search(r"Credential=([^/]+)/\d+/([^/]+)/", headers.get("Authorization", ""))
    target = headers.get("X-Amz-Target", "").rpartition(".")[2] or _PATHS.get(path, "")
    key, region = scope.groups() if scope else ("", "")
    account = aws.account_of_key(key)
    form = {} if target else {name: values[0] for name, values in parse_qs(body.decode()).items()}
    operation = target or form.get("Action", "")
    answer = account.answer_call(operation, region, json.loads(body) if target else form)
    told = {"Date": format_datetime(aws.clock(), usegmt=True)} if aws.clock else {}
    if isinstance(answer, Fault):
        return WireAnswer(answer.status, _refusal(answer, is_json=bool(target)).encode(), told, answer.seconds)
    status, text = account.garble(operation, json.dumps(answer) if target else XML_ANSWERS[operation](account, form))
    return WireAnswer(status, text.encode(), told)


def _refusal(fault: Fault, *, is_json: bool) -> str:
    if not fault.code:
        return fault.message
    if is_json:
        return json.dumps({"__type": fault.code, "message": fault.message})
    error = f"<Error><Code>{fault.code}</Code><Message>{fault.message}</Message></Error>"
    return f"<ErrorResponse>{error}</ErrorResponse>"


class _RequestHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        aws: FakeAws = self.server.aws  # type: ignore[attr-defined]
        answer = _answer_request(aws, self.path, self.headers, body)
        time.sleep(answer.seconds)
        if answer.status == 0:
            self.close_connection = True
            return
        told = {"Content-Type": CONTENT_TYPE, **answer.headers}
        if answer.status != 204:
            told["Content-Length"] = str(len(answer.body))
        head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        self.wfile.write(f"HTTP/1.1 {answer.status} OK\r\n{head}\r\n".encode() + answer.body)

    def log_message(self, format: str, *args: Any) -> None:
        return


_PATHS = {"/listRegions": "ListRegions"}


@contextmanager
def serve_fake_aws(aws: FakeAws) -> Iterator[FakeAws]:
    """Answer on a free port of the loopback for as long as the block lasts."""
    server = FakeServer(_RequestHandler, aws.gauge)
    server.aws = aws  # type: ignore[attr-defined]
    aws.url = server.url

    def answer(path: str, headers: Any, body: bytes) -> WireAnswer | None:
        return None if aws.on_wire else _answer_request(aws, path, headers, body)

    with server.serving(), answer_directly(aws.url, answer):
        yield aws

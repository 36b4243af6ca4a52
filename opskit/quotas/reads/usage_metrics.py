"""Reads the utilization of quotas from the AWS/Usage metrics in CloudWatch.

AWS publishes about every 20 minutes and only for what is in use: a query over one hour has been seen empty while jobs
ran, so a day is queried and its newest value counts. If a day is empty, nothing was published, which is not the same as
nothing in use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from queue import SimpleQueue
from threading import Lock
from typing import Any

from opskit.aws.client import AwsClient
from opskit.aws.gather import start_in_background
from opskit.core.exceptions import AwsError
from opskit.core.model import Unknown
from opskit.core.result_or_error import unknown_from_error
from opskit.quotas.reads.service_quotas import parse_value
from opskit.quotas.rules.model import Utilization

_BATCH_SIZE = 500  # CloudWatch's maximum of metrics per GetMetricData call
_WINDOW = timedelta(hours=24)
_PERIOD_SECONDS = 3600

NO_METRIC = Unknown("AWS publishes no use of it", "no-metric")
NOT_ASKED = Unknown("the quota is 0; its use was not asked for", "not-asked")
NOT_PUBLISHED = Unknown("AWS published no use of it in the last 24 h", "not-published")

Query = dict[str, Any]
Dimension = Mapping[str, str]
Batch = tuple[list[str], list[Query]]


@dataclass
class UsageMetrics:
    """The utilization of the quotas of one Region, queried in full batches while quotas are still being listed.

    ``known`` holds utilizations from another source, by quota code; they are not queried. ``asked`` counts the metrics
    that were.
    """

    client: AwsClient
    now: datetime
    known: Mapping[str, Utilization] = field(default_factory=dict)
    asked: int = 0
    _not_asked: list[str] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)
    _codes: list[str] = field(default_factory=list)
    _queries: list[Query] = field(default_factory=list)
    _dimensions: dict[tuple[str, str], Dimension] = field(default_factory=dict)
    _batches: SimpleQueue[Batch | None] = field(default_factory=SimpleQueue)
    _answers: Future[dict[str, Utilization | Unknown]] | None = None
    _lock: Lock = field(default_factory=Lock)

    def add(self, code: str, metric: Mapping[str, Any] | None, value: float | None = None) -> None:
        """Query the utilization of this quota, unless its ``value`` is 0: every metric that is queried is paid for, and
        nine of ten quotas are 0, of which nothing can be in use. ``metric`` is its UsageMetric, None if AWS has none.
        """
        if not metric:
            return
        with self._lock:
            if code in self._seen:
                return
            self._seen.add(code)
            if code in self.known:
                return
            if value == 0:
                self._not_asked.append(code)
                return
            self.asked += 1
            self._queries.append(_metric_query(f"m{len(self._codes)}", metric, self._shared_dimension))
            self._codes.append(code)
            if len(self._codes) == _BATCH_SIZE:
                self._send_batch()

    def results(self) -> dict[str, Utilization | Unknown]:
        """The utilizations by quota code. A quota that is not in it has no metric."""
        with self._lock:
            if self._codes:
                self._send_batch()
        self._batches.put(None)  # the end: lets the worker return
        utilizations = self._answers.result() if self._answers else {}
        utilizations.update(dict.fromkeys(self._not_asked, NOT_ASKED))
        utilizations.update(self.known)
        return utilizations

    def _send_batch(self) -> None:
        self._batches.put((self._codes, self._queries))
        self._codes, self._queries, self._dimensions = [], [], {}
        self._answers = self._answers or start_in_background(self._collect_batches)

    def _collect_batches(self) -> dict[str, Utilization | Unknown]:
        """Query one batch after the other."""
        results: dict[str, Utilization | Unknown] = {}
        unreachable: Unknown | None = None
        # Not side by side: a response holds 12,000 points, and two of them need not be in memory at once.
        while batch := self._batches.get():
            codes, queries = batch
            utilizations = (
                dict.fromkeys(codes, unreachable)
                if unreachable
                else _parse_results(self.client, codes, queries, self.now)
            )
            # Once CloudWatch cannot be reached the rest is not tried: each would wait for its timeout again.
            unreachable = unreachable or next(
                (
                    utilization
                    for utilization in utilizations.values()
                    if isinstance(utilization, Unknown) and utilization.code == "unreachable"
                ),
                None,
            )
            results.update(utilizations)
        return results

    def _shared_dimension(self, name: str, value: str) -> Dimension:
        """A dimension as CloudWatch expects it."""
        # Most metrics have the same ones, which then share one dict: there are thousands of metrics.
        return self._dimensions.setdefault((name, value), {"Name": name, "Value": value})


def _parse_results(
    client: AwsClient, codes: Sequence[str], queries: list[Query], now: datetime
) -> dict[str, Utilization | Unknown]:
    """The newest published utilization of each code, queried by the query at the same position; ``Unknown`` if it could
    not be read.
    """
    newest: dict[str, Utilization | Unknown] = {}
    code_by_id = {query["Id"]: code for query, code in zip(queries, codes, strict=True)}
    window = {"StartTime": now - _WINDOW, "EndTime": now}
    try:
        for page in client.paginate("cloudwatch", "get_metric_data", MetricDataQueries=queries, **window):
            for result in page["MetricDataResults"]:
                code = code_by_id.get(result.get("Id", ""))
                if code is not None:
                    newest[code] = _newer_result(newest.get(code), _parse_result(result))
    except AwsError as failure:
        return dict.fromkeys(codes, unknown_from_error(failure))
    missing = Unknown("CloudWatch left it out of its answer")
    return {code: newest.get(code, missing) for code in codes}


def _metric_query(id: str, metric: Mapping[str, Any], dimension: Callable[[str, str], Dimension]) -> Query:
    dimensions = metric.get("MetricDimensions") or {}
    return {
        "Id": id,
        "MetricStat": {
            "Metric": {
                "Namespace": metric.get("MetricNamespace", "AWS/Usage"),
                "MetricName": metric.get("MetricName", "ResourceCount"),
                "Dimensions": [dimension(name, value) for name, value in dimensions.items()],
            },
            "Period": _PERIOD_SECONDS,
            "Stat": metric.get("MetricStatisticRecommendation") or "Maximum",
        },
    }


def _parse_result(result: Mapping[str, Any]) -> Utilization | Unknown:
    if result.get("StatusCode") in ("InternalError", "Forbidden"):
        return Unknown(_join_messages(result.get("Messages") or ()) or f"CloudWatch says {result['StatusCode']}")
    points = zip(result.get("Timestamps") or (), result.get("Values") or (), strict=False)
    measured_at, amount = max(points, default=(None, 0.0))
    if measured_at is None:
        return NOT_PUBLISHED
    if parse_value(amount) is None:
        return Unknown("CloudWatch's newest data point of it is no number")
    return Utilization(amount, _shared_time(measured_at.astimezone(UTC)))


@lru_cache(maxsize=64)
def _shared_time(at: datetime) -> datetime:
    """The time, as one object for the many quotas that were measured then."""
    # A cache for memory, not for time: thousands of equal times would be as many objects.
    return at


def _join_messages(messages: Iterable[Mapping[str, str]]) -> str:
    return "; ".join(message.get("Value", "") for message in messages)


def _newer_result(first: Utilization | Unknown | None, second: Utilization | Unknown) -> Utilization | Unknown:
    """The newer of a metric's results on two pages; a page without a point changes nothing."""
    if isinstance(first, Utilization) and isinstance(second, Utilization):
        return max(first, second, key=lambda use: use.measured_at)
    return second if first is None or first is NOT_PUBLISHED else first

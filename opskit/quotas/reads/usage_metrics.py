"""Reads the utilization of quotas from the AWS/Usage metrics in CloudWatch.

AWS publishes about every 20 minutes and only for what is in use: a query over one hour has been seen empty while jobs
ran, so a day is queried and its newest value counts. If a day is empty, nothing was published, which is not the same as
nothing in use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from queue import SimpleQueue
from threading import Lock
from typing import Any

from opskit.aws.client import AwsClient
from opskit.aws.gather import start_in_background
from opskit.aws.metrics import METRICS_PER_CALL, MetricPoints, MetricQuery, read_metrics
from opskit.core.model import Unknown
from opskit.quotas.rules.model import Utilization

_WINDOW = timedelta(hours=24)
_PERIOD = timedelta(hours=1)

NO_METRIC = Unknown("AWS publishes no use of it", "no-metric")
NOT_ASKED = Unknown("the quota is 0; its use was not asked for", "not-asked")
NOT_PUBLISHED = Unknown("AWS published no use of it in the last 24 h", "not-published")

Dimension = Mapping[str, str]
Batch = tuple[list[str], list[MetricQuery]]


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
    _queries: list[MetricQuery] = field(default_factory=list)
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
            self._queries.append(_metric_query(metric, self._shared_dimension))
            self._codes.append(code)
            if len(self._codes) == METRICS_PER_CALL:
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
                else _read_utilizations(self.client, codes, queries, self.now)
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


def _read_utilizations(
    client: AwsClient, codes: Sequence[str], queries: Sequence[MetricQuery], now: datetime
) -> dict[str, Utilization | Unknown]:
    """The newest published utilization of each code, queried by the query at the same position; ``Unknown`` if it could
    not be read.
    """
    read = read_metrics(client, queries, now - _WINDOW, now)
    return {code: _newest_utilization(points) for code, points in zip(codes, read, strict=True)}


def _metric_query(metric: Mapping[str, Any], dimension: Callable[[str, str], Dimension]) -> MetricQuery:
    return MetricQuery(
        metric.get("MetricNamespace", "AWS/Usage"),
        metric.get("MetricName", "ResourceCount"),
        [dimension(name, value) for name, value in (metric.get("MetricDimensions") or {}).items()],
        metric.get("MetricStatisticRecommendation") or "Maximum",
        _PERIOD,
    )


def _newest_utilization(points: MetricPoints | Unknown) -> Utilization | Unknown:
    if isinstance(points, Unknown):
        return points
    if not points:
        return NOT_PUBLISHED
    measured_at, amount = max(points)
    return Utilization(amount, _shared_time(measured_at))


@lru_cache(maxsize=64)
def _shared_time(at: datetime) -> datetime:
    """The time, as one object for the many quotas that were measured then."""
    # A cache for memory, not for time: thousands of equal times would be as many objects.
    return at

"""How endpoints are used: their metrics in CloudWatch.

AWS publishes ``Invocations`` of a variant (and of an inference component) for the minutes in which it was invoked.
Asynchronous endpoints have no ``Invocations``, however often they are invoked: what they processed, what failed or
expired, and the model's answers tell of it, and ``ApproximateBacklogSize`` of what waits. An answer without data points
is therefore none, if it is whole (``aws/metrics.py``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import overload

from opskit.aws.client import AwsClient
from opskit.aws.metrics import MetricPoints, MetricQuery, floor_time, read_metrics
from opskit.core.model import Unknown
from opskit.endpoints.rules.model import EndpointUse, InvocationCounts

_NAMESPACE = "AWS/SageMaker"
_HOUR, _DAY, _FORTNIGHT = timedelta(hours=1), timedelta(days=1), timedelta(days=14)
# CloudWatch keeps points of five minutes for 63 days, then those of an hour.
_PERIOD, _LONG_PERIOD = timedelta(minutes=5), _HOUR
_SHORT_KEPT = timedelta(days=62)
# Those of an hour are gone after 455 days: what was before, CloudWatch answers with silence, which proves nothing.
_LONG_KEPT = timedelta(days=454)
_BACKLOG, _BACKLOG_METRIC = "", "ApproximateBacklogSize"
"""The part of an endpoint that is not a variant: its queue."""
_INVOCATIONS = (("Invocations", "Sum"),)
# AWS's page on asynchronous endpoints writes the first with three s, recordings have it with two: whichever is there
# counts. The number of ModelLatency's samples is that of the model's answers, by any name.
_ASYNC_INVOCATIONS = (
    ("InvocationsProcessed", "Sum"),
    ("InvocationsProcesssed", "Sum"),
    ("InvocationFailures", "Sum"),
    ("ExpiredRequests", "Sum"),
    ("ModelLatency", "SampleCount"),
)


@dataclass(frozen=True)
class MetricSubject:
    """An endpoint whose metrics are wanted: its variants, and its inference components; at least for the time
    ``after``, as far back as CloudWatch keeps them.
    """

    endpoint: str
    variants: tuple[str, ...]
    components: tuple[str, ...] = ()
    is_async: bool = False
    after: timedelta = _FORTNIGHT

    @property
    def span(self) -> timedelta:
        """For how long its metrics are asked for."""
        return min(max(self.after, _FORTNIGHT), _LONG_KEPT)

    def metrics(self) -> Iterator[tuple[str, str, str, list[dict[str, str]]]]:
        """Each metric: the part it is of, its name, the statistic that counts, and its dimensions."""
        whole = {"Name": "EndpointName", "Value": self.endpoint}
        for variant in self.variants:
            for metric, stat in _ASYNC_INVOCATIONS if self.is_async else _INVOCATIONS:
                yield variant, metric, stat, [whole, {"Name": "VariantName", "Value": variant}]
        for component in self.components:
            for metric, stat in _INVOCATIONS:
                yield component, metric, stat, [{"Name": "InferenceComponentName", "Value": component}]
        if self.is_async:
            yield _BACKLOG, _BACKLOG_METRIC, "Maximum", [whole]


def read_endpoint_use(
    client: AwsClient, subjects: Sequence[MetricSubject], now: datetime
) -> list[EndpointUse | Unknown]:
    """How each endpoint was used until ``now``, at least for its own time and for 14 days."""
    found: dict[int, EndpointUse | Unknown] = {}
    # One that needs years takes long data points, which would make the others' last invocation later than it was.
    for period in (_PERIOD, _LONG_PERIOD):
        alike = [at for at, subject in enumerate(subjects) if _period_of(subject) == period]
        found |= dict(zip(alike, _read_alike(client, [subjects[at] for at in alike], period, now), strict=True))
    return [found[at] for at in range(len(subjects))]


def _period_of(subject: MetricSubject) -> timedelta:
    return _PERIOD if subject.span <= _SHORT_KEPT else _LONG_PERIOD


def _read_alike(
    client: AwsClient, subjects: Sequence[MetricSubject], period: timedelta, now: datetime
) -> list[EndpointUse]:
    """The use of subjects that are asked for in data points of the same ``period``."""
    # Whole periods, as CloudWatch cuts them; the one that runs belongs to it.
    begin = floor_time(now - max((subject.span for subject in subjects), default=_FORTNIGHT), period)
    end = floor_time(now, period) + period
    asked = [(at, *each) for at, subject in enumerate(subjects) for each in subject.metrics()]
    queries = [MetricQuery(_NAMESPACE, name, dimensions, stat, period) for _, _, name, stat, dimensions in asked]
    read: dict[tuple[int, str], list[MetricPoints | Unknown]] = {}
    for (at, part, _, _, _), points in zip(asked, read_metrics(client, queries, begin, end), strict=True):
        read.setdefault((at, part), []).append(points)
    return [_to_use(at, subject, read, begin, period, now) for at, subject in enumerate(subjects)]


def _to_use(
    at: int,
    subject: MetricSubject,
    read: Mapping[tuple[int, str], list[MetricPoints | Unknown]],
    begin: datetime,
    period: timedelta,
    now: datetime,
) -> EndpointUse:
    parts = (*subject.variants, *subject.components)
    invocations = {part: _count_invocations(_largest_values(read[at, part]), period, now) for part in parts}
    metrics = sum(len(read[at, part]) for part in parts) + subject.is_async
    if not subject.is_async:
        return EndpointUse(invocations, None, begin, metrics)
    (queued,) = read[at, _BACKLOG]
    waited = None if isinstance(queued, Unknown) else _count_invocations(queued, period, now)
    return EndpointUse(invocations, _newest(queued), begin, metrics, waited if waited is None else waited.last_by)


def _largest_values(told: Sequence[MetricPoints | Unknown]) -> MetricPoints | Unknown:
    """The largest value that any of several metrics has at a time. Unknown: one of them could not be read."""
    most: dict[datetime, float] = {}
    for points in told:
        if isinstance(points, Unknown):
            return points
        for when, value in points:
            # Not the sum: of one request several metrics tell.
            most[when] = max(value, most.get(when, 0.0))
    return sorted(most.items())


@overload
def _count_invocations(points: MetricPoints, period: timedelta, now: datetime) -> InvocationCounts: ...
@overload
def _count_invocations(
    points: MetricPoints | Unknown, period: timedelta, now: datetime
) -> InvocationCounts | Unknown: ...
def _count_invocations(points: MetricPoints | Unknown, period: timedelta, now: datetime) -> InvocationCounts | Unknown:
    if isinstance(points, Unknown):
        return points
    invoked = [(when, value) for when, value in points if value > 0]
    last = max((when for when, _ in invoked), default=None)
    last_by = None if last is None else max(last, min(last + period, now))

    def since(span: timedelta) -> int:
        return round(sum(value for when, value in invoked if when + period > now - span))

    return InvocationCounts(since(_HOUR), since(_DAY), since(_FORTNIGHT), last, last_by)


def _newest(points: MetricPoints | Unknown) -> int | Unknown:
    if isinstance(points, Unknown):
        return points
    if not points:
        return Unknown("CloudWatch has no ApproximateBacklogSize of it, which AWS publishes of asynchronous endpoints")
    return math.ceil(max(points)[1])

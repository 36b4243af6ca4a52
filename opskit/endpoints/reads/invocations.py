"""How endpoints are used: their metrics in CloudWatch.

AWS publishes ``Invocations`` of a variant (and of an inference component) for the minutes in which it was invoked.
Asynchronous endpoints have no ``Invocations``, however often they are invoked: what they processed, what failed or
expired, and the model's answers tell of it, and ``ApproximateBacklogSize`` of what waits. An answer without data points
is therefore none, if it is whole: each metric that was asked for is in it, with the status Complete. Every metric that
is asked for is paid for.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, overload

from opskit.aws.client import AwsClient, parse_errors_as_aws
from opskit.core.exceptions import AwsError
from opskit.core.model import Unknown
from opskit.core.result_or_error import unknown_from_error
from opskit.endpoints.rules.model import EndpointUse, InvocationCounts

Points = list[tuple[datetime, float]]
"""The data points of a metric, by time."""
_NAMESPACE = "AWS/SageMaker"
_BATCH_SIZE = 500  # CloudWatch's maximum of metrics per GetMetricData call
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


@dataclass
class _Series:
    """The data points of one metric since ``begin``, page by page. ``problem`` empty: nothing speaks against them."""

    begin: datetime
    points: list[tuple[datetime, float]] = field(default_factory=list)
    status: str = ""
    problem: str = ""

    def add(self, result: Mapping[str, Any]) -> None:
        """What one page has of it."""
        times, values = result.get("Timestamps") or (), result.get("Values") or ()
        self.status = str(result.get("StatusCode") or "")
        said = "; ".join(str(message.get("Value", "")) for message in result.get("Messages") or ())
        is_sound = all(math.isfinite(value) and value >= 0 for value in values) and all(
            when >= self.begin for when in times
        )
        if len(times) != len(values) or not is_sound:
            self.problem = "CloudWatch's data points of it make no sense"
        # PartialData is that of a page that another follows; Forbidden and InternalError come with an empty list, which
        # is no silence.
        elif said or self.status not in ("Complete", "PartialData"):
            self.problem = self.problem or said or f"CloudWatch says {self.status or 'nothing of its state'}"
        self.points += [(when.astimezone(UTC), value) for when, value in zip(times, values, strict=False)]

    def whole_or_unknown(self) -> Points | Unknown:
        """The points, if they are all."""
        if self.problem:
            return Unknown(self.problem)
        return self.points if self.status == "Complete" else Unknown("CloudWatch answered only in part")


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
    begin = _floor(now - max((subject.span for subject in subjects), default=_FORTNIGHT), period)
    end = _floor(now, period) + period
    asked = [(at, *each) for at, subject in enumerate(subjects) for each in subject.metrics()]
    read: dict[tuple[int, str], list[Points | Unknown]] = {}
    for start in range(0, len(asked), _BATCH_SIZE):
        batch = asked[start : start + _BATCH_SIZE]
        queries = [
            _metric_query(f"m{index}", name, stat, dimensions, period)
            for index, (_, _, name, stat, dimensions) in enumerate(batch)
        ]
        answers = _read_batch(client, queries, begin, end)
        for index, (at, part, _, _, _) in enumerate(batch):
            read.setdefault((at, part), []).append(answers[f"m{index}"])
    return [_to_use(at, subject, read, begin, period, now) for at, subject in enumerate(subjects)]


def _floor(when: datetime, period: timedelta) -> datetime:
    # From the epoch, as CloudWatch cuts its periods, not from midnight of some zone.
    return when - (when - datetime(1970, 1, 1, tzinfo=UTC)) % period


def _metric_query(id: str, name: str, stat: str, dimensions: list[dict[str, str]], period: timedelta) -> dict[str, Any]:
    metric = {"Namespace": _NAMESPACE, "MetricName": name, "Dimensions": dimensions}
    return {"Id": id, "MetricStat": {"Metric": metric, "Period": int(period.total_seconds()), "Stat": stat}}


def _read_batch(
    client: AwsClient, queries: list[dict[str, Any]], begin: datetime, end: datetime
) -> dict[str, Points | Unknown]:
    """The points of each query by its id, or why they are not known."""
    found: dict[str, _Series] = {query["Id"]: _Series(begin) for query in queries}
    try:
        for page in client.paginate(
            "cloudwatch", "get_metric_data", MetricDataQueries=queries, StartTime=begin, EndTime=end
        ):
            with parse_errors_as_aws(client, "cloudwatch:GetMetricData"):
                _add_page(page, found)
    except AwsError as failure:
        return dict.fromkeys(found, unknown_from_error(failure))
    return {id: series.whole_or_unknown() for id, series in found.items()}


def _add_page(page: Mapping[str, Any], found: Mapping[str, _Series]) -> None:
    said = "; ".join(str(message.get("Value", "")) for message in page.get("Messages") or ())
    for series in found.values() if said else ():
        series.problem = series.problem or said
    for result in page["MetricDataResults"]:
        if (series_of := found.get(str(result.get("Id")))) is not None:
            series_of.add(result)


def _to_use(
    at: int,
    subject: MetricSubject,
    read: Mapping[tuple[int, str], list[Points | Unknown]],
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


def _largest_values(told: Sequence[Points | Unknown]) -> Points | Unknown:
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
def _count_invocations(points: Points, period: timedelta, now: datetime) -> InvocationCounts: ...
@overload
def _count_invocations(points: Points | Unknown, period: timedelta, now: datetime) -> InvocationCounts | Unknown: ...
def _count_invocations(points: Points | Unknown, period: timedelta, now: datetime) -> InvocationCounts | Unknown:
    if isinstance(points, Unknown):
        return points
    invoked = [(when, value) for when, value in points if value > 0]
    last = max((when for when, _ in invoked), default=None)
    last_by = None if last is None else max(last, min(last + period, now))

    def since(span: timedelta) -> int:
        return round(sum(value for when, value in invoked if when + period > now - span))

    return InvocationCounts(since(_HOUR), since(_DAY), since(_FORTNIGHT), last, last_by)


def _newest(points: Points | Unknown) -> int | Unknown:
    if isinstance(points, Unknown):
        return points
    if not points:
        return Unknown("CloudWatch has no ApproximateBacklogSize of it, which AWS publishes of asynchronous endpoints")
    return math.ceil(max(points)[1])

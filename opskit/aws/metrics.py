"""The only reader of CloudWatch's GetMetricData: of each metric all data points, or why they are not known.

CloudWatch answers 200 also where it could read a part, or nothing: the status of each metric says so, its messages, or
that it is missing. An empty list is silence only if all of this was looked at, and to many a decision silence is
idleness. So no other module names the operation. Every metric that is asked for is paid for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any

from opskit.aws.client import AwsClient, parse_errors_as_aws
from opskit.core.exceptions import AwsError
from opskit.core.model import Unknown
from opskit.core.result_or_error import unknown_from_error

METRICS_PER_CALL = 500
"""CloudWatch's maximum of metrics per GetMetricData call."""
MetricPoints = list[tuple[datetime, float]]
"""The data points of a metric, in no order, each with the time when its period begins. Empty: AWS published none."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class MetricQuery:
    """A metric, of which one ``stat`` is wanted per ``period``; its dimensions as CloudWatch takes them."""

    namespace: str
    name: str
    dimensions: Sequence[Mapping[str, str]]
    stat: str
    period: timedelta

    def to_request(self, id: str) -> dict[str, Any]:
        """The query as CloudWatch takes it."""
        metric = {"Namespace": self.namespace, "MetricName": self.name, "Dimensions": self.dimensions}
        stat = {"Metric": metric, "Period": round(self.period.total_seconds()), "Stat": self.stat}
        return {"Id": id, "MetricStat": stat}


def floor_time(when: datetime, period: timedelta) -> datetime:
    """When the period begins that a time is in."""
    # From the epoch, as CloudWatch cuts its periods, not from midnight of some zone.
    return when - (when - _EPOCH) % period


def read_metrics(
    client: AwsClient, queries: Sequence[MetricQuery], begin: datetime, end: datetime
) -> list[MetricPoints | Unknown]:
    """The data points of each query from ``begin`` to ``end``, in the order of the queries; Unknown: they are not all
    there, or make no sense. Every metric that opskit reads counts something, so that a negative value makes none.
    """
    return list(_read_calls(client, queries, begin, end))


def _read_calls(
    client: AwsClient, queries: Sequence[MetricQuery], begin: datetime, end: datetime
) -> Iterator[MetricPoints | Unknown]:
    for start in range(0, len(queries), METRICS_PER_CALL):
        asked = {f"m{number}": query for number, query in enumerate(queries[start : start + METRICS_PER_CALL])}
        series = {id: _Series(floor_time(begin, query.period)) for id, query in asked.items()}
        wanted = [query.to_request(id) for id, query in asked.items()]
        try:
            for page in client.paginate(
                "cloudwatch", "get_metric_data", MetricDataQueries=wanted, StartTime=begin, EndTime=end
            ):
                with parse_errors_as_aws(client, "cloudwatch:GetMetricData"):
                    _add_page(page, series)
        except AwsError as failure:
            yield from [unknown_from_error(failure)] * len(asked)
        else:
            yield from (each.whole_or_unknown() for each in series.values())


@dataclass(slots=True)
class _Series:
    """The data points of one metric, none of them before ``begin``, page by page. ``status`` None: no page has it;
    ``problem`` empty: nothing speaks against them.
    """

    begin: datetime
    points: MetricPoints = field(default_factory=list)
    status: str | None = None
    problem: str = ""

    def add(self, result: Mapping[str, Any]) -> None:
        """What one page has of it."""
        times, values = result.get("Timestamps") or (), result.get("Values") or ()
        self.status = str(result.get("StatusCode") or "")
        said = _join_messages(result)
        if len(times) != len(values) or not _are_amounts(values) or min(times, default=self.begin) < self.begin:
            self.problem = "CloudWatch's data points of it make no sense"
        # PartialData is that of a page that another follows; Forbidden and InternalError come with an empty list, which
        # is no silence.
        elif said or self.status not in ("Complete", "PartialData"):
            self.problem = self.problem or said or f"CloudWatch says {self.status or 'nothing of its state'}"
        self.points += zip(times, values, strict=False)

    def whole_or_unknown(self) -> MetricPoints | Unknown:
        """The points, if they are all."""
        if self.problem:
            return Unknown(self.problem)
        if self.status is None:
            return Unknown("CloudWatch left it out of its answer")
        return self.points if self.status == "Complete" else Unknown("CloudWatch answered only in part")


def _are_amounts(values: Sequence[Any]) -> bool:
    # Of all at once: a call answers 12,000 and more.
    return {*map(type, values)} <= {int, float} and all(map(isfinite, values)) and min(values, default=0) >= 0


def _add_page(page: Mapping[str, Any], found: Mapping[str, _Series]) -> None:
    said = _join_messages(page)
    for series in found.values() if said else ():
        series.problem = series.problem or said
    for result in page["MetricDataResults"]:
        if (series_of := found.get(str(result.get("Id")))) is not None:
            series_of.add(result)


def _join_messages(told: Mapping[str, Any]) -> str:
    return "; ".join(str(message.get("Value", "")) for message in told.get("Messages") or ())

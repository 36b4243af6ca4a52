"""CloudWatch's GetMetricData over the points that moto keeps.

moto goes through every point once for each period that is asked about, which for 14 days of five minutes takes seconds;
and to it the same dimensions in another order are another metric. Expressions are left to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.cloudwatch.models import cloudwatch_backends

from opskit.sandbox.dispatcher import aws_operation
from opskit.sandbox.errors import ApiError, FallThrough
from opskit.sandbox.state import ApiCall

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MetricKey = tuple[str, str, tuple[tuple[str, str], ...]]


class MetricDataService:
    """Answers GetMetricData."""

    @aws_operation("cloudwatch", "GetMetricData")
    def get_metric_data(self, call: ApiCall) -> dict[str, Any]:
        if not all("MetricStat" in query for query in call.params["MetricDataQueries"]):
            raise FallThrough
        try:
            return self._answer_queries(call)
        except (ValueError, TypeError, LookupError, ArithmeticError, OSError) as error:
            raise ApiError("InvalidParameterValue", f"A parameter is out of range: {error}") from error

    def _answer_queries(self, call: ApiCall) -> dict[str, Any]:
        queries = call.params["MetricDataQueries"]
        begin, end = _to_time(call.params["StartTime"]), _to_time(call.params["EndTime"])
        backend = cloudwatch_backends[call.account_region.account][call.account_region.region]
        points = _points_by_metric(backend.get_all_metrics(), begin, end)
        wanted = [query for query in queries if query.get("ReturnData", True)]
        descending = call.params.get("ScanBy", "TimestampDescending") == "TimestampDescending"
        return {"MetricDataResults": [_result(query, points, descending=descending) for query in wanted]}


def _to_time(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    return datetime.fromisoformat(str(value)).astimezone(UTC)


def _points_by_metric(
    data: Iterable[Any], begin: datetime, end: datetime
) -> dict[_MetricKey, list[tuple[datetime, float]]]:
    found: dict[_MetricKey, list[tuple[datetime, float]]] = {}
    for each in data:
        when = each.timestamp.replace(tzinfo=UTC) if each.timestamp.tzinfo is None else each.timestamp.astimezone(UTC)
        if begin <= when < end:
            dimensions = tuple(sorted((str(part.name), str(part.value)) for part in each.dimensions))
            found.setdefault((str(each.namespace), str(each.name), dimensions), []).append((when, float(each.value)))
    return found


def _result(
    query: Mapping[str, Any], points: Mapping[_MetricKey, list[tuple[datetime, float]]], *, descending: bool
) -> dict[str, Any]:
    stat = query["MetricStat"]
    metric = stat["Metric"]
    dimensions = tuple(sorted((each["Name"], each["Value"]) for each in metric.get("Dimensions", [])))
    period = timedelta(seconds=int(stat["Period"]))
    by_period: dict[datetime, list[float]] = {}
    for when, value in points.get((metric["Namespace"], metric["MetricName"], dimensions), ()):
        by_period.setdefault(when - (when - _EPOCH) % period, []).append(value)
    times = sorted(by_period, reverse=descending)
    return {
        "Id": query["Id"],
        "Label": query.get("Label") or metric["MetricName"],
        "Timestamps": times,
        "Values": [_statistic(stat["Stat"], by_period[when]) for when in times],
        "StatusCode": "Complete",
    }


def _statistic(stat: str, values: list[float]) -> float:
    match stat:
        case "Sum":
            return sum(values)
        case "Maximum":
            return max(values)
        case "Minimum":
            return min(values)
        case "Average":
            return sum(values) / len(values)
        case "SampleCount":
            return float(len(values))
        case _:
            raise FallThrough

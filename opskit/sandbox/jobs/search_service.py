"""Search: whole resources by their properties, the one way to see the instance types of many jobs in one call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from opskit.sandbox import validation
from opskit.sandbox.dispatcher import owns
from opskit.sandbox.errors import NotOurs, invalid
from opskit.sandbox.hosting.endpoint_service import EndpointRoom
from opskit.sandbox.jobs.training_service import TrainingRoom
from opskit.sandbox.list_responses import PAGE, moment, one_page
from opskit.sandbox.request_echo import shared
from opskit.sandbox.state import Call, Place, World
from opskit.sandbox.tags import shown

_COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    "GreaterThan": lambda value, wanted: value > wanted,
    "GreaterThanOrEqualTo": lambda value, wanted: value >= wanted,
    "LessThan": lambda value, wanted: value < wanted,
    "LessThanOrEqualTo": lambda value, wanted: value <= wanted,
}


class Search:
    """Search over training jobs and endpoints; other resources are moto's."""

    def __init__(self, world: World, training: TrainingRoom, endpoints: EndpointRoom) -> None:
        self._world = world
        self._sources: dict[str, Callable[[Place], list[dict[str, Any]]]] = {
            "TrainingJob": lambda place: [{**job.described(), "Tags": shown(job.tags)} for job in training.jobs(place)],
            "Endpoint": lambda place: [
                {**endpoint.described(), "Tags": shown(endpoint.tags)} for endpoint in endpoints.all(place)
            ],
        }

    @owns("sagemaker", "Search")
    def search(self, call: Call) -> dict[str, Any]:
        resource = call.params["Resource"]
        if resource not in self._sources:
            raise NotOurs
        shape = validation.service_model("sagemaker").shape_for(resource)
        with self._world.lock(call.place):
            found = [shared(shape, record) for record in self._sources[resource](call.place)]
        kept = [record for record in found if matches(record, call.params.get("SearchExpression", {}))]
        self._sort(call, kept)
        records, token = one_page(call, kept, PAGE)
        return {
            "Results": [{resource: record} for record in records],
            "NextToken": token,
            "TotalHits": {"Value": len(kept), "Relation": "EqualTo"},
        }

    def _sort(self, call: Call, records: list[dict[str, Any]]) -> None:
        by = call.params.get("SortBy", "LastModifiedTime")
        records.sort(
            key=lambda record: _orderable(next(values(record, by), None)),
            reverse=call.params.get("SortOrder", "Descending") == "Descending",
        )


def _orderable(value: Any) -> tuple[int, Any]:
    """A key under which values of every kind can stand side by side; what is absent comes first."""
    match value:
        case None:
            return (0, "")
        case datetime():
            return (1, value.timestamp())
        case int() | float():
            return (1, float(value))
        case _:
            return (2, str(value))


def matches(record: Mapping[str, Any], expression: Mapping[str, Any]) -> bool:
    """Whether a record meets a SearchExpression. Raises ValidationException for one that makes no sense."""
    verdicts = [
        *(_meets(record, one) for one in expression.get("Filters", [])),
        *(_nested(record, one) for one in expression.get("NestedFilters", [])),
        *(matches(record, one) for one in expression.get("SubExpressions", [])),
    ]
    if not verdicts:
        return True
    return any(verdicts) if expression.get("Operator") == "Or" else all(verdicts)


def _nested(record: Mapping[str, Any], nested: Mapping[str, Any]) -> bool:
    """Whether one item of a list meets all the filters together."""
    prefix = nested["NestedPropertyName"]
    items = [item for found in values(record, prefix) for item in (found if isinstance(found, list) else [found])]
    filters = [{**one, "Name": one["Name"].removeprefix(f"{prefix}.")} for one in nested["Filters"]]
    return any(isinstance(item, Mapping) and all(_meets(item, one) for one in filters) for item in items)


def values(record: Any, path: str) -> Iterator[Any]:
    """The values at a property's path, such as ``ResourceConfig.InstanceType`` or ``Tags.team``.

    Lists give the values of each of their items; tags and metrics are reached by their names.
    """
    if not path:
        yield record
    elif isinstance(record, list):
        for item in record:
            yield from values(item, path)
    elif isinstance(record, Mapping):
        yield from _below(record, path)


def _below(record: Mapping[str, Any], path: str) -> Iterator[Any]:
    name, _, rest = path.partition(".")
    if name == "Tags" and rest:
        yield from (tag["Value"] for tag in record.get("Tags", []) if tag["Key"] == rest)
    elif name == "Metrics" and rest:
        metrics = record.get("FinalMetricDataList", [])
        yield from (metric["Value"] for metric in metrics if metric["MetricName"] == rest)
    elif path in record:
        yield record[path]
    elif name in record:
        yield from values(record[name], rest)


def _meets(record: Mapping[str, Any], one: Mapping[str, Any]) -> bool:
    found = [value for value in values(record, one["Name"]) if value is not None]
    operator, wanted = one.get("Operator", "Equals"), one.get("Value")
    match operator:
        case "Exists":
            return bool(found)
        case "NotExists":
            return not found
    if wanted is None:
        raise invalid(f"Filter {one['Name']} with operator {operator} needs a Value.")
    match operator:
        case "Equals":
            return any(_equal(value, wanted) for value in found)
        case "NotEquals":
            return bool(found) and not any(_equal(value, wanted) for value in found)
        case "Contains":
            return any(wanted.lower() in str(value).lower() for value in found)
        case "In":
            return any(_equal(value, part.strip()) for value in found for part in wanted.split(","))
        case _:
            return any(_COMPARED[operator](*_alike(value, wanted)) for value in found)


def _equal(value: Any, wanted: str) -> bool:
    if isinstance(value, str):
        return value == wanted
    if isinstance(value, bool):
        return str(value).lower() == wanted.lower()
    found, asked = _alike(value, wanted)
    return bool(found == asked)


def _alike(value: Any, wanted: str) -> tuple[Any, Any]:
    """Both as times where the property is a time, as numbers where both are numbers, else as texts."""
    if isinstance(value, datetime):
        return value, _time(wanted)
    try:
        return float(value), float(wanted)
    except (ValueError, TypeError):
        return str(value), wanted


def _time(text: str) -> datetime:
    try:
        return moment(float(text))
    except ValueError:
        return moment(text)

"""Search: whole resources by their properties, the one way to see the instance types of many jobs in one call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from opskit.sandbox.api_models import service_model
from opskit.sandbox.dispatcher import aws_operation
from opskit.sandbox.errors import FallThrough, validation_error
from opskit.sandbox.hosting.endpoint_service import EndpointService
from opskit.sandbox.jobs.job_history import PastJob
from opskit.sandbox.jobs.training_job import TrainingJob
from opskit.sandbox.jobs.training_service import TrainingService
from opskit.sandbox.lag import LaggingRead
from opskit.sandbox.list_responses import DEFAULT_PAGE_SIZE, parse_api_timestamp, validated_page
from opskit.sandbox.response_shapes import shared_members
from opskit.sandbox.state import AccountRegion, ApiCall, SandboxState
from opskit.sandbox.tags import tag_list

_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "GreaterThan": lambda value, wanted: value > wanted,
    "GreaterThanOrEqualTo": lambda value, wanted: value >= wanted,
    "LessThan": lambda value, wanted: value < wanted,
    "LessThanOrEqualTo": lambda value, wanted: value <= wanted,
}


class SearchService:
    """Search over training jobs and endpoints; other resources are moto's. Its index lags behind all that happens."""

    def __init__(self, state: SandboxState, training: TrainingService, endpoints: EndpointService) -> None:
        self._state = state
        self._training = training
        self._endpoints = endpoints
        self._sources: dict[str, Callable[[AccountRegion], list[dict[str, Any]]]] = {
            "TrainingJob": self._indexed_jobs,
            "Endpoint": self._indexed_endpoints,
        }

    def _indexed_jobs(self, account_region: AccountRegion) -> list[dict[str, Any]]:
        jobs = [(job, self._indexed_until(job.arn)) for job in self._training.jobs.all_jobs(account_region)]
        return [
            {**job.as_of(until).describe(until), "Tags": tag_list(job.tags)}
            for job, until in jobs
            if job.created <= until
        ]

    def _past_records(self, account_region: AccountRegion, resource: str) -> list[dict[str, Any]]:
        """The training jobs of the past."""
        rows = self._training.jobs.history.rows(account_region) if resource == "TrainingJob" else []
        if not rows:
            return []
        first = self._training.jobs.history.make_record(rows[0])
        shape = service_model("sagemaker").shape_for(resource)
        # They are alike but for a few members, and so no record is made of each: there may be a million.
        alike = shared_members(shape, {**first.describe(first.modified), "Tags": []})
        return [alike | _own_members(row) for row in rows]

    def _indexed_endpoints(self, account_region: AccountRegion) -> list[dict[str, Any]]:
        endpoints = [(each, self._indexed_until(each.arn)) for each in self._endpoints.all_endpoints(account_region)]
        return [
            {**endpoint.as_of(until).describe(), "Tags": tag_list(endpoint.tags)}
            for endpoint, until in endpoints
            if endpoint.created <= until
        ]

    def _indexed_until(self, arn: str) -> datetime:
        """The moment that the index has come to with a resource."""
        return self._state.now() - self._state.lag.delay(LaggingRead.SEARCH, arn)

    @aws_operation("sagemaker", "Search")
    def search_resources(self, call: ApiCall) -> dict[str, Any]:
        resource = call.params["Resource"]
        if resource not in self._sources:
            raise FallThrough
        shape = service_model("sagemaker").shape_for(resource)
        with self._state.lock(call.account_region):
            records = [shared_members(shape, record) for record in self._sources[resource](call.account_region)]
            records += self._past_records(call.account_region, resource)
        matching = [record for record in records if matches_expression(record, call.params.get("SearchExpression", {}))]
        self._sort_records(call, matching)
        page, token = validated_page(call, matching, DEFAULT_PAGE_SIZE)
        return {
            "Results": [{resource: record} for record in page],
            "NextToken": token,
            "TotalHits": {"Value": len(matching), "Relation": "EqualTo"},
        }

    def _sort_records(self, call: ApiCall, records: list[dict[str, Any]]) -> None:
        sort_property = call.params.get("SortBy", "LastModifiedTime")
        records.sort(
            key=lambda record: _sortable_value(next(property_values(record, sort_property), None)),
            reverse=call.params.get("SortOrder", "Descending") == "Descending",
        )


def _own_members(row: PastJob[TrainingJob]) -> dict[str, Any]:
    """The members in which a job of the past differs from the others."""
    seed, name, status = row.seed, row.name, row.status
    resources = {"InstanceType": seed.instance_type, "InstanceCount": seed.count, "VolumeSizeInGB": 30}
    return {
        "TrainingJobName": name,
        "TrainingJobArn": row.history.account_region.arn(f"training-job/{name}"),
        "TrainingJobStatus": status,
        "SecondaryStatus": status.value,
        "CreationTime": row.created,
        "LastModifiedTime": row.modified,
        "TrainingEndTime": row.modified,
        "ResourceConfig": resources,
    } | ({"FailureReason": row.failure} if row.failure else {})


def _sortable_value(value: Any) -> tuple[int, Any]:
    """A key under which values of every kind can stand side by side; what is absent comes first."""
    match value:
        case None:
            # The numbers keep values of different types from ever being compared with each other.
            return (0, "")
        case datetime():
            return (1, value.timestamp())
        case int() | float():
            return (1, float(value))
        case _:
            return (2, str(value))


def matches_expression(record: Mapping[str, Any], expression: Mapping[str, Any]) -> bool:
    """Whether a record meets a SearchExpression. Raises ValidationException for one that makes no sense."""
    matches = [
        *(_meets_filter(record, part) for part in expression.get("Filters", [])),
        *(_meets_nested_filter(record, part) for part in expression.get("NestedFilters", [])),
        *(matches_expression(record, part) for part in expression.get("SubExpressions", [])),
    ]
    if not matches:
        return True
    return any(matches) if expression.get("Operator") == "Or" else all(matches)


def _meets_nested_filter(record: Mapping[str, Any], nested: Mapping[str, Any]) -> bool:
    """Whether one item of a list meets all the filters together."""
    prefix = nested["NestedPropertyName"]
    items = [
        item for value in property_values(record, prefix) for item in (value if isinstance(value, list) else [value])
    ]
    filters = [{**filter_, "Name": filter_["Name"].removeprefix(f"{prefix}.")} for filter_ in nested["Filters"]]
    return any(isinstance(item, Mapping) and all(_meets_filter(item, filter_) for filter_ in filters) for item in items)


def property_values(record: Any, path: str) -> Iterator[Any]:
    """The values at a property's path, such as ``ResourceConfig.InstanceType`` or ``Tags.team``.

    Lists give the values of each of their items; tags and metrics are reached by their names.
    """
    if not path:
        yield record
    elif isinstance(record, list):
        for item in record:
            yield from property_values(item, path)
    elif isinstance(record, Mapping):
        yield from _member_values(record, path)


def _member_values(record: Mapping[str, Any], path: str) -> Iterator[Any]:
    name, _, inner_path = path.partition(".")
    if name == "Tags" and inner_path:
        yield from (tag["Value"] for tag in record.get("Tags", []) if tag["Key"] == inner_path)
    elif name == "Metrics" and inner_path:
        metrics = record.get("FinalMetricDataList", [])
        yield from (metric["Value"] for metric in metrics if metric["MetricName"] == inner_path)
    elif path in record:
        yield record[path]
    elif name in record:
        yield from property_values(record[name], inner_path)


def _meets_filter(record: Mapping[str, Any], filter_: Mapping[str, Any]) -> bool:
    present = [value for value in property_values(record, filter_["Name"]) if value is not None]
    operator, text = filter_.get("Operator", "Equals"), filter_.get("Value")
    match operator:
        # These two need no value; a null counts as absent.
        case "Exists":
            return bool(present)
        case "NotExists":
            return not present
        case _:
            pass
    if text is None:
        raise validation_error(f"Filter {filter_['Name']} with operator {operator} needs a Value.")
    match operator:
        case "Equals":
            return any(_equals_value(value, text) for value in present)
        # Only what has the property can differ in it.
        case "NotEquals":
            return bool(present) and not any(_equals_value(value, text) for value in present)
        case "Contains":
            return any(text.lower() in str(value).lower() for value in present)
        case "In":
            return any(_equals_value(value, part.strip()) for value in present for part in text.split(","))
        case _:
            return any(_COMPARISONS[operator](*_comparable_pair(value, text)) for value in present)


def _equals_value(value: Any, wanted: str) -> bool:
    if isinstance(value, str):
        return value == wanted
    if isinstance(value, bool):
        return str(value).lower() == wanted.lower()
    comparable, wanted = _comparable_pair(value, wanted)
    return bool(comparable == wanted)


def _comparable_pair(value: Any, wanted: str) -> tuple[Any, Any]:
    """Both as times where the property is a time, as numbers where both are numbers, else as texts."""
    if isinstance(value, datetime):
        return value, _parse_filter_time(wanted)
    try:
        return float(value), float(wanted)
    except (ValueError, TypeError):
        return str(value), wanted


def _parse_filter_time(text: str) -> datetime:
    try:
        return parse_api_timestamp(float(text))
    except ValueError:
        return parse_api_timestamp(text)

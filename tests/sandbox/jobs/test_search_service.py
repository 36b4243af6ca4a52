"""Search: whole jobs by their properties."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from opskit.sandbox.jobs.search_service import matches_expression


@pytest.fixture(scope="module")
def searched_names(lab_account: Any) -> list[str]:
    """Two failed jobs and a completed one, tagged."""
    stem = lab_account.name("found")
    for letter, parameters in (("a", {}), ("b", {}), ("c", {"num_round": "2"})):
        tags = [{"Key": "set", "Value": stem}, {"Key": "letter", "Value": letter}]
        request = lab_account.job("x", parameters, TrainingJobName=f"{stem}-{letter}", Tags=tags)
        lab_account.sagemaker.create_training_job(**request)
    found = [f"{stem}-{letter}" for letter in "abc"]
    for name in found:
        lab_account.over(name)
    return found


def search_names(lab: Any, names: list[str], *filters: dict[str, Any], **more: Any) -> list[str]:
    ours = {"Name": "Tags.set", "Operator": "Equals", "Value": names[0].removesuffix("-a")}
    request = {"SearchExpression": {"Filters": [ours, *filters]}, "SortBy": "TrainingJobName", **more}
    pages = lab.sagemaker.get_paginator("search").paginate(Resource="TrainingJob", SortOrder="Ascending", **request)
    return [record["TrainingJob"]["TrainingJobName"] for page in pages for record in page["Results"]]


def test_jobs_are_found_whole(lab_account: Any, searched_names: list[str]) -> None:
    answer = lab_account.sagemaker.search(
        Resource="TrainingJob",
        SearchExpression={"Filters": [{"Name": "TrainingJobName", "Operator": "Equals", "Value": searched_names[2]}]},
    )
    assert answer["TotalHits"] == {"Value": 1, "Relation": "EqualTo"}
    job = answer["Results"][0]["TrainingJob"]
    assert job["ResourceConfig"]["InstanceType"] == "ml.m4.xlarge"
    assert {"Key": "letter", "Value": "c"} in job["Tags"]
    assert job["FinalMetricDataList"][0]["MetricName"] == "train:rmse"


def test_search_filters_pick_training_jobs(lab_account: Any, searched_names: list[str]) -> None:
    a, b, c = searched_names
    job = lab_account.sagemaker.describe_training_job(TrainingJobName=b)
    created = job["CreationTime"].isoformat()
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({"Name": "TrainingJobStatus", "Operator": "Equals", "Value": "Failed"}, [a, b]),
        ({"Name": "TrainingJobStatus", "Operator": "NotEquals", "Value": "Failed"}, [c]),
        ({"Name": "TrainingJobStatus", "Value": "Completed"}, [c]),
        ({"Name": "Tags.letter", "Operator": "In", "Value": "a,c"}, [a, c]),
        ({"Name": "TrainingJobName", "Operator": "Contains", "Value": b[1:]}, [b]),
        ({"Name": "FailureReason", "Operator": "Exists"}, [a, b]),
        ({"Name": "FailureReason", "Operator": "NotExists"}, [c]),
        ({"Name": "CreationTime", "Operator": "GreaterThan", "Value": created}, [c]),
        ({"Name": "CreationTime", "Operator": "LessThanOrEqualTo", "Value": created}, [a, b]),
        ({"Name": "ResourceConfig.InstanceCount", "Operator": "GreaterThanOrEqualTo", "Value": "1"}, [a, b, c]),
        ({"Name": "HyperParameters.num_round", "Operator": "Equals", "Value": "2"}, [c]),
        ({"Name": "Metrics.train:rmse", "Operator": "GreaterThan", "Value": "0"}, [c]),
        ({"Name": "InputDataConfig.DataSource.S3DataSource.S3Uri", "Operator": "Contains", "Value": "nope"}, []),
    ]
    for one, expected in cases:
        assert search_names(lab_account, searched_names, one) == expected, one


def test_search_results_come_in_pages_and_in_order(lab_account: Any, searched_names: list[str]) -> None:
    assert search_names(lab_account, searched_names, PaginationConfig={"PageSize": 2}) == searched_names
    latest = {"Name": "Tags.set", "Operator": "Equals", "Value": searched_names[0].removesuffix("-a")}
    newest = lab_account.sagemaker.search(
        Resource="TrainingJob", SearchExpression={"Filters": [latest]}, SortBy="CreationTime", MaxResults=1
    )
    assert newest["Results"][0]["TrainingJob"]["TrainingJobName"] == searched_names[2]
    assert newest["NextToken"]


def test_bad_searches_are_refused(lab_account: Any, searched_names: list[str]) -> None:
    no_value = {"Filters": [{"Name": "TrainingJobStatus", "Operator": "Contains"}]}
    with pytest.raises(ClientError, match="ValidationException"):
        lab_account.sagemaker.search(Resource="TrainingJob", SearchExpression=no_value)
    not_a_time = {"Filters": [{"Name": "CreationTime", "Operator": "GreaterThan", "Value": "yesterday"}]}
    with pytest.raises(ClientError, match="is not a timestamp"):
        lab_account.sagemaker.search(Resource="TrainingJob", SearchExpression=not_a_time)


def test_running_jobs_of_a_scenario_are_found_with_their_types(full_account: Any) -> None:
    expression = {"Filters": [{"Name": "ResourceConfig.InstanceType", "Operator": "Equals", "Value": "ml.m4.xlarge"}]}
    found = full_account.client("sagemaker").search(Resource="TrainingJob", SearchExpression=expression, MaxResults=100)
    assert {one["TrainingJob"]["TrainingJobName"] for one in found["Results"]} == {"churn-nightly-1", "churn-nightly-2"}
    ages = [one["TrainingJob"]["LastModifiedTime"] - one["TrainingJob"]["CreationTime"] for one in found["Results"]]
    assert all(age >= timedelta() for age in ages)
    pipelines = full_account.client("sagemaker").search(Resource="Pipeline")["Results"]
    assert all("Pipeline" in one for one in pipelines), "what is not ours is moto's"


RECORD = {
    "Name": "one",
    "Size": 3,
    "Channels": [{"Kind": "train", "Uri": "s3://a"}, {"Kind": "test", "Uri": "s3://b"}],
}


def equals_filter(name: str, value: str) -> dict[str, str]:
    return {"Name": name, "Operator": "Equals", "Value": value}


def test_search_expressions_nest() -> None:
    assert matches_expression(RECORD, {})
    either = {"Operator": "Or", "Filters": [equals_filter("Name", "two"), equals_filter("Size", "3.0")]}
    assert matches_expression(RECORD, either)
    assert not matches_expression(RECORD, {**either, "Operator": "And"})
    assert matches_expression(RECORD, {"SubExpressions": [either, {"Filters": [equals_filter("Name", "one")]}]})
    assert not matches_expression(RECORD, {"SubExpressions": [either, {"Filters": [equals_filter("Name", "two")]}]})


def test_nested_filters_must_meet_in_one_item() -> None:
    def nested(kind: str, uri: str) -> dict[str, Any]:
        filters = [equals_filter("Channels.Kind", kind), equals_filter("Channels.Uri", uri)]
        return {"NestedFilters": [{"NestedPropertyName": "Channels", "Filters": filters}]}

    assert matches_expression(RECORD, nested("train", "s3://a"))
    assert not matches_expression(RECORD, nested("train", "s3://b"))

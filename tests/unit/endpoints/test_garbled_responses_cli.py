"""Where an answer of AWS's lacks anything, or is of another kind, no endpoint is stopped that would not be."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.cli_runner import run_opskit
from tests.fakes.fake_aws import FakeAws
from tests.fakes.garbled_responses import SAMPLE_AND_EVERY_WAY, GarbledRuns

LONG_AGO = datetime.now(UTC) - timedelta(days=60)
MINUTE_AGO = datetime.now(UTC) - timedelta(minutes=1)
# Each has been without a call for long, but one, and has a reason all the same why it is not to be stopped.
ENDPOINTS = {"called": LONG_AGO, "kept": LONG_AGO, "young": MINUTE_AGO, "creating": LONG_AGO}
VARIANT = {"VariantName": "v", "CurrentInstanceCount": 1, "DesiredInstanceCount": 1}


def endpoint_name(asked: Mapping[str, Any]) -> str:
    return str(asked.get("EndpointName") or asked["EndpointConfigName"]).removesuffix("-config")


def hosted_endpoint(name: str) -> dict[str, Any]:
    return {
        "EndpointName": name,
        "EndpointArn": f"arn:aws:sagemaker:us-east-1:123456789012:endpoint/{name}",
        "EndpointStatus": "Creating" if name == "creating" else "InService",
        "CreationTime": ENDPOINTS[name].timestamp(),
        "LastModifiedTime": ENDPOINTS[name].timestamp(),
    }


def described_endpoint(asked: Mapping[str, Any]) -> dict[str, Any]:
    name = endpoint_name(asked)
    return {**hosted_endpoint(name), "EndpointConfigName": f"{name}-config", "ProductionVariants": [VARIANT]}


def described_config(asked: Mapping[str, Any]) -> dict[str, Any]:
    name = endpoint_name(asked)
    planned = {"VariantName": "v", "ModelName": "m", "InstanceType": "ml.m4.xlarge", "InitialInstanceCount": 1}
    return {"EndpointConfigName": f"{name}-config", "EndpointConfigArn": "arn:c", "ProductionVariants": [planned]}


def metric_data(asked: Mapping[str, Any]) -> dict[str, Any]:
    def result(query: Mapping[str, Any]) -> dict[str, Any]:
        about = {each["Name"]: each["Value"] for each in query["MetricStat"]["Metric"]["Dimensions"]}
        is_called = about.get("EndpointName") == "called"
        points: dict[str, Any] = {"Timestamps": [MINUTE_AGO.timestamp()] * is_called, "Values": [1.0] * is_called}
        return {"Id": query["Id"], "Label": "Invocations", "StatusCode": "Complete", **points}

    return {"MetricDataResults": [result(query) for query in asked["MetricDataQueries"]], "Messages": []}


def resource_tags(asked: Mapping[str, Any]) -> dict[str, Any]:
    kept = [{"Key": "opskit:keep", "Value": "thesis"}]
    return {"Tags": kept if asked["ResourceArn"].endswith("/kept") else []}


@pytest.fixture
def garbled_endpoints(fake_aws: FakeAws, no_backoff: None) -> FakeAws:
    fake_aws.running = {
        "ListEndpoints": lambda _: {"Endpoints": [hosted_endpoint(name) for name in ENDPOINTS]},
        "DescribeEndpoint": described_endpoint,
        "DescribeEndpointConfig": described_config,
        "GetMetricData": metric_data,
        "ListTags": resource_tags,
        "DescribeScalableTargets": lambda _: {"ScalableTargets": []},
    }
    return fake_aws


@pytest.mark.parametrize("every_way", SAMPLE_AND_EVERY_WAY)
def test_no_endpoint_is_stopped_for_what_was_not_told(
    every_way: bool, garbled_endpoints: FakeAws, isolated_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop() -> dict[str, tuple[str, str]]:
        ran = run_opskit(capsys, "endpoint", "stop", "--idle", "-o", "json")
        assert ran.code != 1, ran.envelope["errors"]
        rows = (ran.envelope["data"] or {}).get("endpoints", ())
        return {row["name"]: (row["verdict"], row["action"]) for row in rows}

    truth = stop()
    assert {name: action for name, (_, action) in truth.items()} == dict.fromkeys(ENDPOINTS, "keep")
    assert "idle" not in {verdict for verdict, _ in truth.values()}
    lies = [
        (how, name, verdict, action)
        for how, rows in GarbledRuns(garbled_endpoints, isolated_home, every_way).each(stop)
        for name, (verdict, action) in rows.items()
        if action != "keep" or verdict not in (truth[name][0], "unknown")
    ]
    assert lies == []
    assert not {"DeleteEndpoint", "AddTags"} & {operation for operation, _ in garbled_endpoints.calls}

"""``opskit costs --metrics``: which endpoints are idle, by their invocations; without it nobody is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.fakes.billed_account import NOW, serve_billed_account
from tests.fakes.cli_runner import run_opskit
from tests.fakes.fake_aws import DENIED, FakeAws

pytestmark = pytest.mark.usefixtures("no_backoff")


def metric_data(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The endpoint ``live`` was invoked just now; the others never were."""
    return {"MetricDataResults": [_points(query) for query in asked["MetricDataQueries"]]}


def _points(query: Mapping[str, Any]) -> dict[str, Any]:
    metric = query["MetricStat"]["Metric"]
    named = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
    values = {"ApproximateBacklogSize": [0.0]}.get(metric["MetricName"], [])
    if named.get("EndpointName") == "live" and metric["MetricName"] == "Invocations":
        values = [3.0]
    times = [NOW.timestamp() - 60] * len(values)
    return {"Id": query["Id"], "Label": "m", "StatusCode": "Complete", "Timestamps": times, "Values": values}


@pytest.fixture
def billed(fake_aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    monkeypatch.setenv("OPSKIT_ENDPOINT_AFTER", "1h")
    serve_billed_account(fake_aws)
    fake_aws.running |= {"GetMetricData": metric_data, "ListInferenceComponents": lambda _: {"InferenceComponents": []}}
    return fake_aws


def verdicts_of(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> dict[str, str]:
    ran = run_opskit(capsys, "costs", "-o", "json", *words)
    assert ran.code == code, ran.envelope["errors"]
    return {item["name"]: item["verdict"] for item in ran.data["items"] if item["kind"] in ("endpoint", "serverless")}


def test_without_the_flag_cloudwatch_is_not_asked(billed: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    assert set(verdicts_of(capsys).values()) == {"running"}
    assert billed.count("GetMetricData") == 0


def test_what_was_invoked_a_minute_ago_is_busy(billed: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    verdicts = verdicts_of(capsys, "--metrics")
    assert verdicts["live"] == "busy"
    assert verdicts["queue"] == "idle"
    assert billed.count("GetMetricData") > 0


def test_unread_metrics_are_no_idleness_and_an_error(billed: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    billed.fault = lambda called, region: DENIED if called == "GetMetricData" else None
    assert set(verdicts_of(capsys, "--metrics", code=5).values()) == {"unknown"}

"""An asynchronous endpoint has no ``Invocations``, however busy it is: what tells of its use are metrics of its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from opskit.aws.client import AwsClient
from opskit.core.model import Unknown
from opskit.endpoints.reads.invocations import MetricSubject, read_endpoint_use
from opskit.endpoints.rules.idleness import EndpointPolicy, assess_endpoint
from opskit.endpoints.rules.model import EndpointUse, EndpointVerdict, HostedEndpoint, VariantState

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=40)
MINUTE = timedelta(minutes=1)
Told = dict[str, list[tuple[timedelta, float]]]
ENDPOINT = HostedEndpoint(
    "us-east-1", "e", "arn", "InService", LONG_AGO, LONG_AGO, "c", (VariantState("v", "ml.x", 1),), is_async=True
)


class CloudWatch:
    """Publishes these metrics, and nothing of any other name; an answer comes in pages, and may be unfinished."""

    def __init__(self, told: Told, status: str = "Complete", unread: str = "") -> None:
        self.told, self.status, self.unread = {"ApproximateBacklogSize": [(MINUTE, 0.0)], **told}, status, unread
        self.names: list[str] = []

    def paginate(self, service: str, operation: str, **asked: Any) -> Any:
        for query in asked["MetricDataQueries"]:
            name = query["MetricStat"]["Metric"]["MetricName"]
            self.names.append(name)
            points = self.told.get(name, [])
            status = "InternalError" if name == self.unread else self.status
            yield {
                "MetricDataResults": [{"Id": query["Id"], "StatusCode": "PartialData", "Timestamps": [], "Values": []}]
            }
            yield {
                "MetricDataResults": [
                    {
                        "Id": query["Id"],
                        "StatusCode": status,
                        "Timestamps": [NOW - ago for ago, _ in points],
                        "Values": [value for _, value in points],
                    }
                ]
            }


def use_of(cloudwatch: CloudWatch, *, is_async: bool = True) -> EndpointUse:
    client: AwsClient = cloudwatch  # type: ignore[assignment]
    (use,) = read_endpoint_use(client, [MetricSubject("e", ("v",), (), is_async)], NOW)
    assert isinstance(use, EndpointUse)
    return use


def verdict_of(cloudwatch: CloudWatch) -> EndpointVerdict:
    return assess_endpoint(ENDPOINT, {}, use_of(cloudwatch), EndpointPolicy(), NOW).verdict


@pytest.mark.parametrize(
    "metric",
    ["InvocationsProcessed", "InvocationsProcesssed", "InvocationFailures", "ExpiredRequests", "ModelLatency"],
)
def test_one_that_processed_something_a_minute_ago_is_busy(metric: str) -> None:
    assert verdict_of(CloudWatch({metric: [(MINUTE, 1.0)]})) is EndpointVerdict.BUSY


def test_one_in_whose_queue_something_waited_lately_is_busy() -> None:
    """It waits for an instance that never comes up, and nothing is processed."""
    queue = {"ApproximateBacklogSize": [(MINUTE, 0.0), (timedelta(days=2), 4.0)]}
    assert verdict_of(CloudWatch(queue)) is EndpointVerdict.BUSY


def test_one_that_did_nothing_is_idle_and_silence_must_be_whole() -> None:
    assert verdict_of(CloudWatch({})) is EndpointVerdict.IDLE
    assert verdict_of(CloudWatch({}, status="PartialData")) is EndpointVerdict.UNKNOWN
    assert verdict_of(CloudWatch({}, unread="ModelLatency")) is EndpointVerdict.UNKNOWN
    assert verdict_of(CloudWatch({"ApproximateBacklogSize": []})) is EndpointVerdict.UNKNOWN


def test_a_request_that_several_metrics_tell_of_counts_once_and_each_metric_is_paid_for() -> None:
    moment = (timedelta(minutes=10), 3.0)
    cloudwatch = CloudWatch({"InvocationsProcessed": [moment], "ModelLatency": [moment]})
    use = use_of(cloudwatch)
    (counts,) = use.counts()
    assert (counts.last_hour, use.metrics, len(cloudwatch.names)) == (3, 6, 6)


def test_another_endpoint_is_asked_for_its_invocations_alone() -> None:
    cloudwatch = CloudWatch({})
    use = use_of(cloudwatch, is_async=False)
    assert (cloudwatch.names, use.metrics, use.backlog) == (["Invocations"], 1, None)
    assert not isinstance(use.backlog, Unknown)

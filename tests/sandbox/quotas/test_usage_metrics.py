"""The use of the quotas in CloudWatch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from opskit.sandbox.quotas.usage_metrics import UsageMetricPublisher
from opskit.sandbox.state import InstanceUsage, UsageResource
from tests.sandbox.quotas.quota_desk import HOME, Desk


def test_usage_is_published_to_cloudwatch(fresh_account: Any) -> None:
    other = fresh_account.other()
    desk = Desk(url=fresh_account.sandbox.url)
    desk.state.time = datetime.now(UTC)
    desk.state.in_use = [
        InstanceUsage(UsageResource.TRAINING_JOB, "ml.m4.xlarge", 2),
        InstanceUsage(UsageResource.SPOT_TRAINING_JOB, "ml.m5.large", 1),
    ]
    desk.state.client = lambda service, account_region: other.client(service, account_region.region)  # type: ignore[method-assign]
    UsageMetricPublisher(desk.state, desk.ledger).publish_usage(
        HOME, [desk.state.time - timedelta(hours=hour) for hour in (1, 2)]
    )

    resources = ["training-job/ml.m4.xlarge", "training-job/total_instance_count", "spot-training-job/ml.m5.large"]
    resources += [f"endpoint/ml.made-up.{number}xlarge" for number in range(497)]
    end = desk.state.time
    answer = other.client("cloudwatch").get_metric_data(
        MetricDataQueries=[usage_query(f"q{number}", resource) for number, resource in enumerate(resources)],
        StartTime=end - timedelta(hours=24),
        EndTime=end,
    )
    values = [result["Values"] for result in answer["MetricDataResults"]]
    assert values[:3] == [[2.0, 2.0], [2.0, 2.0], [1.0, 1.0]]
    assert values[3:] == [[]] * 497


def usage_query(name: str, resource: str) -> dict[str, Any]:
    # as Service Quotas names them: the order matters to moto
    dimensions = {"Class": "None", "Resource": resource, "Service": "SageMaker", "Type": "Resource"}
    metric = {
        "Namespace": "AWS/Usage",
        "MetricName": "ResourceCount",
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
    }
    return {"Id": name, "MetricStat": {"Metric": metric, "Period": 3600, "Stat": "Maximum"}}

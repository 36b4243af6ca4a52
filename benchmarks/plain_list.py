"""The yardstick of ``quotas list``: the script anybody would write, one call after another. It reads no defaults and
no requests.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import boto3

session = boto3.Session()
service_quotas, cloudwatch = session.client("service-quotas"), session.client("cloudwatch")

quotas = []
asked = {"ServiceCode": "sagemaker", "MaxResults": 100}
while True:
    page = service_quotas.list_service_quotas(**asked)
    quotas += page["Quotas"]
    if not page.get("NextToken"):
        break
    asked["NextToken"] = page["NextToken"]

queries = [
    {
        "Id": f"m{at}",
        "MetricStat": {
            "Metric": {
                "Namespace": metric["MetricNamespace"],
                "MetricName": metric["MetricName"],
                "Dimensions": [{"Name": name, "Value": value} for name, value in metric["MetricDimensions"].items()],
            },
            "Period": 3600,
            "Stat": metric["MetricStatisticRecommendation"],
        },
    }
    for at, metric in enumerate(quota["UsageMetric"] for quota in quotas if "UsageMetric" in quota)
]
now = datetime.now(UTC)
used: dict[str, float] = {}
for start in range(0, len(queries), 500):
    told = cloudwatch.get_metric_data(
        MetricDataQueries=queries[start : start + 500], StartTime=now - timedelta(hours=24), EndTime=now
    )
    used |= {result["Id"]: result["Values"][0] for result in told["MetricDataResults"] if result["Values"]}
print(len(quotas), len(used))

"""AWS/Usage metrics: how much of each quota is used, published to CloudWatch now and then, as AWS does."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from opskit.sandbox.quotas.quota_catalogue import known_quotas
from opskit.sandbox.quotas.quota_ledger import QuotaLedger
from opskit.sandbox.state import AccountRegion, SandboxState

NAMESPACE = "AWS/Usage"
# AWS's metrics have points now and then, so who reads them sees the use of some time ago.
_PUBLISH_EVERY = timedelta(minutes=20)
# What a client may look back for its first point.
_BACKFILL = timedelta(hours=6)
# PutMetricData takes a thousand.
_MAX_DATA_PER_CALL = 500


class UsageMetricPublisher:
    """Publishes what is in use, in every account and Region where something is. What is not used has no points."""

    def __init__(self, state: SandboxState, ledger: QuotaLedger) -> None:
        self._state = state
        self._ledger = ledger
        self._published = {quota.metric for quota in known_quotas() if quota.metric}

    def start_publishing(self, account_regions: Iterable[AccountRegion]) -> None:
        """Publish the last hours of these accounts and Regions, as if all had run so long, then go on by itself."""
        now = self._state.now()
        past = [now - _PUBLISH_EVERY * step for step in range(_BACKFILL // _PUBLISH_EVERY + 1)]
        for account_region in set(account_regions):
            self.publish_usage(account_region, past)
        threading.Thread(target=self._publish_periodically, name="usage-metrics", daemon=True).start()

    def publish_usage(self, account_region: AccountRegion, moments: Iterable[datetime]) -> None:
        """Publish what is in use in an account and Region now, as of these moments."""
        in_use = {
            metric: count
            for metric, count in self._ledger.usage_by_metric(account_region).items()
            if count and metric in self._published
        }
        points = [_metric_datum(metric, count, moment) for moment in moments for metric, count in in_use.items()]
        for start in range(0, len(points), _MAX_DATA_PER_CALL):
            cloudwatch = self._state.client("cloudwatch", account_region)
            cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=points[start : start + _MAX_DATA_PER_CALL])

    def _publish_periodically(self) -> None:
        while not self._state.closing.wait(_PUBLISH_EVERY.total_seconds()):
            for account_region in self._state.known_account_regions():
                self.publish_usage(account_region, [self._state.now()])


def _metric_datum(metric: str, count: int, moment: datetime) -> dict[str, Any]:
    # In the order in which Service Quotas names them: to moto, unlike AWS, another order is another metric.
    dimensions = {"Class": "None", "Resource": metric, "Service": "SageMaker", "Type": "Resource"}
    return {
        "MetricName": "ResourceCount",
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
        "Timestamp": moment,
        "Value": float(count),
        "Unit": "None",
    }

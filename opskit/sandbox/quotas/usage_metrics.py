"""AWS/Usage metrics: how much of each quota is used, published to CloudWatch now and then, as AWS does."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from opskit.sandbox.quotas.quota_catalogue import catalogue
from opskit.sandbox.quotas.quota_ledger import QuotaBook
from opskit.sandbox.state import Place, World

NAMESPACE = "AWS/Usage"
_EVERY = timedelta(minutes=20)
_PAST = timedelta(hours=6)
_BATCH = 500


class UsageMetrics:
    """Publishes what is in use, in every place where something is. What is not used has no points."""

    def __init__(self, world: World, book: QuotaBook) -> None:
        self._world = world
        self._book = book
        self._published = {quota.metric for quota in catalogue() if quota.metric}

    def start(self, places: Iterable[Place]) -> None:
        """Publish the last hours of ``places`` at once, as if all had run so long, then go on by itself."""
        now = self._world.now()
        past = [now - _EVERY * step for step in range(_PAST // _EVERY + 1)]
        for place in set(places):
            self.publish(place, past)
        threading.Thread(target=self._go_on, name="usage-metrics", daemon=True).start()

    def publish(self, place: Place, moments: Iterable[datetime]) -> None:
        """Publish what is in use in a place now, as of these moments."""
        in_use = {
            metric: count for metric, count in self._book.in_use(place).items() if count and metric in self._published
        }
        points = [_point(metric, count, moment) for moment in moments for metric, count in in_use.items()]
        for start in range(0, len(points), _BATCH):
            cloudwatch = self._world.client("cloudwatch", place)
            cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=points[start : start + _BATCH])

    def _go_on(self) -> None:
        while not self._world.closing.wait(_EVERY.total_seconds()):
            for place in self._world.places():
                self.publish(place, [self._world.now()])


def _point(metric: str, count: int, moment: datetime) -> dict[str, Any]:
    # In the order in which Service Quotas names them: to moto, unlike AWS, another order is another metric.
    dimensions = {"Class": "None", "Resource": metric, "Service": "SageMaker", "Type": "Resource"}
    return {
        "MetricName": "ResourceCount",
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
        "Timestamp": moment,
        "Value": float(count),
        "Unit": "None",
    }

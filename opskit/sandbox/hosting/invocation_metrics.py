"""The metrics of invocations: CloudWatch gets them a moment after the requests that they count, as on AWS, where the
moment is a minute.
"""

from __future__ import annotations

import threading
from collections import Counter
from datetime import datetime
from typing import Any

from opskit.sandbox.state import AccountRegion, SandboxState

NAMESPACE = "AWS/SageMaker"
_PUBLISH_SECONDS = 0.5
_MAX_DATA_PER_CALL = 500


class InvocationMetrics:
    """Counts invocations, and publishes them in the background."""

    def __init__(self, state: SandboxState) -> None:
        self._state = state
        self._counts: Counter[tuple[AccountRegion, str, str, datetime]] = Counter()
        self._lock = threading.Lock()
        self._is_running = False

    def count_invocation(self, account_region: AccountRegion, endpoint: str, variant: str) -> None:
        """One more request to a variant, whatever its model answered."""
        with self._lock:
            self._counts[account_region, endpoint, variant, self._state.now().replace(microsecond=0)] += 1
            if not self._is_running:
                self._is_running = True
                threading.Thread(target=self._publish_periodically, name="invocations", daemon=True).start()

    def publish_past(self, account_region: AccountRegion, endpoint: str, variant: str, moments: list[datetime]) -> None:
        """Let a variant have been invoked at these times."""
        self._put(account_region, [_datum(endpoint, variant, when, 1) for when in moments])

    def publish_backlog(self, account_region: AccountRegion, endpoint: str, moments: list[datetime]) -> None:
        """Let the queue of an asynchronous endpoint have been empty at these times."""
        dimensions = [{"Name": "EndpointName", "Value": endpoint}]
        kept = {"MetricName": "ApproximateBacklogSize", "Dimensions": dimensions, "Value": 0.0, "Unit": "None"}
        self._put(account_region, [{**kept, "Timestamp": when} for when in moments])

    def _publish_periodically(self) -> None:
        while not self._state.closing.wait(_PUBLISH_SECONDS):
            with self._lock:
                counts, self._counts = self._counts, Counter()
            by_place: dict[AccountRegion, list[dict[str, Any]]] = {}
            for (place, endpoint, variant, when), number in counts.items():
                by_place.setdefault(place, []).append(_datum(endpoint, variant, when, number))
            for place, data in by_place.items():
                self._put(place, data)

    def _put(self, account_region: AccountRegion, data: list[dict[str, Any]]) -> None:
        cloudwatch = self._state.client("cloudwatch", account_region)
        for start in range(0, len(data), _MAX_DATA_PER_CALL):
            cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=data[start : start + _MAX_DATA_PER_CALL])


def _datum(endpoint: str, variant: str, when: datetime, number: int) -> dict[str, Any]:
    dimensions = [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}]
    return {
        "MetricName": "Invocations",
        "Dimensions": dimensions,
        "Timestamp": when,
        "Value": float(number),
        "Unit": "None",
    }

"""Keeps calls below AWS's rates: per operation, account and Region."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

MAX_CONNECTIONS = 16

# Calls per second and burst per account and Region, from AWS's Service Quotas page; SageMaker's ListTrainingJobs
# as reported by users. Refill is held a tenth below, since clocks and other callers are never quite ours.
RATES: Mapping[str, tuple[float, int]] = {
    "get_service_quota": (5, 5),
    "get_aws_default_service_quota": (5, 5),
    "get_requested_service_quota_change": (5, 5),
    "list_requested_service_quota_change_history": (5, 5),
    "list_requested_service_quota_change_history_by_quota": (5, 5),
    "list_service_quotas": (10, 10),
    "list_aws_default_service_quotas": (10, 10),
    "request_service_quota_increase": (3, 3),
    "list_training_jobs": (2, 2),
}
_RATE_SAFETY = 0.9


class RateLimiter:
    """Hands out turns below a rate: ``burst`` at once, then ``per_second``. Safe across threads."""

    def __init__(self, per_second: float, burst: int) -> None:
        self._interval = 1 / (per_second * _RATE_SAFETY)
        at_once = burst - 1 if burst > 2 else burst  # calls sent apart can arrive together
        self._span = self._interval * (at_once - 1)
        self._next = 0.0
        self._lock = threading.Lock()

    def acquire(self) -> None:
        """Wait until the next call may go."""
        with self._lock:
            now = time.monotonic()
            self._next = max(self._next, now - self._span)
            wait = self._next - now
            self._next += self._interval
        if wait > 0:
            time.sleep(wait)


def new_limiter(operation: str) -> RateLimiter | None:
    """A new pace for an operation, None where AWS documents no rate."""
    rate = RATES.get(operation)
    return None if rate is None else RateLimiter(*rate)

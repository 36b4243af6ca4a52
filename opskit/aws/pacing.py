"""Keeps calls below AWS's documented rates, per operation, account and Region."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

# The size of boto3's pool and of ``gather``: with more threads than connections botocore would discard connections.
MAX_CONNECTIONS = 16

# Calls per second and burst per account and Region, from AWS's Service Quotas page; SageMaker's ListTrainingJobs
# as reported by users.
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
# The refill stays 10 % below the rate: AWS's clock is not this machine's, and other callers share the account's bucket.
_RATE_SAFETY = 0.9


class RateLimiter:
    """A token bucket: ``burst`` calls immediately, then ``per_second``. Safe across threads."""

    def __init__(self, per_second: float, burst: int) -> None:
        self._interval = 1 / (per_second * _RATE_SAFETY)
        at_once = burst - 1 if burst > 2 else burst  # one in reserve: calls sent apart can arrive at AWS together
        self._span = self._interval * (at_once - 1)
        self._next = 0.0
        self._lock = threading.Lock()

    def acquire(self) -> None:
        """Block until the next call may be sent."""
        with self._lock:
            now = time.monotonic()
            self._next = max(self._next, now - self._span)
            wait = self._next - now
            # The slot is reserved inside the lock and waited for outside of it, so that waiting threads do not block
            # the others.
            self._next += self._interval
        if wait > 0:
            time.sleep(wait)


def new_limiter(operation: str) -> RateLimiter | None:
    """A new limiter for an operation; None if AWS documents no rate for it."""
    rate = RATES.get(operation)
    return None if rate is None else RateLimiter(*rate)

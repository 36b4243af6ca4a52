"""Keeps calls below AWS's rates, per operation, account and Region.

AWS documents a few rates; every other operation has one all the same. So an operation that AWS throttles gets a rate
then, which all threads share, and which rises slowly while AWS takes every call. The next run may begin at what one has
learnt (``state/home.py``).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from math import isfinite

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
    "lookup_events": (2, 2),
}
# The refill stays 10 % below the rate: AWS's clock is not this machine's, and other callers share the account's bucket.
_RATE_SAFETY = 0.9
# The first rate of an operation without a documented one: a little below the 10 a second that were seen of several.
FIRST_LEARNT_RATE = 8.0
# A throttled call takes 30 % off the rate, an accepted one puts 2 % on: some 18 calls make up for a throttling.
_SLOWER, _FASTER = 0.7, 1.02
# A quarter of the lowest rate known (ListTrainingJobs): even then something goes on.
_SLOWEST_RATE = 0.5


class RateLimiter:
    """A token bucket: ``burst`` calls immediately, then ``per_second``; None is no limit until AWS throttles. Safe
    across threads.
    """

    def __init__(self, per_second: float | None = None, burst: int = 1) -> None:
        self._per_second = per_second and per_second * _RATE_SAFETY
        self._fastest = self._per_second  # None: no rate is documented
        self._at_once = burst - 1 if burst > 2 else burst  # one in reserve: calls sent apart can arrive together
        self._next = 0.0
        self._slowdowns = 0
        self._has_learnt = False
        self._lock = threading.Lock()

    def start_at(self, per_second: float) -> None:
        """Begin at a rate that an earlier run has learnt, unless AWS has throttled this one already."""
        with self._lock:
            if not self._slowdowns and isfinite(per_second):
                fastest = per_second if self._fastest is None else self._fastest
                self._per_second = max(min(per_second, fastest), _SLOWEST_RATE)
                self._slowdowns, self._at_once = 1, 1

    def take_learnt_rate(self) -> float | None:
        """The rate now, if AWS has throttled since this was last asked for; else None."""
        with self._lock:
            has_learnt, self._has_learnt = self._has_learnt, False
            return self._per_second if has_learnt else None

    def acquire(self) -> int:
        """Block until the next call may be sent. Returns the number of its slot for ``slow_down``."""
        # The slot is reserved inside the lock and waited for outside of it, so that waiting threads do not block the
        # others.
        with self._lock:
            wait, slot = 0.0, self._slowdowns
            if self._per_second is not None:
                interval = 1 / self._per_second
                now = time.monotonic()
                self._next = max(self._next, now - interval * (self._at_once - 1))
                wait = self._next - now
                self._next += interval
        if wait > 0:
            time.sleep(wait)
        return slot

    def slow_down(self, slot: int) -> None:
        """AWS throttled a call sent in this ``slot``. Several that were under way together count once."""
        with self._lock:
            # A smaller number: the call was sent before the last slowdown, and says nothing about the rate since.
            if slot == self._slowdowns or self._per_second is None:
                self._slowdowns += 1
                self._has_learnt = True
                slower = FIRST_LEARNT_RATE if self._per_second is None else self._per_second * _SLOWER
                self._per_second = max(slower, _SLOWEST_RATE)
                self._at_once = 1  # the burst is used up

    def mark_accepted(self) -> None:
        """AWS took a call: after throttling the rate rises a little."""
        with self._lock:
            if self._slowdowns and self._per_second is not None:
                faster = self._per_second * _FASTER
                self._per_second = faster if self._fastest is None else min(faster, self._fastest)

"""AWS's documented call rates, as token buckets, so that a client's pacing can be seen to work or not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from opskit.sandbox.errors import ApiError
from opskit.sandbox.state import Call, Place


@dataclass(frozen=True)
class Rate:
    """So many calls a second, and so many at once."""

    per_second: float
    burst: int


_READ = Rate(5, 5)
_LIST = Rate(10, 10)
_FILE = Rate(3, 3)
RATES: dict[tuple[str, str], Rate] = {
    ("service-quotas", "GetServiceQuota"): _READ,
    ("service-quotas", "GetAWSDefaultServiceQuota"): _READ,
    ("service-quotas", "GetRequestedServiceQuotaChange"): _READ,
    ("service-quotas", "ListRequestedServiceQuotaChangeHistory"): _READ,
    ("service-quotas", "ListRequestedServiceQuotaChangeHistoryByQuota"): _READ,
    ("service-quotas", "ListServices"): _LIST,
    ("service-quotas", "ListServiceQuotas"): _LIST,
    ("service-quotas", "ListAWSDefaultServiceQuotas"): _LIST,
    ("service-quotas", "RequestServiceQuotaIncrease"): _FILE,
    ("sagemaker", "ListTrainingJobs"): Rate(2, 2),
}
"""Per account and Region: each operation has a bucket of its own."""

_REFUSALS = {
    "service-quotas": ApiError("TooManyRequestsException", "Too Many Requests", status=429),
    "sagemaker": ApiError("ThrottlingException", "Rate exceeded"),
}


@dataclass
class _Bucket:
    tokens: float
    at: float


class Rates:
    """The buckets. ``clock`` gives seconds that only go forward."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[tuple[Place, str, str], _Bucket] = {}
        self._guard = threading.Lock()

    def admit(self, call: Call) -> None:
        """Take a token for a call, or raise the service's throttling error when none is left."""
        rate = RATES.get((call.service, call.operation))
        if rate and not self._take((call.place, call.service, call.operation), rate):
            raise _REFUSALS[call.service]

    def _take(self, key: tuple[Place, str, str], rate: Rate) -> bool:
        with self._guard:
            now = self._clock()
            bucket = self._buckets.setdefault(key, _Bucket(rate.burst, now))
            bucket.tokens = min(rate.burst, bucket.tokens + (now - bucket.at) * rate.per_second)
            bucket.at = now
            if bucket.tokens < 1:
                return False
            bucket.tokens -= 1
            return True

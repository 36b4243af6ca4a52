"""AWS's documented call rates, as token buckets, so that a client's pacing can be seen to work or not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from opskit.sandbox.errors import ApiError
from opskit.sandbox.state import AccountRegion, ApiCall


@dataclass(frozen=True)
class RateLimit:
    """So many calls a second, and so many at once."""

    per_second: float
    burst: int


# Calls a second as AWS documents them; as many may come at one moment.
_READ = RateLimit(5, 5)
_LIST = RateLimit(10, 10)
_FILE = RateLimit(3, 3)
CALL_RATES: dict[tuple[str, str], RateLimit] = {
    ("service-quotas", "GetServiceQuota"): _READ,
    ("service-quotas", "GetAWSDefaultServiceQuota"): _READ,
    ("service-quotas", "GetRequestedServiceQuotaChange"): _READ,
    ("service-quotas", "ListRequestedServiceQuotaChangeHistory"): _READ,
    ("service-quotas", "ListRequestedServiceQuotaChangeHistoryByQuota"): _READ,
    ("service-quotas", "ListServices"): _LIST,
    ("service-quotas", "ListServiceQuotas"): _LIST,
    ("service-quotas", "ListAWSDefaultServiceQuotas"): _LIST,
    ("service-quotas", "RequestServiceQuotaIncrease"): _FILE,
    ("sagemaker", "ListTrainingJobs"): RateLimit(2, 2),
}
"""Per account and Region: each operation has a bucket of its own."""

_THROTTLING_ERRORS = {
    "service-quotas": ApiError("TooManyRequestsException", "Too Many Requests", status=429),
    "sagemaker": ApiError("ThrottlingException", "Rate exceeded"),
}


@dataclass
class _TokenBucket:
    tokens: float
    at: float


class CallRateLimits:
    """The buckets. ``clock`` gives seconds that only go forward."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[tuple[AccountRegion, str, str], _TokenBucket] = {}
        self._guard = threading.Lock()

    def check_rate(self, call: ApiCall) -> None:
        """Take a token for a call, or raise the service's throttling error when none is left."""
        rate = CALL_RATES.get((call.service, call.operation))
        if rate and not self._take_token((call.account_region, call.service, call.operation), rate):
            raise _THROTTLING_ERRORS[call.service]

    def _take_token(self, key: tuple[AccountRegion, str, str], rate: RateLimit) -> bool:
        with self._guard:
            now = self._clock()
            bucket = self._buckets.setdefault(key, _TokenBucket(rate.burst, now))
            bucket.tokens = min(rate.burst, bucket.tokens + (now - bucket.at) * rate.per_second)
            bucket.at = now
            if bucket.tokens < 1:
                return False
            bucket.tokens -= 1
            return True

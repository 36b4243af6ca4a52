"""AWS's call rates as token buckets, so that a client's pacing can be seen to work or not.

AWS publishes a few of them. Every other operation has one all the same, and those stand here as guesses.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from opskit.sandbox.errors import ApiError
from opskit.sandbox.state import AccountRegion


class RateMode(StrEnum):
    """How calls are throttled."""

    OFF = "off"
    AWS = "aws"
    """At the rates AWS publishes, and those that were guessed of the rest."""
    SLOW = "slow"
    """At a quarter of them, as where other programs use up the account's rates."""


@dataclass(frozen=True)
class RateLimit:
    """So many calls a second, and so many at once."""

    per_second: float
    burst: int

    def divided(self, by: int) -> RateLimit:
        """The rate that is left to one of so many callers."""
        return RateLimit(self.per_second / by, max(1, self.burst // by))


# Calls a second as AWS documents them; as many may come at one moment.
_READ = RateLimit(5, 5)
_LIST = RateLimit(10, 10)
_FILE = RateLimit(3, 3)
_LOGS = RateLimit(25, 25)
CALL_RATES: Mapping[tuple[str, str], RateLimit] = {
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
    ("logs", "GetLogEvents"): _LOGS,
    ("logs", "DescribeLogStreams"): _LOGS,
    ("logs", "PutLogEvents"): RateLimit(5000, 5000),
    ("cloudwatch", "GetMetricData"): RateLimit(50, 50),
    ("cloudwatch", "PutMetricData"): RateLimit(500, 500),
    ("sns", "Publish"): RateLimit(300, 300),
    ("cloudtrail", "LookupEvents"): RateLimit(2, 2),
}
"""Per account and Region: each operation has a bucket of its own."""
_SERVICE_RATES: Mapping[str, RateLimit] = {"sts": RateLimit(600, 600)}
"""Published for a service as a whole; here each operation has it."""
GUESSED_RATES: Mapping[tuple[str, str], RateLimit] = {("sagemaker", "ListTags"): RateLimit(5, 5)}
GUESSED_RATE = RateLimit(10, 10)
"""Of each operation that is in no table. About so much was seen of DescribeEndpoint and others."""

_SLOW_SHARE = 4
_DEFAULT_ERROR = ApiError("ThrottlingException", "Rate exceeded")
_THROTTLING_ERRORS: Mapping[str, ApiError] = {
    "service-quotas": ApiError("TooManyRequestsException", "Too Many Requests", status=429),
    "account": ApiError("TooManyRequestsException", "Too Many Requests", status=429),
    "resourcegroupstaggingapi": ApiError(
        "ThrottledException", "The request was denied to limit the frequency of submitted requests."
    ),
    "ec2": ApiError("RequestLimitExceeded", "Request limit exceeded.", status=503),
    "iam": ApiError("Throttling", "Rate exceeded"),
    "sts": ApiError("Throttling", "Rate exceeded"),
    "sns": ApiError("Throttling", "Rate exceeded"),
}


@dataclass
class _TokenBucket:
    tokens: float
    at: float


class CallRateLimits:
    """The buckets. ``clock`` gives seconds that only go forward."""

    def __init__(self, mode: RateMode = RateMode.AWS, clock: Callable[[], float] = time.monotonic) -> None:
        self._mode = mode
        self._clock = clock
        self._buckets: dict[tuple[AccountRegion, str, str], _TokenBucket] = {}
        self._guard = threading.Lock()

    def check_rate(self, account_region: AccountRegion, service: str, operation: str) -> None:
        """Take a token for a call (service as boto3 names it), or raise the service's throttling error when none is
        left.
        """
        rate = self._rate(service, operation)
        if rate and not self._take_token((account_region, service, operation), rate):
            raise _THROTTLING_ERRORS.get(service, _DEFAULT_ERROR)

    def _rate(self, service: str, operation: str) -> RateLimit | None:
        key = (service, operation)
        rate = CALL_RATES.get(key) or GUESSED_RATES.get(key) or _SERVICE_RATES.get(service, GUESSED_RATE)
        match self._mode:
            case RateMode.OFF:
                return None
            case RateMode.AWS:
                return rate
            case RateMode.SLOW:
                return rate.divided(_SLOW_SHARE)

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

"""AWS's call rates: those it documents, and guesses of the rest."""

from __future__ import annotations

import pytest

from opskit.sandbox.errors import ApiError
from opskit.sandbox.rate_limits import CallRateLimits, RateMode
from opskit.sandbox.state import ACCOUNT, AccountRegion


def admitted_calls(rates: CallRateLimits, calls: int, service: str, operation: str, region: str = "us-east-1") -> int:
    """How many of so many calls at once are let in."""
    let_in = 0
    for _ in range(calls):
        try:
            rates.check_rate(AccountRegion(ACCOUNT, region), service, operation)
        except ApiError:
            continue
        let_in += 1
    return let_in


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.mark.parametrize(
    ("service", "operation", "burst", "per_second"),
    [
        ("service-quotas", "GetServiceQuota", 5, 5),
        ("service-quotas", "ListServiceQuotas", 10, 10),
        ("service-quotas", "ListAWSDefaultServiceQuotas", 10, 10),
        ("service-quotas", "RequestServiceQuotaIncrease", 3, 3),
        ("sagemaker", "ListTrainingJobs", 2, 2),
    ],
)
def test_a_burst_is_let_in_then_so_many_a_second(service: str, operation: str, burst: int, per_second: int) -> None:
    clock = Clock()
    rates = CallRateLimits(clock=clock)
    assert admitted_calls(rates, 50, service, operation) == burst
    clock.seconds += 1
    assert admitted_calls(rates, 50, service, operation) == per_second
    clock.seconds += 1000
    assert admitted_calls(rates, 50, service, operation) == burst


def test_every_operation_and_region_has_a_bucket_of_its_own() -> None:
    rates = CallRateLimits(clock=Clock())
    assert admitted_calls(rates, 9, "service-quotas", "GetServiceQuota") == 5
    assert admitted_calls(rates, 9, "service-quotas", "GetAWSDefaultServiceQuota") == 5
    assert admitted_calls(rates, 9, "service-quotas", "GetServiceQuota", "eu-west-1") == 5


def test_what_has_no_documented_rate_has_one_all_the_same() -> None:
    rates = CallRateLimits(clock=Clock())
    assert admitted_calls(rates, 500, "sagemaker", "DescribeEndpoint") == 10
    assert admitted_calls(rates, 500, "sagemaker", "ListTags") == 5
    assert admitted_calls(rates, 500, "iam", "ListRoles") == 10
    assert admitted_calls(rates, 500, "sts", "GetCallerIdentity") == 500


def test_rates_can_be_off_or_slow() -> None:
    assert admitted_calls(CallRateLimits(RateMode.OFF, Clock()), 500, "sagemaker", "ListTrainingJobs") == 500
    clock = Clock()
    slow = CallRateLimits(RateMode.SLOW, clock)
    assert admitted_calls(slow, 500, "sagemaker", "ListTrainingJobs") == 1
    clock.seconds += 2
    assert admitted_calls(slow, 500, "sagemaker", "ListTrainingJobs") == 1


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("service-quotas", "GetServiceQuota", "TooManyRequestsException"),
        ("sagemaker", "ListTrainingJobs", "ThrottlingException"),
        ("logs", "GetLogEvents", "ThrottlingException"),
        ("resourcegroupstaggingapi", "GetResources", "ThrottledException"),
        ("iam", "ListRoles", "Throttling"),
    ],
)
def test_over_the_rate_the_service_says_so_in_its_own_code(service: str, operation: str, code: str) -> None:
    rates = CallRateLimits(clock=Clock())
    admitted_calls(rates, 50, service, operation)
    with pytest.raises(ApiError) as error:
        rates.check_rate(AccountRegion(ACCOUNT, "us-east-1"), service, operation)
    assert error.value.code == code

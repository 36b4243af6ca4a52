"""Calls stay below AWS's documented rates, and below those that AWS's throttling shows."""

from __future__ import annotations

import pytest

from opskit.aws import pacing
from opskit.aws.pacing import RATES, RateLimiter
from opskit.aws.session import open_session
from opskit.core.exceptions import Throttled
from opskit.core.model import Workload
from opskit.quotas.reads.usage import count_in_use
from tests.fakes.fake_aws import THROTTLED, FakeAws


class StoppedClock:
    """Time that passes by sleeping only."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> StoppedClock:
    made = StoppedClock()
    monkeypatch.setattr(pacing, "time", made)
    return made


def seconds_for(limiter: RateLimiter, calls: int, clock: StoppedClock) -> float:
    began = clock.now
    for _ in range(calls):
        limiter.acquire()
        limiter.mark_accepted()
    return clock.now - began


def test_a_documented_rate_is_kept_from_the_first_call(clock: StoppedClock) -> None:
    assert seconds_for(RateLimiter(*RATES["get_service_quota"]), 50, clock) > (50 - 5) / 5


def test_without_a_documented_rate_nothing_waits(clock: StoppedClock) -> None:
    assert seconds_for(RateLimiter(), 1000, clock) == 0


def test_throttling_sets_a_rate_and_success_raises_it_again(clock: StoppedClock) -> None:
    limiter = RateLimiter()
    limiter.slow_down(limiter.acquire())
    slow = seconds_for(limiter, 20, clock)
    assert slow > 1
    seconds_for(limiter, 200, clock)
    assert seconds_for(limiter, 20, clock) < slow / 4


def test_several_throttled_calls_of_one_moment_count_once(clock: StoppedClock) -> None:
    once, often = RateLimiter(), RateLimiter()
    once.slow_down(once.acquire())
    slots = [often.acquire() for _ in range(10)]
    for slot in slots:
        often.slow_down(slot)
    assert seconds_for(once, 50, clock) == pytest.approx(seconds_for(often, 50, clock))


def test_a_documented_rate_is_not_exceeded_after_throttling(clock: StoppedClock) -> None:
    limiter = RateLimiter(*RATES["get_service_quota"])
    limiter.slow_down(limiter.acquire())
    seconds_for(limiter, 500, clock)
    assert seconds_for(limiter, 50, clock) > 50 / 5


def test_reads_of_many_endpoints_are_all_answered_below_a_rate_that_nobody_documents(
    fake_aws: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """40 of each, where AWS takes 20 at once and then 10 a second: without a rate they are given up."""
    monkeypatch.setattr(pacing, "RATES", {})
    variant = {"VariantName": "a", "ModelName": "m", "InstanceType": "ml.m4.xlarge", "InitialInstanceCount": 1}
    summaries = [
        {"EndpointName": f"e{at}", "EndpointArn": f"arn:{at}", "CreationTime": 1.7e9, "EndpointStatus": "InService"}
        for at in range(40)
    ]
    fake_aws.running["ListEndpoints"] = lambda _: {"Endpoints": summaries}
    fake_aws.running["DescribeEndpoint"] = lambda asked: {
        **summaries[0],
        "EndpointName": asked["EndpointName"],
        "EndpointConfigName": f"c-{asked['EndpointName']}",
        "ProductionVariants": [{"VariantName": "a", "CurrentInstanceCount": 1, "DesiredInstanceCount": 1}],
    }
    fake_aws.running["DescribeEndpointConfig"] = lambda asked: {
        "EndpointConfigName": asked["EndpointConfigName"],
        "EndpointConfigArn": "arn:c",
        "CreationTime": 1.7e9,
        "ProductionVariants": [variant],
    }
    fake_aws.rates = True
    in_use = count_in_use(open_session().client("us-east-1"), [Workload.ENDPOINT])[Workload.ENDPOINT]
    assert (in_use.incomplete, in_use.count("ml.m4.xlarge")) == (None, 40)


def test_what_is_throttled_for_a_minute_is_given_up(fake_aws: FakeAws, no_backoff: None) -> None:
    fake_aws.fault = lambda operation, region: THROTTLED
    with pytest.raises(Throttled):
        open_session().client("us-east-1").read("sagemaker", "list_endpoints")

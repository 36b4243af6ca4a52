"""Waiting for room: again and again, as long as it may come and no longer than was asked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from opskit.aws.client import AwsClient
from opskit.aws.session import open_session
from opskit.core.clock import Clock
from opskit.core.exceptions import ExitCode
from opskit.core.model import Requirement, Workload
from opskit.guards.flows.conditions import GuardConditions, check_conditions
from opskit.quotas.reads.code_cache import bundled_codes
from tests.fakes.fake_aws import DENIED, THROTTLED, Entry, FakeAws, Fault

TRAINING = "ml.m4.xlarge for training job usage"
NEEDS = (Requirement("ml.m4.xlarge", Workload.TRAINING, 1),)


@pytest.fixture
def guard_client(fake_aws: FakeAws, no_backoff: None) -> AwsClient:
    fake_aws.quotas = quota_entries(0)
    return open_session().client()


def quota_entries(training: float) -> list[Entry]:
    return [Entry(name, code, training if name == TRAINING else 4, 1) for name, code in bundled_codes().items()]


class Time:
    """A clock on which sleeping takes no time, and between two looks the next thing of ``happens`` happens."""

    def __init__(self, *happens: Callable[[], None]) -> None:
        self.now, self.happens = datetime(2026, 9, 1, tzinfo=UTC), iter(happens)
        self.told: list[str] = []

    def clock(self) -> Clock:
        return Clock(lambda: self.now, self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        next(self.happens, lambda: None)()


def test_guard_goes_on_as_soon_as_there_is_room(guard_client: AwsClient, fake_aws: FakeAws) -> None:
    time = Time(lambda: None, lambda: setattr(fake_aws, "quotas", quota_entries(1)))
    done = check_conditions(
        guard_client, GuardConditions(NEEDS, wait=timedelta(hours=2)), time.clock(), time.told.append
    )
    assert done.blockers == ()
    assert time.told == [f"No room yet. {TRAINING}: the quota is 0."]
    assert time.now - datetime(2026, 9, 1, tzinfo=UTC) < timedelta(seconds=10)


def test_guard_gives_up_when_the_time_is_over(guard_client: AwsClient) -> None:
    time = Time()
    done = check_conditions(
        guard_client, GuardConditions(NEEDS, wait=timedelta(minutes=10)), time.clock(), time.told.append
    )
    assert [error.exit for error in done.blockers] == [ExitCode.REFUSED]
    assert time.now - datetime(2026, 9, 1, tzinfo=UTC) == timedelta(minutes=10)


def test_what_cannot_be_told_at_first_sight_is_not_waited_for(guard_client: AwsClient, fake_aws: FakeAws) -> None:
    fake_aws.fault = lambda operation, region: DENIED if "Quota" in operation else None
    time = Time()
    done = check_conditions(
        guard_client, GuardConditions(NEEDS, wait=timedelta(hours=2)), time.clock(), time.told.append
    )
    assert [error.exit for error in done.blockers] == [ExitCode.AWS_ERROR]
    assert time.told == []


def test_a_cloud_that_passes_does_not_end_the_waiting(guard_client: AwsClient, fake_aws: FakeAws) -> None:
    def cloud(fault: Fault | None) -> Callable[[], None]:
        return lambda: setattr(fake_aws, "fault", lambda operation, region: fault if "Quota" in operation else None)

    time = Time(cloud(THROTTLED), cloud(None), lambda: setattr(fake_aws, "quotas", quota_entries(1)))
    done = check_conditions(
        guard_client, GuardConditions(NEEDS, wait=timedelta(hours=2)), time.clock(), time.told.append
    )
    assert done.blockers == ()
    assert len(time.told) == 3


def test_a_budget_that_is_exceeded_is_not_waited_for(guard_client: AwsClient, fake_aws: FakeAws) -> None:
    time = Time()
    terms = GuardConditions(NEEDS, seconds=3600, max_usd=Decimal("0.01"), wait=timedelta(hours=2))
    done = check_conditions(guard_client, terms, time.clock(), time.told.append)
    assert [error.problem.code for error in done.blockers] == ["no-room", "over-budget"]
    assert time.told == []

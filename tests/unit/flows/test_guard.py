"""Waiting for room: again and again, as long as it may come and no longer than was asked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from benchmarks.small_aws import DENIED, THROTTLED, Entry, Fault, SmallAws
from opskit.aws import Door, connect
from opskit.errors import ExitCode
from opskit.flows.clock import Clock
from opskit.flows.guard import Terms, guard
from opskit.model import Demand, Usage
from opskit.observe.known_codes import shipped_codes

TRAINING = "ml.m4.xlarge for training job usage"
NEEDS = (Demand("ml.m4.xlarge", Usage.TRAINING, 1),)


@pytest.fixture
def door(small_aws: SmallAws, impatient: None) -> Door:
    small_aws.quotas = quotas(0)
    return connect().door()


def quotas(training: float) -> list[Entry]:
    return [Entry(name, code, training if name == TRAINING else 4, 1) for name, code in shipped_codes().items()]


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


def test_it_goes_on_as_soon_as_there_is_room(door: Door, small_aws: SmallAws) -> None:
    time = Time(lambda: None, lambda: setattr(small_aws, "quotas", quotas(1)))
    done = guard(door, Terms(NEEDS, wait=timedelta(hours=2)), time.clock(), time.told.append)
    assert done.in_the_way == ()
    assert time.told == [f"No room yet. {TRAINING}: the quota is 0."]
    assert time.now - datetime(2026, 9, 1, tzinfo=UTC) < timedelta(seconds=10)


def test_it_gives_up_when_the_time_is_over(door: Door) -> None:
    time = Time()
    done = guard(door, Terms(NEEDS, wait=timedelta(minutes=10)), time.clock(), time.told.append)
    assert [error.exit for error in done.in_the_way] == [ExitCode.REFUSED]
    assert time.now - datetime(2026, 9, 1, tzinfo=UTC) == timedelta(minutes=10)


def test_what_cannot_be_told_at_first_sight_is_not_waited_for(door: Door, small_aws: SmallAws) -> None:
    small_aws.fault = lambda operation, region: DENIED if "Quota" in operation else None
    time = Time()
    done = guard(door, Terms(NEEDS, wait=timedelta(hours=2)), time.clock(), time.told.append)
    assert [error.exit for error in done.in_the_way] == [ExitCode.AWS]
    assert time.told == []


def test_a_cloud_that_passes_does_not_end_the_waiting(door: Door, small_aws: SmallAws) -> None:
    def cloud(fault: Fault | None) -> Callable[[], None]:
        return lambda: setattr(small_aws, "fault", lambda operation, region: fault if "Quota" in operation else None)

    time = Time(cloud(THROTTLED), cloud(None), lambda: setattr(small_aws, "quotas", quotas(1)))
    done = guard(door, Terms(NEEDS, wait=timedelta(hours=2)), time.clock(), time.told.append)
    assert done.in_the_way == ()
    assert len(time.told) == 3


def test_a_budget_that_is_exceeded_is_not_waited_for(door: Door, small_aws: SmallAws) -> None:
    time = Time()
    terms = Terms(NEEDS, seconds=3600, max_usd=Decimal("0.01"), wait=timedelta(hours=2))
    done = guard(door, terms, time.clock(), time.told.append)
    assert [error.problem.code for error in done.in_the_way] == ["no-room", "over-budget"]
    assert time.told == []

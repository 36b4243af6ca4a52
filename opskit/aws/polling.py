"""Reads a resource repeatedly: at growing intervals until the caller has seen enough, or after each of a few pauses. No
other module polls AWS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from opskit.core.clock import Clock
from opskit.core.events import EventSink, ReadFailed
from opskit.core.exceptions import AwsError, Unreachable

T = TypeVar("T")


@dataclass(frozen=True)
class PollSchedule:
    """The pause between two reads, in seconds: ``first``, then ``growth`` times longer each time, up to ``longest``."""

    first: float
    growth: float = 1.0
    longest: float = 60.0


# A job takes minutes: read every second at first, every ten seconds after about five minutes. DescribeEndpoint polled
# every 5 s by several clients has been seen throttled.
_RESOURCE_SCHEDULE = PollSchedule(1.0, 1.03, 10.0)
AWS_WAITER_MINUTES = 30
"""As long as AWS's own waiters wait, such as NotebookInstanceInService and EndpointDeleted."""
# The resource goes on while AWS cannot be reached, so a short outage must not end the command that watches it.
_MAX_UNREADABLE = timedelta(minutes=10)


def read_after_pauses(read: Callable[[], T], clock: Clock, pauses_seconds: Iterable[float]) -> Iterator[T]:
    """The values that ``read`` returns after each pause (0: at once), until the caller has seen enough: for what AWS
    shows late.
    """
    for pause in pauses_seconds:
        if pause:
            clock.sleep(pause)
        yield read()


def poll(
    read: Callable[[], T],
    clock: Clock,
    schedule: PollSchedule,
    *,
    until: datetime | None = None,
    first: T | None = None,
) -> Iterator[T]:
    """The values that ``read`` returns, repeatedly; ``first`` is a value that was read already. With ``until`` the last
    read is at that time or slightly later.
    """
    pause = schedule.first
    value = read() if first is None else first
    while True:
        yield value
        remaining = pause if until is None else (until - clock.now()).total_seconds()
        # Checked after the yield, so that there is always a read at or after ``until``: a change just before it is not
        # missed.
        if remaining <= 0:
            return
        clock.sleep(min(pause, remaining))
        pause = min(pause * schedule.growth, schedule.longest)
        value = read()


def poll_until_done(read: Callable[[], T], clock: Clock, emit: EventSink) -> Iterator[T]:
    """The values that ``read`` returns, for as long as the caller iterates. Transient failures are retried for ten
    minutes.

    Raises:
        AwsError: the read failed, and not transiently, or for more than ten minutes.
    """
    read_at = clock.now()

    def read_or_wait() -> tuple[T] | None:
        nonlocal read_at
        try:
            value = read()
        except AwsError as failure:
            transient = failure.transient or isinstance(failure, Unreachable)
            if not transient or clock.now() - read_at > _MAX_UNREADABLE:
                raise
            emit(ReadFailed("Looking again", failure.problem.message))
            return None
        read_at = clock.now()
        return (value,)

    for result in poll(read_or_wait, clock, _RESOURCE_SCHEDULE):
        if result:
            yield result[0]

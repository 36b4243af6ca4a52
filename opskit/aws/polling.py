"""Reads something again and again, ever more slowly, until its reader has seen enough: the one loop of what waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from opskit.core.clock import Clock
from opskit.core.events import EventSink, ReadFailed
from opskit.core.exceptions import AwsError, Unreachable

T = TypeVar("T")


@dataclass(frozen=True)
class PollSchedule:
    """The pause between two reads: ``first`` seconds, ``growth`` times longer each time, ``longest`` at most."""

    first: float
    growth: float = 1.0
    longest: float = 60.0


# A job takes minutes: each second at first, each ten seconds after some five minutes.
_RESOURCE_SCHEDULE = PollSchedule(1.0, 1.03, 10.0)
AWS_WAITER_MINUTES = 30
"""As long as AWS's own waiters wait, such as NotebookInstanceInService and EndpointDeleted."""
_MAX_UNREADABLE = timedelta(minutes=10)


def poll(
    read: Callable[[], T],
    clock: Clock,
    schedule: PollSchedule,
    *,
    until: datetime | None = None,
    first: T | None = None,
) -> Iterator[T]:
    """What is read, again and again; ``first`` was read already. With ``until`` the last read is at that time, or a
    little later.
    """
    pause = schedule.first
    found = read() if first is None else first
    while True:
        yield found
        left = pause if until is None else (until - clock.now()).total_seconds()
        if left <= 0:
            return
        clock.sleep(min(pause, left))
        pause = min(pause * schedule.growth, schedule.longest)
        found = read()


def poll_until_done(read: Callable[[], T], clock: Clock, emit: EventSink) -> Iterator[T]:
    """What is read of a resource, for as long as its reader asks on. What keeps it from being read is waited out for
    ten minutes.

    Raises:
        AwsError: it cannot be read, and waiting does not help.
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

    for found in poll(read_or_wait, clock, _RESOURCE_SCHEDULE):
        if found:
            yield found[0]

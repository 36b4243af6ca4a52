"""Reads something again and again until its reader has seen enough, and waits out what keeps it from being read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TypeVar

from opskit.core.clock import Clock
from opskit.core.events import EventSink, ReadFailed
from opskit.core.exceptions import AwsError, Unreachable

T = TypeVar("T")

_MAX_UNREADABLE = timedelta(minutes=10)
_FIRST_SECONDS, _LONGEST_SECONDS = 1.0, 10.0


def poll_until_done(read: Callable[[], T], clock: Clock, emit: EventSink) -> Iterator[T]:
    """Look again and again, ever more slowly, and wait out what keeps us from looking."""
    started_at, read_at = clock.now(), clock.now()
    while True:
        try:
            value = read()
        except AwsError as failure:
            transient = failure.transient or isinstance(failure, Unreachable)
            if not transient or clock.now() - read_at > _MAX_UNREADABLE:
                raise
            emit(ReadFailed("Looking again", failure.problem.message))
        else:
            read_at = clock.now()
            yield value
        clock.sleep(_next_pause_seconds(clock.now() - started_at))


def _next_pause_seconds(watched: timedelta) -> float:
    """A job takes minutes: look each second at first, and each ten seconds after a few minutes."""
    return min(_LONGEST_SECONDS, max(_FIRST_SECONDS, watched.total_seconds() / 30))

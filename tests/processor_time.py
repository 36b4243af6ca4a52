"""The time that a processor spends on something, to hold two sizes against each other: never against a limit."""

from __future__ import annotations

import time
from collections.abc import Callable

_TRIES = 5


def processor_seconds(work: Callable[[], object]) -> float:
    """The least of some tries of the processor's time: other programs of a busy machine only ever add to it."""
    return min(_time_of(work) for _ in range(_TRIES))


def takes_less_than(seconds: float, work: Callable[[], object]) -> bool:
    """Whether the least of as many tries is less than this; the first that is settles it."""
    return any(_time_of(work) < seconds for _ in range(_TRIES))


def _time_of(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun

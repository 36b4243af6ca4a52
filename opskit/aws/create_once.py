"""Makes a thing of a unique name once. Whether it is there is looked up, never guessed and never tried again."""

from __future__ import annotations

from collections.abc import Callable

from opskit.core.clock import Clock
from opskit.core.exceptions import AwsError, OutcomeUnknown

# How long to wait before each look for something whose answer was lost.
_RETRY_SECONDS = (0.5, 1.0, 2.0)


def _ignore_recovery() -> None:
    """For whom it is enough that it is there."""


def create_once(
    create: Callable[[], None],
    exists: Callable[[], bool],
    clock: Clock,
    on_recovered: Callable[[], None] = _ignore_recovery,
) -> None:
    """Make something, and where AWS refuses or its answer is lost, look whether it is there all the same: made by
    that very call, or by another opskit at the same moment. Then all is well; ``on_recovered`` is told where the answer
    was lost.

    Raises:
        AwsError: it is not there; as AWS refused it.
        OutcomeUnknown: whether it is there cannot be told.
    """
    try:
        create()
    except OutcomeUnknown as failure:
        if not any(_found_in_time(exists, clock, seconds) for seconds in _RETRY_SECONDS):
            raise failure
        on_recovered()
    except AwsError as failure:
        if not _found_in_time(exists, clock, 0.0):
            raise failure


def _found_in_time(exists: Callable[[], bool], clock: Clock, seconds: float) -> bool:
    clock.sleep(seconds)
    try:
        return exists()
    except AwsError:  # then nothing more is known than before, and the first failure says it best
        return False

"""Makes a thing of a unique name once. Whether it is there is looked up, never guessed and never tried again."""

from __future__ import annotations

from collections.abc import Callable

from opskit.errors import AwsFailure, OutcomeUnknown
from opskit.flows.clock import Clock

_LOOKS_SECONDS = (0.5, 1.0, 2.0)
"""How long to wait before each look for something whose answer was lost."""


def _say_nothing() -> None:
    """For whom it is enough that it is there."""


def made(
    make: Callable[[], None], is_there: Callable[[], bool], clock: Clock, confirm: Callable[[], None] = _say_nothing
) -> None:
    """Make something, and where AWS refuses or its answer is lost, look whether it is there all the same: made by
    that very call, or by another opskit at the same moment. Then all is well; ``confirm`` is told where the answer
    was lost.

    Raises:
        AwsFailure: it is not there; as AWS refused it.
        OutcomeUnknown: whether it is there cannot be told.
    """
    try:
        make()
    except OutcomeUnknown as failure:
        if not any(_found(is_there, clock, seconds) for seconds in _LOOKS_SECONDS):
            raise failure
        confirm()
    except AwsFailure as failure:
        if not _found(is_there, clock, 0.0):
            raise failure


def _found(is_there: Callable[[], bool], clock: Clock, seconds: float) -> bool:
    clock.sleep(seconds)
    try:
        return is_there()
    except AwsFailure:  # then nothing more is known than before, and the first failure says it best
        return False

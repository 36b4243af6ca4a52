"""The time that a processor spends on something, to hold two sizes against each other: never against a limit."""

from __future__ import annotations

import time
from collections.abc import Callable


def processor_seconds(work: Callable[[], object]) -> float:
    """The least of some tries of the processor's time: other programs of a busy machine only ever add to it."""
    tries = []
    for _ in range(5):
        begun = time.process_time()
        work()
        tries.append(time.process_time() - begun)
    return min(tries)

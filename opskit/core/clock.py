"""The time, and how to let it pass, handed to flows so that a test need not wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class Clock:
    """``now`` is aware and in UTC; ``sleep`` takes seconds; ``monotonic`` counts seconds and is never set back."""

    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    monotonic: Callable[[], float] = time.monotonic


def system_clock() -> Clock:
    """The machine's own time."""
    return Clock(lambda: datetime.now(UTC), time.sleep)

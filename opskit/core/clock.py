"""The current time and sleeping, passed to flows as a value, so that tests need not wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class Clock:
    """``now`` returns an aware UTC time; ``sleep`` takes seconds; ``monotonic`` counts seconds and never goes back."""

    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    monotonic: Callable[[], float] = time.monotonic


def system_clock() -> Clock:
    """The clock of this machine."""
    return Clock(lambda: datetime.now(UTC), time.sleep)

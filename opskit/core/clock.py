"""The current time and sleeping, passed to flows as a value, so that tests need not wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True)
class Clock:
    """The clock of this machine, unless another is given: ``now`` returns an aware UTC time; ``sleep`` takes seconds;
    ``monotonic`` counts seconds and never goes back.
    """

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    # Looked up for each clock, since tests replace it.
    sleep: Callable[[float], None] = field(default_factory=lambda: time.sleep)
    monotonic: Callable[[], float] = time.monotonic

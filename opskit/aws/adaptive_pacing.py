"""Turns to send something for which AWS has a rate that it publishes nowhere: how fast it may go is learnt from AWS's
answers, and shared by all threads that send.

It begins with two a second, the lowest rate that is known of anything in SageMaker, and goes up a tenth with each one
taken, until AWS asks to slow down; from then on it halves each time AWS asks, and creeps up in between.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from opskit.core.clock import Clock
from opskit.core.exceptions import Throttled

T = TypeVar("T")

FIRST_PER_SECOND = 2.0
SLOWEST_PER_SECOND = 1.0
"""Slower than that it does not become: where AWS throttles by chance rather than by rate, waiting helps nobody."""
_FASTEST_PER_SECOND = 20.0
_FASTER = 1.1
_CREEP_PER_SECOND = 0.05

TRIES = 12
"""How often one thing is tried before AWS's "slow down" is the answer."""


class AdaptivePacer:
    """The turns of one operation in one Region."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._per_second = FIRST_PER_SECOND
        self._next = clock.monotonic()
        self._slowdowns = 0
        self._queue = threading.Lock()
        self._state = threading.Lock()

    @property
    def was_throttled(self) -> bool:
        """Whether AWS has asked to slow down, so that somebody waited."""
        return self._slowdowns > 0

    def wait_turn(self) -> int:
        """Wait until the next one may be sent. Returns what ``slow_down`` wants to know of it."""
        with self._queue:  # one waits for the time, the others for the one: so a new rate holds for them at once
            with self._state:
                wait = self._next - self._clock.monotonic()
            if wait > 0:
                self._clock.sleep(wait)
            with self._state:
                self._next = max(self._next, self._clock.monotonic()) + 1 / self._per_second
                return self._slowdowns

    def mark_accepted(self) -> None:
        """AWS took one."""
        with self._state:
            faster = self._per_second * _FASTER if not self._slowdowns else self._per_second + _CREEP_PER_SECOND
            self._per_second = min(faster, _FASTEST_PER_SECOND)

    def slow_down(self, turn: int) -> None:
        """AWS asked to slow down, about what was sent at this ``turn``. Several that were under way together count
        once.
        """
        with self._state:
            if turn == self._slowdowns:
                self._slowdowns += 1
                self._per_second = max(self._per_second / 2, SLOWEST_PER_SECOND)


def send_until_accepted(pace: AdaptivePacer, attempt: Callable[[], T]) -> T:
    """Make an attempt, a look and what it leads to, at the pace, and make it again where AWS asks to slow down.

    Raises:
        Throttled: AWS went on asking.
    """
    for tries_left in reversed(range(TRIES)):
        turn = pace.wait_turn()
        try:
            done = attempt()
        except Throttled:
            pace.slow_down(turn)
            if not tries_left:
                raise
        else:
            pace.mark_accepted()
            return done
    raise AssertionError("unreachable")

"""Adaptive pacing for operations whose rate AWS does not publish: the rate is learned from AWS's throttling and shared
by all sending threads.

It starts at two calls a second, the lowest rate known for any SageMaker operation, and grows by 10 % with each accepted
call until AWS throttles. From then on each throttling halves it, and accepted calls raise it slowly.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import TypeVar

from opskit.core.clock import Clock
from opskit.core.exceptions import Throttled

T = TypeVar("T")

# ListTrainingJobs has this rate: no SageMaker operation is known to have a lower one.
FIRST_PER_SECOND = 2.0
# The rate never falls below this: where AWS throttles at random rather than by rate, waiting longer does not help.
SLOWEST_PER_SECOND = 1.0
# The highest rate that AWS documents for any call opskit makes is 10/s; this leaves room for one that is twice as fast.
_FASTEST_PER_SECOND = 20.0
# Before the first throttling the rate doubles within eight calls; after it, it creeps by a twentieth of a call per
# second, so that it stays near the rate that AWS has just shown to be too high.
_FASTER = 1.1
_RATE_INCREASE_PER_SECOND = 0.05

# How often one item is tried before AWS's throttling is reported as the outcome, while AWS accepts no other item. Where
# it accepts others it works, and the next try may be the lucky one.
MAX_TRIES = 12


class AdaptivePacer:
    """The send slots of one operation in one Region, in calls per second. ``accepted`` is how many calls AWS has
    accepted. Safe across threads.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._per_second = FIRST_PER_SECOND
        self._next = clock.monotonic()
        self._slowdowns = 0
        self.accepted = 0
        self._queue: list[tuple[bool, int]] = []
        self._tickets = count()
        self._is_sleeping = False
        self._at_head = threading.Condition()
        self._state = threading.Lock()

    @property
    def was_throttled(self) -> bool:
        """Whether AWS has throttled at least once, so that callers had to wait."""
        return self._slowdowns > 0

    def wait_turn(self, *, is_repeat: bool = False) -> int:
        """Block until the next call may be sent. Returns the number of throttlings so far, to be passed to
        ``slow_down``. Turns are given in order; ``is_repeat``: what is sent again comes before what was not sent yet.
        """
        ticket = (not is_repeat, next(self._tickets))
        with self._at_head:
            heappush(self._queue, ticket)
            self._at_head.wait_for(lambda: not self._is_sleeping and self._queue[0] == ticket)
            heappop(self._queue)
            self._is_sleeping = True
        # Only one thread sleeps at a time, the others wait in the queue: so each reads the rate after the sleep before
        # it, and a rate that was halved meanwhile applies to all of them immediately.
        try:
            with self._state:
                wait = self._next - self._clock.monotonic()
            if wait > 0:
                self._clock.sleep(wait)
            with self._state:
                # From now where the slot is past: turns that nobody took are not saved up, or a burst would follow each
                # pause.
                self._next = max(self._next, self._clock.monotonic()) + 1 / self._per_second
                return self._slowdowns
        finally:
            with self._at_head:
                self._is_sleeping = False
                self._at_head.notify_all()

    def mark_accepted(self) -> None:
        """Record that AWS accepted a call, and raise the rate."""
        with self._state:
            self.accepted += 1
            faster = self._per_second * _FASTER if not self._slowdowns else self._per_second + _RATE_INCREASE_PER_SECOND
            self._per_second = min(faster, _FASTEST_PER_SECOND)

    def slow_down(self, turn: int) -> None:
        """Record a throttling of the call that was sent at ``turn``, and halve the rate. Calls that were in flight
        together count once.
        """
        with self._state:
            # A smaller number means that this call was sent before the last halving: it says nothing about the rate
            # since.
            if turn == self._slowdowns:
                self._slowdowns += 1
                self._per_second = max(self._per_second / 2, SLOWEST_PER_SECOND)


class ThrottledTries:
    """Counts how often one item was throttled since AWS last accepted any."""

    def __init__(self, pace: AdaptivePacer) -> None:
        self._pace = pace
        self._accepted, self._throttled = pace.accepted, 0

    def is_last(self) -> bool:
        """Count one more. Whether it was the last that is worth while."""
        if self._accepted != self._pace.accepted:
            self._accepted, self._throttled = self._pace.accepted, 0
        self._throttled += 1
        return self._throttled >= MAX_TRIES


def send_until_accepted(pace: AdaptivePacer, attempt: Callable[[], T]) -> T:
    """Run ``attempt`` (a read and the write that follows from it) at the pace, and again whenever AWS throttles it.

    Raises:
        Throttled: AWS throttled ``MAX_TRIES`` attempts, and meanwhile accepted nothing of the kind.
    """
    tries = ThrottledTries(pace)
    while True:
        turn = pace.wait_turn()
        try:
            result = attempt()
        except Throttled:
            pace.slow_down(turn)
            if tries.is_last():
                raise
        else:
            pace.mark_accepted()
            return result

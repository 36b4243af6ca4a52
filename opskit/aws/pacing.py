"""Keeps calls below AWS's rates, per operation, account and Region.

AWS documents a few rates; every other operation has one all the same. So an operation that AWS throttles gets a rate
then (``RateLimiter``), which all threads share, and which rises slowly while AWS takes every call. The next run may
begin at what one has learnt (``state/home.py``).

A change whose rate AWS does not publish, and whose senders look again before each try, has a pace (``AdaptivePacer``)
from the start: two calls a second, the lowest rate known for any SageMaker operation, and 10 % more with each accepted
call until AWS throttles. From then on each throttling halves it, and accepted calls raise it slowly.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from heapq import heappop, heappush
from itertools import count
from math import isfinite
from typing import TypeVar

from opskit.core.clock import Clock
from opskit.core.exceptions import Throttled

T = TypeVar("T")

# The size of boto3's pool and of ``gather``: with more threads than connections botocore would discard connections.
MAX_CONNECTIONS = 16

# Calls per second and burst per account and Region, from AWS's Service Quotas page; SageMaker's ListTrainingJobs
# as reported by users.
RATES: Mapping[str, tuple[float, int]] = {
    "get_service_quota": (5, 5),
    "get_aws_default_service_quota": (5, 5),
    "get_requested_service_quota_change": (5, 5),
    "list_requested_service_quota_change_history": (5, 5),
    "list_requested_service_quota_change_history_by_quota": (5, 5),
    "list_service_quotas": (10, 10),
    "list_aws_default_service_quotas": (10, 10),
    "request_service_quota_increase": (3, 3),
    "list_training_jobs": (2, 2),
    "lookup_events": (2, 2),
}
# The refill stays 10 % below the rate: AWS's clock is not this machine's, and other callers share the account's bucket.
_RATE_SAFETY = 0.9
# The first rate of an operation without a documented one: a little below the 10 a second that were seen of several.
FIRST_LEARNT_RATE = 8.0
# A throttled call takes 30 % off the rate, an accepted one puts 2 % on: some 18 calls make up for a throttling.
_SLOWER, _FASTER = 0.7, 1.02
# A quarter of the lowest rate known (ListTrainingJobs): even then something goes on.
_SLOWEST_RATE = 0.5


class RateLimiter:
    """A token bucket: ``burst`` calls immediately, then ``per_second``; None is no limit until AWS throttles. Safe
    across threads.
    """

    def __init__(self, per_second: float | None = None, burst: int = 1) -> None:
        self._per_second = per_second and per_second * _RATE_SAFETY
        self._fastest = self._per_second  # None: no rate is documented
        self._at_once = burst - 1 if burst > 2 else burst  # one in reserve: calls sent apart can arrive together
        self._next = 0.0
        self._slowdowns = 0
        self._has_learnt = False
        self._lock = threading.Lock()

    def start_at(self, per_second: float) -> None:
        """Begin at a rate that an earlier run has learnt, unless AWS has throttled this one already."""
        with self._lock:
            if not self._slowdowns and isfinite(per_second):
                fastest = per_second if self._fastest is None else self._fastest
                self._per_second = max(min(per_second, fastest), _SLOWEST_RATE)
                self._slowdowns, self._at_once = 1, 1

    def take_learnt_rate(self) -> float | None:
        """The rate now, if AWS has throttled since this was last asked for; else None."""
        with self._lock:
            has_learnt, self._has_learnt = self._has_learnt, False
            return self._per_second if has_learnt else None

    def acquire(self) -> int:
        """Block until the next call may be sent. Returns the number of its slot for ``slow_down``."""
        # The slot is reserved inside the lock and waited for outside of it, so that waiting threads do not block the
        # others.
        with self._lock:
            wait, slot = 0.0, self._slowdowns
            if self._per_second is not None:
                interval = 1 / self._per_second
                now = time.monotonic()
                self._next = max(self._next, now - interval * (self._at_once - 1))
                wait = self._next - now
                self._next += interval
        if wait > 0:
            time.sleep(wait)
        return slot

    def slow_down(self, slot: int) -> None:
        """AWS throttled a call sent in this ``slot``. Several that were under way together count once."""
        with self._lock:
            # A smaller number: the call was sent before the last slowdown, and says nothing about the rate since.
            if slot == self._slowdowns or self._per_second is None:
                self._slowdowns += 1
                self._has_learnt = True
                slower = FIRST_LEARNT_RATE if self._per_second is None else self._per_second * _SLOWER
                self._per_second = max(slower, _SLOWEST_RATE)
                self._at_once = 1  # the burst is used up

    def mark_accepted(self) -> None:
        """AWS took a call: after throttling the rate rises a little."""
        with self._lock:
            if self._slowdowns and self._per_second is not None:
                faster = self._per_second * _FASTER
                self._per_second = faster if self._fastest is None else min(faster, self._fastest)


# ListTrainingJobs has this rate: no SageMaker operation is known to have a lower one.
FIRST_PER_SECOND = 2.0
# The rate never falls below this: where AWS throttles at random rather than by rate, waiting longer does not help.
SLOWEST_PER_SECOND = 1.0
# The highest rate that AWS documents for any call opskit makes is 10/s; this leaves room for one that is twice as fast.
_FASTEST_PER_SECOND = 20.0
# Before the first throttling the rate doubles within eight calls; after it, it creeps by a twentieth of a call per
# second, so that it stays near the rate that AWS has just shown to be too high.
_FASTER_AT_FIRST = 1.1
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
            faster = (
                self._per_second * _FASTER_AT_FIRST
                if not self._slowdowns
                else self._per_second + _RATE_INCREASE_PER_SECOND
            )
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

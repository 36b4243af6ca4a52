"""How fast to send where AWS publishes no rate: an AWS of any rate takes everything, and has to refuse little of it."""

from __future__ import annotations

import heapq
import random
import threading
from datetime import UTC, datetime

import pytest

from opskit.aws import pacing
from opskit.aws.pacing import AdaptivePacer, ThrottledTries, send_until_accepted
from opskit.core.clock import Clock
from opskit.core.exceptions import Throttled
from tests.waiting import wait_until


class Time:
    """A time that passes only where somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def clock(self) -> Clock:
        return Clock(lambda: datetime(2026, 1, 1, tzinfo=UTC), self.sleep, lambda: self.seconds)


def send_all(many: int, per_second: float, burst: float, by_chance: float = 0.0) -> tuple[int, list[int], float]:
    """Send so many things to an AWS of this rate, two under way at a time, each after a look of a fifth of a second:
    how many it took and how often it refused each, and the seconds that took.
    """
    time, chance = Time(), random.Random(1)
    pace = AdaptivePacer(time.clock())
    left, since = burst, 0.0
    refused = [0] * many
    waiting, taken = list(range(many)), 0
    under_way: list[tuple[float, int, int]] = []
    while waiting or under_way:
        while waiting and len(under_way) < 2:
            each = waiting.pop(0)
            turn = pace.wait_turn()
            heapq.heappush(under_way, (time.seconds + 0.2, each, turn))
        at, each, turn = heapq.heappop(under_way)
        time.seconds = max(time.seconds, at)
        left, since = min(burst, left + (time.seconds - since) * per_second), time.seconds
        if left >= 1 and chance.random() >= by_chance:
            left, taken = left - 1, taken + 1
            pace.mark_accepted()
        else:
            pace.slow_down(turn)
            refused[each] += 1
            if refused[each] < pacing.MAX_TRIES:
                waiting.append(each)
    return taken, refused, time.seconds


@pytest.mark.parametrize(("per_second", "burst"), [(2.0, 1.0), (2.0, 2.0), (2.0, 10.0), (5.0, 1.0), (1.0, 2.0)])
def test_all_of_sixty_are_taken_and_few_are_refused(per_second: float, burst: float) -> None:
    taken, refused, seconds = send_all(60, per_second, burst)
    assert taken == 60
    assert sum(refused) <= 15
    assert seconds <= 2.5 * 60 / per_second


def test_a_generous_aws_is_not_kept_waiting() -> None:
    _, refused, seconds = send_all(60, 1000.0, 1000.0)
    assert (sum(refused), seconds < 12) == (0, True)


def test_half_refused_by_chance_and_all_are_taken() -> None:
    taken, _, seconds = send_all(60, 1000.0, 1000.0, by_chance=0.5)
    assert taken == 60
    assert seconds < 150


def test_the_first_waits_for_nothing_and_what_went_together_is_refused_once() -> None:
    time = Time()
    pace = AdaptivePacer(time.clock())
    turns = [pace.wait_turn(), pace.wait_turn()]
    assert time.seconds == 1 / pacing.FIRST_PER_SECOND
    for turn in turns:
        pace.slow_down(turn)
    assert pace.was_throttled
    pace.wait_turn()
    began = time.seconds
    pace.wait_turn()
    assert time.seconds - began == 2 / pacing.FIRST_PER_SECOND


def test_what_is_sent_again_comes_before_what_was_not_sent_yet() -> None:
    """Four wait while a fifth sleeps for its turn: the repeat came last, and is the next."""
    may_wake, asleep = threading.Event(), list[str]()

    def sleep(seconds: float) -> None:
        asleep.append(threading.current_thread().name)
        may_wake.wait(60)

    pace = AdaptivePacer(Clock(lambda: datetime(2026, 1, 1, tzinfo=UTC), sleep, lambda: 0.0))
    pace.wait_turn()
    threads = []
    for waiting, name in enumerate(("sleeps", "first", "second", "again")):
        threads.append(threading.Thread(target=pace.wait_turn, kwargs={"is_repeat": name == "again"}, name=name))
        threads[-1].start()
        wait_until(lambda there=waiting: asleep and len(pace._queue) == there)  # type: ignore[misc]
    may_wake.set()
    for thread in threads:
        thread.join(60)
    assert asleep == ["sleeps", "again", "first", "second"]


def test_a_throttled_one_is_given_up_only_where_aws_accepts_no_other() -> None:
    pace = AdaptivePacer(Time().clock())
    tries = ThrottledTries(pace)
    for _ in range(5 * pacing.MAX_TRIES):
        pace.mark_accepted()
        assert not tries.is_last()
    assert [tries.is_last() for _ in range(pacing.MAX_TRIES - 1)] == [False] * (pacing.MAX_TRIES - 2) + [True]


def test_what_aws_never_takes_is_given_up() -> None:
    tried: list[int] = []

    def attempt() -> None:
        tried.append(1)
        raise Throttled("throttled", "slow down")

    with pytest.raises(Throttled):
        send_until_accepted(AdaptivePacer(Time().clock()), attempt)
    assert len(tried) == pacing.MAX_TRIES

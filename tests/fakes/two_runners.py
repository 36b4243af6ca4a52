"""Two runners with one table: threads that take turns at their calls by seed, so that a life is the same every time. A
runner may be killed at a call, or stand still for longer than its lease is believed in; its clock may be off.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from opskit.core.clock import Clock
from opskit.core.exceptions import AwsError
from opskit.state import home as homes
from opskit.state.home import StateHome
from opskit.state.leases import TableLease
from opskit.state.table_home import table_home
from tests.fakes.faulty_service_quotas import ProcessKilled
from tests.fakes.state_table import FaultyDynamoDb

_WORLD_BEGAN = datetime(2026, 6, 1, tzinfo=UTC)
_RENEWAL = 5.0


@dataclass
class Runner:
    """One machine: its clock is ``clock_off`` from the world's."""

    name: str
    clock_off: timedelta
    home: StateHome | None = None
    leases: list[TableLease] = field(default_factory=list)
    is_dead: bool = False
    stands_still_until: float = 0.0
    turn: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    is_over: bool = False


@dataclass
class TwoRunners:
    """The world that both live in. ``killed`` is the share of calls to the table at which a runner dies, ``paused`` of
    those at which it stands still.
    """

    db: FaultyDynamoDb
    dice: random.Random
    killed: float = 0.0
    paused: float = 0.0
    clocks_off: tuple[int, ...] = (0, 0, -4, 4, -60, 60)
    """By how many minutes a clock may be."""
    advance: Callable[[float], None] = lambda seconds: None
    seconds: float = 0.0
    runners: list[Runner] = field(default_factory=list)
    _at_work: threading.local = field(default_factory=threading.local)
    _scheduler: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    failed: int = 0
    failures: list[BaseException] = field(default_factory=list)

    def now(self) -> datetime:
        return _WORLD_BEGAN + timedelta(seconds=self.seconds)

    def me(self) -> Runner | None:
        return getattr(self._at_work, "runner", None)

    def clock(self, runner: Runner) -> Clock:
        return Clock(lambda: self.now() + runner.clock_off, self.sleep)

    def new_home(self, runner: Runner) -> StateHome:
        table = self.db.new_table()
        table.pause, table.local_clock = self.sleep, self.clock(runner).now
        opened = table_home(table, "dynamodb://shared")
        opened.locks.__dict__["seconds"] = lambda: self.seconds
        return opened

    def sleep(self, seconds: float) -> None:
        """A runner waits; meanwhile those that are awake renew their leases."""
        left = seconds
        while left > 0:
            step = min(left, _RENEWAL)
            left -= step
            self.pass_time(step)
        self.take_turns()

    def pass_time(self, seconds: float) -> None:
        before = self.seconds
        self.seconds += seconds
        self.advance(seconds)
        if int(before / _RENEWAL) == int(self.seconds / _RENEWAL):
            return
        at_work, self._at_work.runner = self.me(), None
        for runner in self.runners:
            for lease in runner.leases if not runner.is_dead and runner.stands_still_until <= self.seconds else ():
                with suppress(AwsError):
                    lease.renew_item()
        self._at_work.runner = at_work

    def before_call(self, name: str) -> None:
        """A call to the table is about to be sent."""
        runner = self.me()
        if runner is None:  # a renewal
            return
        if runner.is_dead:  # what Python still does of a process that is gone
            raise ProcessKilled
        if self.dice.random() < self.killed:
            runner.is_dead = True
            raise ProcessKilled
        if self.dice.random() < self.paused:
            runner.stands_still_until = self.seconds + self.dice.choice([1.0, 25.0, 45.0, 300.0])
        self.take_turns()
        if self.dice.random() < 0.3:
            self.pass_time(self.dice.choice([0.02, 0.5]))

    def take_turns(self) -> None:
        """Let somebody go on, perhaps the same."""
        runner = self.me()
        if runner is not None:
            self._scheduler.release()
            runner.turn.acquire()

    def run_both(self, *works: Callable[[Runner], None]) -> None:
        """Run each work by a runner of its own, a call at a time, until all are over."""
        self.runners = [
            Runner(f"runner-{at}", timedelta(minutes=self.dice.choice(self.clocks_off))) for at in range(len(works))
        ]
        threads = [
            threading.Thread(target=self._live, args=(runner, work), daemon=True)
            for runner, work in zip(self.runners, works, strict=True)
        ]
        for thread in threads:
            thread.start()
        while alive := [each for each in self.runners if not each.is_over]:
            awake = [each for each in alive if each.stands_still_until <= self.seconds]
            if not awake:
                self.pass_time(1.0)
                continue
            self.dice.choice(awake).turn.release()
            self._scheduler.acquire()
        for thread in threads:
            thread.join()
        if self.failures:
            raise self.failures[0]

    def _live(self, runner: Runner, work: Callable[[Runner], None]) -> None:
        runner.turn.acquire()
        self._at_work.runner = runner
        try:
            runner.home = self.new_home(runner)
            work(runner)
        except ProcessKilled:
            runner.is_dead = True
        except BaseException as error:
            self.failures.append(error)
        finally:
            runner.is_over = True
            self._at_work.runner = None
            self._scheduler.release()


class _InlineThread:
    """What runs beside others elsewhere runs at once here, so that whose turn it is stays known."""

    def __init__(self, target: Callable[..., None], args: tuple[Any, ...] = (), **_: Any) -> None:
        self.start = lambda: target(*args)


@contextmanager
def two_runners(world: TwoRunners, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Each thread has the home of its runner, and leases are renewed by the world's time."""
    taken = TableLease.take_item

    def take_noted(lease: TableLease, found: Any) -> None:
        taken(lease, found)
        runner = world.me()
        if runner is not None and lease not in runner.leases:
            runner.leases.append(lease)

    def end_noted(lease: TableLease) -> None:
        for runner in world.runners:
            if lease in runner.leases:
                runner.leases.remove(lease)

    def home_of_thread() -> StateHome:
        runner = world.me()
        assert runner is not None
        assert runner.home is not None
        return runner.home

    with monkeypatch.context() as patched:
        patched.setattr("opskit.aws.gather.threading", SimpleNamespace(Thread=_InlineThread))
        patched.setattr(TableLease, "take_item", take_noted)
        patched.setattr(TableLease, "keep_renewing", lambda lease: None)
        patched.setattr(TableLease, "end_renewing", end_noted)
        patched.setattr(world.db, "before_call", world.before_call)
        patched.setattr(world.db, "now", world.now)
        for name in ("opskit.state.home", "opskit.state.journal", "opskit.increases.flows.submit",
                     "opskit.increases.store", "opskit.notifications.store"):  # fmt: skip
            patched.setattr(f"{name}.state_home", home_of_thread)
        assert homes.state_home is home_of_thread
        yield

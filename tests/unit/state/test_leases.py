"""Locks between machines: nobody's clock is believed, a killed run is waited for, and one that slept writes nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from opskit.state.home import StateHome
from opskit.state.leases import LEASE_VALID_SECONDS, TAKEOVER_SECONDS, TableLease, TableLocks
from opskit.state.records import LockLost, Record
from opskit.state.table_home import table_home
from tests.fakes.state_table import FaultyDynamoDb, faulty_dynamodb
from tests.unit.state.test_home_contract import FRUIT

ROW: Record = {"place": "a", "name": "pear", "size": 1.0, "note": ""}


class World:
    """Seconds that pass when somebody waits; ``awake`` leases are renewed every five of them."""

    def __init__(self, db: FaultyDynamoDb) -> None:
        self.db, self.seconds, self.awake = db, 0.0, list[TableLease]()

    def wait(self, seconds: float) -> None:
        for _ in range(int(seconds) or 1):
            self.seconds += min(seconds, 1.0)
            for lease in self.awake if int(self.seconds) % 5 == 0 else ():
                lease.renew_item()

    def new_home(self, clock_off: timedelta = timedelta(0)) -> StateHome:
        table = self.db.new_table()
        table.pause, table.local_clock = self.wait, lambda: datetime.now(UTC) + clock_off
        home = table_home(table, "dynamodb://shared")
        assert isinstance(home.locks, TableLocks)
        home.locks.__dict__["seconds"] = lambda: self.seconds
        return home


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(TableLease, "keep_renewing", lambda lease: None)
    with faulty_dynamodb(monkeypatch) as db:
        yield World(db)


def take_lock(home: StateHome, stack: ExitStack) -> TableLease:
    lock = stack.enter_context(home.locks.hold_lock("increase", "1", on_wait=lambda: None))
    assert isinstance(lock, TableLease)
    return lock


@pytest.mark.parametrize("hours", [-1, 0, 1])
def test_a_living_lease_is_not_taken_whatever_a_clock_says(world: World, hours: int) -> None:
    order: list[str] = []
    with ExitStack() as stack:
        lease = take_lock(world.new_home(), stack)
        world.awake.append(lease)
        waiter = world.new_home(timedelta(hours=hours))
        waits = 0

        def release_late(seconds: float) -> None:
            nonlocal waits
            waits += 1
            world.wait(seconds)
            lease.check_held()
            if waits == 120:  # four times what a dead holder is given
                order.append("released")
                world.awake.remove(lease)
                stack.close()

        waiter.locks.table.pause = release_late  # type: ignore[attr-defined]
        with waiter.locks.hold_lock("increase", "1", on_wait=lambda: order.append("waits")) as theirs:
            order.append("taken")
            theirs.check_held()
            with pytest.raises(LockLost):
                world.seconds += LEASE_VALID_SECONDS + 1
                lease.check_held()
    assert order == ["waits", "released", "taken"]


def test_the_lease_of_a_killed_run_is_taken_after_half_a_minute(world: World) -> None:
    never_closed = ExitStack()
    dead = take_lock(world.new_home(), never_closed)
    begun = world.seconds
    with world.new_home().locks.hold_lock("increase", "1", on_wait=lambda: None) as lock:
        assert TAKEOVER_SECONDS < world.seconds - begun < TAKEOVER_SECONDS + 10
        lock.check_held()
    with pytest.raises(LockLost):
        dead.check_held()
    never_closed.pop_all()


def test_a_run_that_slept_knows_before_it_sends_and_cannot_record(world: World) -> None:
    sleeper_home, stack = world.new_home(), ExitStack()
    sleeper = take_lock(sleeper_home, stack)
    sleeper_home.records.write_record(FRUIT, {**ROW, "name": "before"}, None, sleeper)
    with world.new_home().locks.hold_lock("increase", "1", on_wait=lambda: None) as theirs:
        with pytest.raises(LockLost):
            sleeper.check_held()
        # Even if its own count of seconds were wrong, the table knows whose the lease is.
        with pytest.raises(LockLost):
            sleeper_home.records.write_record(FRUIT, ROW, None, sleeper)
        theirs.check_held()
        sleeper.renew_item()
        stack.close()  # gives back nothing that is not its own
        world.new_home().records.write_record(FRUIT, ROW, None, theirs)
        theirs.check_held()
    names = {each.record["name"] for each in world.new_home().records.read_records(FRUIT, "a")}
    assert names == {"before", "pear"}


def test_a_renewal_that_gets_no_answer_is_tried_until_the_lease_is_believed_in_no_more(world: World) -> None:
    with ExitStack() as stack:
        lease = take_lock(world.new_home(), stack)
        world.db.throttled = world.db.lost_before = world.db.lost_after = 0.2
        for _ in range(30):
            world.seconds += 5
            lease.renew_item()
            lease.check_held()
        world.db.without_faults()


def test_renewals_go_on_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opskit.state.leases.RENEWED_EVERY", 0.01)
    renewed = threading.Event()
    renew = TableLease.renew_item

    def noted(lease: TableLease) -> None:
        renew(lease)
        renewed.set()

    monkeypatch.setattr(TableLease, "renew_item", noted)
    with faulty_dynamodb(monkeypatch) as db, db.new_home().locks.hold_lock("x", on_wait=lambda: None) as lock:
        assert renewed.wait(60)
        lock.check_held()

"""Locks between machines: leases on items of a DynamoDB table.

No clock of a machine is compared with another's. Whoever holds a lease writes its item anew every few seconds, each
time with the next number. Whoever waits for it looks at the number, and takes it over only when it has not moved for
longer than a holder may believe in it, by the waiting machine's own count of seconds since. A holder believes in it for
a time from the moment before its last renewal was sent; that moment is before the other could first see its number. So
both can be sure, as long as seconds are about equally long on both machines.

A lease that somebody else has taken cannot be used late: what must be written under it asks the table in the same
transaction whether the holder is still this one (``fence``), and what is sent elsewhere asks ``check_held`` right
before.
"""

from __future__ import annotations

import os
import platform
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from uuid import uuid4

from opskit.aws.state_table import StateTable
from opskit.aws.table_items import WRITE_ID, Item, ItemChanged, ItemKey, ItemLease
from opskit.core.exceptions import AwsError
from opskit.state.paths import DONE_TWICE, state_errors
from opskit.state.records import HeldLock, LockLost
from opskit.state.table_records import table_errors

LEASE_VALID_SECONDS = 20.0
"""So long a holder relies on a renewal."""
TAKEOVER_SECONDS = 30.0
"""So long a number must not have moved: half as long again, for machines whose seconds differ."""
# Three renewals may fail before the lease is not believed in any more.
RENEWED_EVERY = 5.0
_POLL_SECONDS = 1.0
_FREE = ""


def _seconds_including_sleep() -> float:
    """Seconds by a clock that nobody sets, and that goes on while the machine sleeps where the system has one."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


@dataclass
class TableLease:
    """A lease that this run holds."""

    table: StateTable
    key: ItemKey
    seconds: Callable[[], float]
    holder: str = field(default_factory=lambda: uuid4().hex)
    _renewed_at: float = float("-inf")
    _is_lost: bool = False
    _ended: threading.Event = field(default_factory=threading.Event)

    @property
    def fence(self) -> ItemLease:
        """What the table compares before it takes a write."""
        return ItemLease(self.key, self.holder)

    def check_held(self) -> None:
        """Pass if nobody else can hold it now.

        Raises:
            LockLost: another run may hold it.
        """
        if self._is_lost or self.seconds() - self._renewed_at > LEASE_VALID_SECONDS:
            raise LockLost

    def take_item(self, found: Item | None) -> None:
        """Become the holder in place of what was ``found``.

        Raises:
            ItemChanged: another run was faster.
            AwsError: the table cannot be written.
        """
        # Taken before the write is sent: whoever watches cannot have seen its number earlier, so his count ends later.
        before = self.seconds()
        values = {"holder": {"S": self.holder}, "number": {"N": str(_number_of(found) + 1)}, "held_by": _own_name()}
        self.table.put_item(self.key, values, replaces=found[WRITE_ID]["S"] if found else None)
        self._renewed_at = before

    def renew_item(self) -> None:
        """Write the next number, or know that the lease is lost.

        Raises:
            AwsError: the table cannot be read or written; the lease is believed in until its time is over.
        """
        found = self.table.find_item(self.key)
        try:
            if found is None or found["holder"]["S"] != self.holder:
                raise ItemChanged
            self.take_item(found)
        except ItemChanged:
            self._is_lost = True

    def keep_renewing(self) -> None:
        """Renew it until it is released or lost."""
        while not self._ended.wait(RENEWED_EVERY) and not self._is_lost:
            with suppress(AwsError):
                self.renew_item()

    def end_renewing(self) -> None:
        """Renew it no more."""
        self._ended.set()

    def release_item(self) -> None:
        """Let others have it at once. What cannot be written ends by itself."""
        with suppress(AwsError, ItemChanged):
            found = self.table.find_item(self.key)
            if found is not None and found["holder"]["S"] == self.holder:
                values = {"holder": {"S": _FREE}, "number": {"N": str(_number_of(found) + 1)}}
                self.table.put_item(self.key, values, replaces=found[WRITE_ID]["S"])


@dataclass(frozen=True)
class TableLocks:
    """Locks between all who share a table. ``seconds`` counts them, from whenever."""

    table: StateTable
    seconds: Callable[[], float] = _seconds_including_sleep

    @contextmanager
    def hold_lock(self, *key: str, on_wait: Callable[[], None]) -> Iterator[HeldLock]:
        """Hold a lock for a block. One that a killed run has left is waited for half a minute.

        Raises:
            UsageError: the table cannot be used.
        """
        # # separates the parts of a key, so it is escaped in them, and the escape's own sign too.
        name = "#".join(part.replace("%", "%25").replace("#", "%23") for part in key)
        lease = TableLease(self.table, ItemKey(f"lock#{name}", "#"), self.seconds)
        with state_errors(DONE_TWICE), table_errors():
            self._wait_for(lease, on_wait)
        # A daemon, so that a command that ends in an error does not hang on it.
        renewing = threading.Thread(target=lease.keep_renewing, name="opskit-lease", daemon=True)
        renewing.start()
        try:
            yield lease
        finally:
            lease.end_renewing()
            renewing.join()  # else its last renewal may come after the release
            lease.release_item()

    def _wait_for(self, lease: TableLease, on_wait: Callable[[], None]) -> None:
        watched, since, is_told = "", 0.0, False
        while True:
            found = self.table.find_item(lease.key)
            seen = found[WRITE_ID]["S"] if found else ""
            if found is None or found["holder"]["S"] == _FREE or self._is_over(seen, watched, since):
                try:
                    lease.take_item(found)
                except ItemChanged:
                    continue
                return
            if seen != watched:
                watched, since = seen, self.seconds()
            if not is_told:
                on_wait()
                is_told = True
            self.table.pause(_POLL_SECONDS)

    def _is_over(self, seen: str, watched: str, since: float) -> bool:
        return seen == watched and self.seconds() - since > TAKEOVER_SECONDS


def _own_name() -> dict[str, str]:
    return {"S": f"{platform.node()} {os.getpid()}"}


def _number_of(item: Item | None) -> int:
    return int(item["number"]["N"]) if item else 0

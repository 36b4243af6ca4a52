"""What is kept between runs, as records in tables, and what a home of them has to do: few operations, so that files on
this machine and a table in an account can both be one.

A record is a row with a key. The first columns of a key name its partition, such as the endpoint and account that it
belongs to: records are always read by partition, or by more of the key. What must not be lost to another run is
written only in place of what was read (``replaces``); what only saves time is written as it comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from opskit.core.exceptions import AwsError, UsageError

Value = str | float | int | None
Record = Mapping[str, Value]


@dataclass(frozen=True)
class RecordTable:
    """A kind of records. ``file`` and ``schema`` are those of its SQLite table, whose format older versions share;
    ``key`` are the columns of its primary key, of which the first ``partition`` are known to every reader.
    ``numbers`` are the columns that are not text. ``kept_for``: older records are of no use to anybody, and a home that
    can may remove them; readers do not rely on it; None: they are of use for ever.
    """

    name: str
    file: str
    schema: tuple[str, ...]
    columns: tuple[str, ...]
    key: tuple[str, ...]
    partition: int
    numbers: Mapping[str, type[int] | type[float]] = field(default_factory=dict)
    kept_for: timedelta | None = None

    def key_of(self, record: Record) -> tuple[Value, ...]:
        """The key of a record."""
        return tuple(record[column] for column in self.key)

    def row_of(self, record: Record) -> tuple[Value, ...]:
        """A record's values in the order of the columns."""
        return tuple(record[column] for column in self.columns)


@dataclass(frozen=True)
class StoredRecord:
    """A record as it was read, and what tells whether it is still the same: each home has its own way."""

    record: Record
    version: str


class RecordChanged(Exception):
    """A record is not as it was when it was read: another run has written or removed it. Nothing was written."""


class StateUnreachable(OSError):
    """A home in an account cannot be used: AWS refused, or gave no response. Like a folder's failure it is an OSError,
    so that whoever can do without the state goes on without it.
    """

    def __init__(self, failure: AwsError) -> None:
        super().__init__(str(failure))
        self.failure = failure


class LockLost(UsageError):
    """This run holds its lock no more, or cannot be sure that it does."""

    def __init__(self) -> None:
        text = "Another run of opskit may have taken over from this one, which was stopped for too long."
        super().__init__("lock-lost", text, "Run it again: it looks up what the other has sent.")


class HeldLock(Protocol):
    """A lock that this run holds."""

    def check_held(self) -> None:
        """Pass if nobody else can hold the lock now.

        Raises:
            LockLost: another run may hold it, as after this machine has slept.
        """

    @property
    def fence(self) -> object | None:
        """What the home asks for to refuse a write of a run that holds the lock no more; None: no run can lose it."""


class RecordStore(Protocol):
    """Where records are.

    Raises:
        OSError, sqlite3.Error: the home cannot be used (all methods).
    """

    def read_records(self, table: RecordTable, *prefix: Value) -> list[StoredRecord]:
        """The records whose key begins with ``prefix``, which has the partition at least; in no order."""

    def read_everything(self, table: RecordTable) -> list[StoredRecord]:
        """All records of a table, of all partitions. Takes as long as there is much: for moves."""

    def write_record(
        self, table: RecordTable, record: Record, replaces: StoredRecord | None, lock: HeldLock | None = None
    ) -> StoredRecord:
        """Write a record in place of the one that was read (None: of none).

        Raises:
            RecordChanged: something else is there now.
            LockLost: another run holds the lock.
        """

    def delete_record(self, table: RecordTable, stored: StoredRecord) -> None:
        """Delete a record that was read.

        Raises:
            RecordChanged: something else is there now, or nothing.
        """

    def put_records(
        self, table: RecordTable, records: Sequence[Record], *, deletes: Sequence[tuple[Value, ...]] = ()
    ) -> None:
        """Write records whatever is there, and delete those with the keys ``deletes``. Here in one transaction, in an
        account perhaps in part: for what can be found out anew.
        """


def replace_partition(home: RecordStore, table: RecordTable, records: Sequence[Record], *prefix: Value) -> None:
    """Leave these records under a prefix and no others, and write only what differs from what is there.

    Raises:
        OSError, sqlite3.Error: the home cannot be used.
    """
    there = {table.key_of(each.record): table.row_of(each.record) for each in home.read_records(table, *prefix)}
    wanted = {table.key_of(each): each for each in records}
    changed = [each for key, each in wanted.items() if there.get(key) != table.row_of(each)]
    gone = [key for key in there if key not in wanted]
    if changed or gone:
        home.put_records(table, changed, deletes=gone)


def change_record(
    home: RecordStore, table: RecordTable, key: Sequence[Value], change: Callable[[Record], Record | None]
) -> bool:
    """Change one record by what it is now, however many others change it meanwhile. ``change`` returns None where
    nothing is to be done. Whether it was changed; a record that is not there is not.

    Raises:
        OSError, sqlite3.Error: the home cannot be used.
    """
    while True:
        stored = next(
            (each for each in home.read_records(table, *key) if table.key_of(each.record) == tuple(key)), None
        )
        changed = change(stored.record) if stored else None
        if changed is None:
            return False
        with suppress(RecordChanged):  # another run was faster, and what it wrote is read next
            home.write_record(table, changed, stored)
            return True


def discard_records(home: RecordStore, table: RecordTable, stored: Iterable[StoredRecord]) -> None:
    """Delete records unless another run has changed them since they were read.

    Raises:
        OSError, sqlite3.Error: the home cannot be used.
    """
    for each in stored:
        with suppress(RecordChanged):
            home.delete_record(table, each)

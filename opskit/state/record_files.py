"""Records in SQLite files of the state folder: a file for each kind, in the format that older versions share."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from opskit.state.paths import state_dir
from opskit.state.records import HeldLock, Record, RecordChanged, RecordTable, StoredRecord, Value
from opskit.state.store import open_db


class FileRecords:
    """Records in the state folder, wherever that is when they are used."""

    def read_records(self, table: RecordTable, *prefix: Value) -> list[StoredRecord]:
        """The records whose key begins with ``prefix``. Reading makes no file.

        Raises:
            OSError, sqlite3.Error: the file cannot be read.
        """
        if not (state_dir() / table.file).exists():
            return []
        where = " AND ".join(f"{column} = ?" for column in table.key[: len(prefix)]) or "1"
        with open_db(table.file, *table.schema) as session:
            rows = session.execute(f"SELECT {', '.join(table.columns)} FROM {table.name} WHERE {where}", prefix)
            return [_stored(row) for row in rows.fetchall()]

    def read_everything(self, table: RecordTable) -> list[StoredRecord]:
        """All records of a table.

        Raises:
            OSError, sqlite3.Error: the file cannot be read.
        """
        return self.read_records(table)

    def write_record(
        self, table: RecordTable, record: Record, replaces: StoredRecord | None, lock: HeldLock | None = None
    ) -> StoredRecord:
        """Write a record in place of the one that was read. A lock on this machine cannot be lost while its process
        lives, so none is asked for.

        Raises:
            RecordChanged: something else is there now.
            OSError, sqlite3.Error: the file cannot be written.
        """
        with open_db(table.file, *table.schema) as session:
            _require_unchanged(session, table, record, replaces)
            _insert(session, table, [record])
        return StoredRecord(record, _version_of(table.row_of(record)))

    def delete_record(self, table: RecordTable, stored: StoredRecord) -> None:
        """Delete a record that was read.

        Raises:
            RecordChanged: something else is there now, or nothing.
            OSError, sqlite3.Error: the file cannot be written.
        """
        with open_db(table.file, *table.schema) as session:
            _require_unchanged(session, table, stored.record, stored)
            _delete(session, table, [table.key_of(stored.record)])

    def put_records(
        self, table: RecordTable, records: Sequence[Record], *, deletes: Sequence[tuple[Value, ...]] = ()
    ) -> None:
        """Write and delete records whatever is there, in one transaction.

        Raises:
            OSError, sqlite3.Error: the file cannot be written.
        """
        with open_db(table.file, *table.schema) as session:
            _delete(session, table, deletes)
            _insert(session, table, records)


def _require_unchanged(
    session: sqlite3.Connection, table: RecordTable, record: Record, expected: StoredRecord | None
) -> None:
    """Begin a write, and see under its lock that a record is still as it was read."""
    # The write lock comes before the look: another run could write between a look and a later lock.
    session.execute("BEGIN IMMEDIATE")
    where = " AND ".join(f"{column} = ?" for column in table.key)
    query = f"SELECT {', '.join(table.columns)} FROM {table.name} WHERE {where}"
    row = session.execute(query, table.key_of(record)).fetchone()
    # Files have no version: a record is the same if it holds the same.
    if (_stored(row).version if row else None) != (expected.version if expected else None):
        raise RecordChanged


def _insert(session: sqlite3.Connection, table: RecordTable, records: Sequence[Record]) -> None:
    # Columns by name: a newer opskit may have added some.
    places = ", ".join("?" * len(table.columns))
    session.executemany(
        f"INSERT OR REPLACE INTO {table.name} ({', '.join(table.columns)}) VALUES ({places})",
        [table.row_of(record) for record in records],
    )


def _delete(session: sqlite3.Connection, table: RecordTable, keys: Sequence[tuple[Value, ...]]) -> None:
    where = " AND ".join(f"{column} = ?" for column in table.key)
    session.executemany(f"DELETE FROM {table.name} WHERE {where}", keys)


def _stored(row: sqlite3.Row) -> StoredRecord:
    return StoredRecord(dict(row), _version_of(tuple(row)))


def _version_of(row: tuple[Value, ...]) -> str:
    return repr(row)

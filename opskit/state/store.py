"""What opskit's state folder holds: SQLite files, with one short connection per operation, so that threads, processes
and kills do no harm; the records of each kind in them, in the format that older versions share; the files of other
folders that the user has trusted, each with the content that was trusted (one that changes, as by a ``git pull``, has
to be trusted anew); and locks between processes.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from opskit.state.paths import DONE_TWICE, open_own_file, state_dir, state_errors
from opskit.state.records import HeldLock, Record, RecordChanged, RecordTable, StoredRecord, Value

# Writes take milliseconds, but several opskit processes may queue up on a slow disk.
_BUSY_SECONDS = 10.0
_creation_lock = threading.Lock()


@contextmanager
def open_db(name: str, *schema: str) -> Iterator[sqlite3.Connection]:
    """A connection to the file ``name`` in the state directory; the statements of the block are one transaction.

    Raises:
        OSError: the state directory cannot be created.
        sqlite3.Error: the file cannot be opened, read or written.
    """
    path = _private_file(state_dir() / name)
    with closing(sqlite3.connect(path, timeout=_BUSY_SECONDS)) as session:
        session.row_factory = sqlite3.Row
        _enable_shared_access(session)
        # Not SQLite's faster NORMAL: an intent must survive a power cut before its change is sent.
        session.execute("PRAGMA synchronous = FULL")
        with session:
            for table in schema:
                session.execute(table)
            yield session


@contextmanager
def read_only_db(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that only reads, to a file that this user may not write, or in a folder that is read-only.

    Raises:
        sqlite3.Error: the file cannot be opened or read.
    """
    # immutable: without it SQLite wants to make companion files even to read.
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)) as session:
        session.row_factory = sqlite3.Row
        yield session


def _private_file(path: Path) -> Path:
    """The path of a database file with mode 0600; SQLite gives its companion files the same mode."""
    with _creation_lock:
        # An existing file is not opened here: closing it would release the POSIX locks that other threads of this
        # process hold on it.
        for each in (path, *(path.with_name(f"{path.name}{suffix}") for suffix in ("-wal", "-shm", "-journal"))):
            if each.is_symlink():
                each.unlink(missing_ok=True)
        if not path.exists():
            os.close(open_own_file(path, os.O_WRONLY))
    # One with wider permissions, from an older opskit, is restricted.
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        path.chmod(0o600)
    return path


def _enable_shared_access(connection: sqlite3.Connection) -> None:
    """Switch on WAL mode, in which readers and a writer do not block each other."""
    # Two connections that do so at once on a new file get "busy" without SQLite's timeout, so the retries are made
    # here.
    until = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            # The low byte is the error's kind; the rest says more, such as BUSY_SNAPSHOT.
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise
            if time.monotonic() > until:
                raise
            time.sleep(0.01)


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
        return StoredRecord(record, repr(table.row_of(record)))

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
    return StoredRecord(dict(row), repr(tuple(row)))


_TRUSTED_FILE = "trusted.sqlite"
_SCHEMA = "CREATE TABLE IF NOT EXISTS trusted (path TEXT PRIMARY KEY, sha256 TEXT NOT NULL, since TEXT NOT NULL)"


def is_trusted_file(path: Path, content: bytes) -> bool:
    """Whether the user has trusted this file with this content; no, where that cannot be read."""
    try:
        with open_db(_TRUSTED_FILE, _SCHEMA) as session:
            row = session.execute("SELECT sha256 FROM trusted WHERE path = ?", (_path_key(path),)).fetchone()
    except (OSError, sqlite3.Error):
        return False
    return row is not None and row["sha256"] == _digest(content)


def trust_file(path: Path, content: bytes) -> None:
    """Trust a file with this content from now on.

    Raises:
        UsageError: the state folder cannot be used.
    """
    with state_errors(), open_db(_TRUSTED_FILE, _SCHEMA) as session:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        session.execute("REPLACE INTO trusted VALUES (?, ?, ?)", (_path_key(path), _digest(content), now))


def distrust_file(path: Path) -> bool:
    """Trust a file no more; whether it was trusted.

    Raises:
        UsageError: the state folder cannot be used.
    """
    with state_errors(), open_db(_TRUSTED_FILE, _SCHEMA) as session:
        return session.execute("DELETE FROM trusted WHERE path = ?", (_path_key(path),)).rowcount > 0


def _path_key(path: Path) -> str:
    # Through symlinks: a link to a trusted file is that file, and a folder that was swapped is another path.
    return str(path.resolve()).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class _FileLock:
    """A lock of a file, which its process holds for as long as it lives. ``fence`` None: nobody else can take it, so
    that no write needs to prove that it is held.
    """

    fence: object | None = None

    def check_held(self) -> None:
        """It is held."""


class FileLocks:
    """Locks between the opskit processes of this machine."""

    @contextmanager
    def hold_lock(self, *key: str, on_wait: Callable[[], None]) -> Iterator[HeldLock]:
        """Hold the lock named by ``key`` for the block; ``on_wait`` is called if another process holds it and we have
        to wait.

        Raises:
            UsageError: the lock file cannot be created.
        """
        with ExitStack() as stack:
            with state_errors(DONE_TWICE):
                file = stack.enter_context(_open_lock(key))
                # Tried first, so that whoever has to wait is told so.
                if not _try_flock(file):
                    on_wait()
                    fcntl.flock(file, fcntl.LOCK_EX)
            yield _FileLock()


@contextmanager
def try_lock(*key: str) -> Iterator[int | None]:
    """Hold the lock named by ``key`` for the block, or run the block without it if another process holds it. Yields the
    lock's file descriptor, or None without the lock. A child process that inherits the descriptor holds the lock for as
    long as it lives, even if this process is killed.

    Raises:
        UsageError: the lock file cannot be created.
    """
    with ExitStack() as stack:
        with state_errors(DONE_TWICE):
            file = stack.enter_context(_open_lock(key))
            held = file.fileno() if _try_flock(file) else None
        yield held


def _try_flock(file: IO[str]) -> bool:
    """Take the lock of a file; False if another process holds it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _open_lock(key: tuple[str, ...]) -> IO[str]:
    """The file of a lock. A link that somebody has put in its place is replaced, never followed."""
    folder = state_dir() / "locks"
    folder.mkdir(mode=0o700, exist_ok=True)
    # Hashed, since a key contains URLs and account names that are not valid in a file name.
    path = folder / hashlib.sha256("\n".join(key).encode()).hexdigest()[:24]
    return os.fdopen(open_own_file(path, os.O_RDWR), "w", encoding="ascii")

"""SQLite as opskit uses it: one short connection per operation, so that threads, processes and kills do no harm."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from opskit.state.owner_only import open_own_file
from opskit.state.paths import state_dir

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

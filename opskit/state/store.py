"""SQLite as opskit uses it: one short connection a statement, so that threads, processes and kills do no harm."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from opskit.state.paths import state_dir

_BUSY_SECONDS = 10.0
_creation_lock = threading.Lock()


@contextmanager
def open_db(name: str, *schema: str) -> Iterator[sqlite3.Connection]:
    """A connection to the file ``name`` in the state folder; what is done in the block is done together or not.

    Raises:
        OSError: the state folder cannot be made.
        sqlite3.Error: the file cannot be opened, read or written.
    """
    path = _private_file(state_dir() / name)
    with closing(sqlite3.connect(path, timeout=_BUSY_SECONDS)) as session:
        session.row_factory = sqlite3.Row
        _enable_shared_access(session)
        session.execute("PRAGMA synchronous = FULL")
        with session:
            for table in schema:
                session.execute(table)
            yield session


def _private_file(path: Path) -> Path:
    """The file, made for its user's eyes only; SQLite gives its companions the same rights. One that others could
    read, from an older opskit, is closed to them. Where it exists it is not opened: closing it again would end the
    locks that other threads of this process hold on it.
    """
    with _creation_lock:
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        path.chmod(0o600)
    return path


def _enable_shared_access(connection: sqlite3.Connection) -> None:
    """Let readers and a writer work side by side. Two who say so at once to a new file are told that it is busy
    without SQLite's usual patience, so the patience is ours.
    """
    until = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise
            if time.monotonic() > until:
                raise
            time.sleep(0.01)

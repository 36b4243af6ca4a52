"""SQLite as opskit uses it: one short connection a statement, so that threads, processes and kills do no harm."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from opskit.state.folder import state_folder

_BUSY_SECONDS = 10.0


@contextmanager
def store(name: str, *schema: str) -> Iterator[sqlite3.Connection]:
    """A connection to the file ``name`` in the state folder; what is done in the block is done together or not.

    Raises:
        OSError: the state folder cannot be made.
        sqlite3.Error: the file cannot be opened, read or written.
    """
    path = state_folder() / name
    with closing(sqlite3.connect(path, timeout=_BUSY_SECONDS)) as connection:
        connection.row_factory = sqlite3.Row
        _share(connection)
        connection.execute("PRAGMA synchronous = FULL")
        with connection:
            for table in schema:
                connection.execute(table)
            yield connection


def _share(connection: sqlite3.Connection) -> None:
    """Let readers and a writer work side by side. Two who say so at once to a new file are told that it is busy
    without SQLite's usual patience, so the patience is ours.
    """
    until = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)

"""The files of other folders that the user has trusted, each with the content that was trusted: a file that changes, as
by a ``git pull``, has to be trusted anew.
"""

from __future__ import annotations

import hashlib
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from opskit.state.paths import state_errors
from opskit.state.store import open_db

_FILE = "trusted.sqlite"
_SCHEMA = "CREATE TABLE IF NOT EXISTS trusted (path TEXT PRIMARY KEY, sha256 TEXT NOT NULL, since TEXT NOT NULL)"


def is_trusted_file(path: Path, content: bytes) -> bool:
    """Whether the user has trusted this file with this content; no, where that cannot be read."""
    try:
        with open_db(_FILE, _SCHEMA) as session:
            row = session.execute("SELECT sha256 FROM trusted WHERE path = ?", (_path_key(path),)).fetchone()
    except (OSError, sqlite3.Error):
        return False
    return row is not None and row["sha256"] == _digest(content)


def trust_file(path: Path, content: bytes) -> None:
    """Trust a file with this content from now on.

    Raises:
        UsageError: the state folder cannot be used.
    """
    with state_errors(), open_db(_FILE, _SCHEMA) as session:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        session.execute("REPLACE INTO trusted VALUES (?, ?, ?)", (_path_key(path), _digest(content), now))


def distrust_file(path: Path) -> bool:
    """Trust a file no more; whether it was trusted.

    Raises:
        UsageError: the state folder cannot be used.
    """
    with state_errors(), open_db(_FILE, _SCHEMA) as session:
        return session.execute("DELETE FROM trusted WHERE path = ?", (_path_key(path),)).rowcount > 0


def _path_key(path: Path) -> str:
    # Through symlinks: a link to a trusted file is that file, and a folder that was swapped is another path.
    return str(path.resolve()).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

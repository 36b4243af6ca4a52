"""Remembers the graces that began and of which nobody has heard yet, so that the next run makes good what could not be
delivered, or what a run was killed over.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from opskit.state.paths import state_dir
from opskit.state.store import open_db

_FILE = "graces.sqlite"
_SCHEMA = """CREATE TABLE IF NOT EXISTS untold_graces (
    account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL, stops_at TEXT NOT NULL, claimed_at REAL,
    PRIMARY KEY (account, region, name, stops_at)
)"""
_GRACE = "account = ? AND region = ? AND name = ? AND stops_at = ?"
# A delivery has ten seconds. Whoever claimed a grace for longer has died over it.
CLAIM_SECONDS = 60.0
# Nobody needs to hear of a grace that has been over for so long.
_KEPT_FOR = timedelta(days=1)


def claim_new_grace(notebook: Mapping[str, Any]) -> None:
    """Remember that this run is about to tell of the grace that it began. A state folder that cannot be used costs the
    second try only.
    """
    key = _grace_key(notebook)
    with suppress(OSError, sqlite3.Error), open_db(_FILE, _SCHEMA) as session:
        old = (datetime.now(UTC) - _KEPT_FOR).isoformat(timespec="seconds")
        session.execute("DELETE FROM untold_graces WHERE stops_at < ?", (old,))
        session.execute("INSERT OR REPLACE INTO untold_graces VALUES (?, ?, ?, ?, ?)", (*key, time.time()))


def claim_untold_grace(notebook: Mapping[str, Any]) -> bool:
    """Whether nobody has heard of the grace that this notebook is in, nor is being told by another run. Of several runs
    that ask at once, one may tell.
    """
    key = _grace_key(notebook)
    with suppress(OSError, sqlite3.Error):
        if not (state_dir() / _FILE).exists():
            return False
        with open_db(_FILE, _SCHEMA) as session:
            claimed = session.execute(
                f"UPDATE untold_graces SET claimed_at = ? WHERE {_GRACE} AND (claimed_at IS NULL OR claimed_at < ?)",
                (time.time(), *key, time.time() - CLAIM_SECONDS),
            )
            return claimed.rowcount == 1
    return False


def mark_grace_told(notebook: Mapping[str, Any]) -> None:
    """Somebody has heard of it."""
    with suppress(OSError, sqlite3.Error), open_db(_FILE, _SCHEMA) as session:
        session.execute(f"DELETE FROM untold_graces WHERE {_GRACE}", _grace_key(notebook))


def release_grace(notebook: Mapping[str, Any]) -> None:
    """Nobody has heard of it: the next run may tell."""
    with suppress(OSError, sqlite3.Error), open_db(_FILE, _SCHEMA) as session:
        session.execute(f"UPDATE untold_graces SET claimed_at = NULL WHERE {_GRACE}", _grace_key(notebook))


def _named(row: Mapping[str, Any]) -> str:
    """Its name, with its kind where that is not a notebook: both may have the same name."""
    kind = str(row.get("kind") or "notebook")
    return str(row["name"]) if kind == "notebook" else f"{kind} {row['name']}"


def _grace_key(notebook: Mapping[str, Any]) -> tuple[str, str, str, str]:
    stops_at = datetime.fromisoformat(str(notebook["stops_at"])).astimezone(UTC)
    place = (str(notebook.get("account") or ""), str(notebook["region"]), _named(notebook))
    return (*place, stops_at.isoformat(timespec="seconds"))

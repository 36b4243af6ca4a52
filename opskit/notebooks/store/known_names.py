"""Remembers the names of the notebooks that a whole listing held: for completion in shells, and to say which name may
have been meant. Nothing is decided by them.
"""

from __future__ import annotations

import difflib
import sqlite3
from collections.abc import Collection
from contextlib import suppress

from opskit.aws.client import AwsClient
from opskit.core.model import Notebook
from opskit.state.paths import state_dir
from opskit.state.store import open_db

_FILE = "names.sqlite"
_SCHEMA = """CREATE TABLE IF NOT EXISTS notebook_names (
    endpoint TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL,
    PRIMARY KEY (endpoint, account, region, name)
)"""
_PLACE = "endpoint = ? AND account = ? AND region = ?"


def remember_names(client: AwsClient, notebooks: Collection[Notebook]) -> None:
    """Remember the names of all notebooks of a Region. A state folder that cannot be written costs suggestions only."""
    if not notebooks:  # without an ARN the account is not known
        return
    account = next(iter(notebooks)).account or ""
    with suppress(OSError, sqlite3.Error):
        place, wanted = (client.session.endpoint_id(), account, client.region), {each.name for each in notebooks}
        with open_db(_FILE, _SCHEMA) as session:
            known = {row[0] for row in session.execute(f"SELECT name FROM notebook_names WHERE {_PLACE}", place)}
            session.executemany(
                f"DELETE FROM notebook_names WHERE {_PLACE} AND name = ?", [(*place, name) for name in known - wanted]
            )
            session.executemany(
                "INSERT INTO notebook_names VALUES (?, ?, ?, ?)", [(*place, name) for name in wanted - known]
            )


def known_notebook_names() -> list[str]:
    """The names of all notebooks that were last seen, of whatever account and Region."""
    return _read_names("SELECT DISTINCT name FROM notebook_names ORDER BY name")


def suggest_notebook_name(client: AwsClient, name: str) -> str:
    """The beginning of a hint that says which name may have been meant, such as "Did you mean 'course'? ". Empty: none
    that is known is close.
    """
    known = _read_names(
        "SELECT DISTINCT name FROM notebook_names WHERE endpoint = ? AND region = ?",
        client.session.endpoint_id(),
        client.region,
    )
    close = difflib.get_close_matches(name, known, n=1)
    return f"Did you mean '{close[0]}'? " if close else ""


def _read_names(query: str, *values: str) -> list[str]:
    """The names that a query finds; none where there is no file, or it cannot be read."""
    with suppress(OSError, sqlite3.Error):
        if (state_dir() / _FILE).exists():
            with open_db(_FILE, _SCHEMA) as session:
                return [row[0] for row in session.execute(query, values)]
    return []

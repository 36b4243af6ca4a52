"""Remembers how large the volumes of notebook instances are. A volume is resized by an update only, which moves the
notebook's time of change, so the size holds for as long as that time does.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from opskit.aws.client import AwsClient
from opskit.core.exceptions import AwsError
from opskit.state.paths import account_key
from opskit.state.store import open_db

_FILE = "notebook-volumes.sqlite"
_SCHEMA = """CREATE TABLE IF NOT EXISTS notebook_volumes (
    endpoint TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL, modified TEXT NOT NULL,
    gigabytes INTEGER NOT NULL, PRIMARY KEY (endpoint, account, region, name)
)"""


@dataclass(frozen=True)
class NotebookState:
    """A notebook instance since it was last changed, as AWS says the time."""

    name: str
    modified: str


def load_volume_sizes(client: AwsClient) -> dict[NotebookState, int]:
    """What is remembered of a Region's notebooks, in GB; nothing where it cannot be read."""
    try:
        with open_db(_FILE, _SCHEMA) as connection:
            rows = connection.execute(
                "SELECT name, modified, gigabytes FROM notebook_volumes"
                " WHERE endpoint = ? AND account = ? AND region = ?",
                (*account_key(client), client.region),
            ).fetchall()
        return {NotebookState(row["name"], row["modified"]): int(row["gigabytes"]) for row in rows}
    # Forgetting costs only another look; an error here must not keep anybody from one.
    except (OSError, sqlite3.Error, ValueError, AwsError):
        return {}


def save_volume_sizes(client: AwsClient, sizes: Mapping[NotebookState, int]) -> None:
    """Remember these of a Region, and no others. Where the state folder cannot be written, they are read again."""
    with suppress(OSError, sqlite3.Error, AwsError), open_db(_FILE, _SCHEMA) as connection:
        where = (*account_key(client), client.region)
        connection.execute("DELETE FROM notebook_volumes WHERE endpoint = ? AND account = ? AND region = ?", where)
        connection.executemany(
            "INSERT OR REPLACE INTO notebook_volumes VALUES (?, ?, ?, ?, ?, ?)",
            [(*where, state.name, state.modified, size) for state, size in sizes.items()],
        )

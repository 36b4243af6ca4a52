"""Remembers which jobs need no second look: what has ended never runs again.

A listing of jobs cannot be asked for what runs: AWS cuts the page first and filters it afterwards, so a question for
running jobs walks through all that were ever made, at two calls a second. So a look that has reached the end writes
down the time before which all jobs had ended, with the names of those that had not, and the next look goes back to
there only. Both stay true for ever, whichever of two runs wrote last.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from opskit.aws.client import AwsClient
from opskit.core.exceptions import AwsError
from opskit.state.paths import account_key
from opskit.state.store import open_db

_FILE = "jobs.sqlite"
_SCHEMA = """CREATE TABLE IF NOT EXISTS ended_jobs (
    endpoint TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL, kind TEXT NOT NULL,
    ended_before TEXT NOT NULL, unended TEXT NOT NULL, PRIMARY KEY (endpoint, account, region, kind)
)"""


@dataclass(frozen=True)
class EndedJobs:
    """All jobs of a kind that were created before ``ended_before`` have ended, but for those named in ``unended``."""

    ended_before: datetime
    unended: frozenset[str] = frozenset()


def load_ended_jobs(client: AwsClient, kind: str) -> EndedJobs | None:
    """What is remembered of a Region's jobs of a kind. None: nothing, or it cannot be read, and then the look goes as
    far as there are jobs.
    """
    try:
        with open_db(_FILE, _SCHEMA) as connection:
            row = connection.execute(
                "SELECT ended_before, unended FROM ended_jobs"
                " WHERE endpoint = ? AND account = ? AND region = ? AND kind = ?",
                (*account_key(client), client.region, kind),
            ).fetchone()
        return row and EndedJobs(datetime.fromisoformat(row["ended_before"]), frozenset(json.loads(row["unended"])))
    # Forgetting costs only a longer walk; an error here must not keep anybody from a count.
    except (OSError, sqlite3.Error, ValueError, AwsError):
        return None


def save_ended_jobs(client: AwsClient, kind: str, ended: EndedJobs) -> None:
    """Remember it for the next look. Where the state folder cannot be written, that look takes longer."""
    row = (ended.ended_before.isoformat(), json.dumps(sorted(ended.unended)))
    with suppress(OSError, sqlite3.Error, AwsError), open_db(_FILE, _SCHEMA) as connection:
        connection.execute(
            "INSERT OR REPLACE INTO ended_jobs VALUES (?, ?, ?, ?, ?, ?)",
            (*account_key(client), client.region, kind, *row),
        )

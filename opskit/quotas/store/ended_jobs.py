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
from opskit.state.home import state_home
from opskit.state.paths import account_key
from opskit.state.records import Record, RecordTable

ENDED_JOBS_TABLE = RecordTable(
    name="ended_jobs",
    file="jobs.sqlite",
    schema=(
        """CREATE TABLE IF NOT EXISTS ended_jobs (
    endpoint TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL, kind TEXT NOT NULL,
    ended_before TEXT NOT NULL, unended TEXT NOT NULL, PRIMARY KEY (endpoint, account, region, kind)
)""",
    ),
    columns=("endpoint", "account", "region", "kind", "ended_before", "unended"),
    key=("endpoint", "account", "region", "kind"),
    partition=3,
)


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
        place = (*account_key(client), client.region, kind)
        for stored in state_home().records.read_records(ENDED_JOBS_TABLE, *place):
            row = stored.record
            names = frozenset(json.loads(str(row["unended"])))
            return EndedJobs(datetime.fromisoformat(str(row["ended_before"])), names)
    # Forgetting costs only a longer walk; an error here must not keep anybody from a count.
    except (OSError, sqlite3.Error, ValueError, AwsError):
        return None
    return None


def save_ended_jobs(client: AwsClient, kind: str, ended: EndedJobs) -> None:
    """Remember it for the next look. Where the state cannot be written, that look takes longer."""
    with suppress(OSError, sqlite3.Error, AwsError):
        endpoint, account = account_key(client)
        record: Record = {
            "endpoint": endpoint,
            "account": account,
            "region": client.region,
            "kind": kind,
            "ended_before": ended.ended_before.isoformat(),
            "unended": json.dumps(sorted(ended.unended)),
        }
        state_home().records.put_records(ENDED_JOBS_TABLE, [record])

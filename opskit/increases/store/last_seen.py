"""Stores the state of each request at the last listing, so that the next one can show what has changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from opskit.aws.client import AwsClient
from opskit.state.paths import account_key, state_errors
from opskit.state.store import open_db

_FILE = "looks.sqlite"
_SCHEMA = """CREATE TABLE IF NOT EXISTS looks (
    endpoint TEXT NOT NULL, account TEXT NOT NULL, request TEXT NOT NULL, status TEXT NOT NULL, value REAL,
    looked TEXT NOT NULL, PRIMARY KEY (endpoint, account, request)
)"""


@dataclass(frozen=True)
class RequestSnapshot:
    """A request as it was read: its status in AWS's word, the effective value (None: it could not be read), and the
    time.
    """

    request: str
    status: str
    value: float | None
    seen_at: datetime


def load_snapshots(client: AwsClient) -> Mapping[str, RequestSnapshot]:
    """The last snapshot of each request of the client's account, by request ID.

    Raises:
        UsageError: the state directory cannot be used.
        AwsError: STS could not be read.
    """
    with state_errors(), open_db(_FILE, _SCHEMA) as session:
        rows = session.execute("SELECT * FROM looks WHERE endpoint = ? AND account = ?", account_key(client))
        snapshots = [
            RequestSnapshot(row["request"], row["status"], row["value"], datetime.fromisoformat(row["looked"]))
            for row in rows
        ]
    return {snapshot.request: snapshot for snapshot in snapshots}


def save_snapshots(client: AwsClient, snapshots: Iterable[RequestSnapshot]) -> None:
    """Store snapshots for the next listing.

    Raises:
        UsageError: the state directory cannot be used.
        AwsError: STS could not be read.
    """
    rows = [
        (
            *account_key(client),
            snapshot.request,
            snapshot.status,
            snapshot.value,
            snapshot.seen_at.astimezone(UTC).isoformat(),
        )
        for snapshot in snapshots
    ]
    with state_errors(), open_db(_FILE, _SCHEMA) as session:
        session.executemany("INSERT OR REPLACE INTO looks VALUES (?, ?, ?, ?, ?, ?)", rows)

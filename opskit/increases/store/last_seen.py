"""How each quota request stood when somebody last looked, so that the next look can tell what has changed."""

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
    """A request as it was seen: its status in AWS's word, the value that counted (None: it could not be read), when."""

    request: str
    status: str
    value: float | None
    seen_at: datetime


def load_snapshots(client: AwsClient) -> Mapping[str, RequestSnapshot]:
    """The last look at each request of the door's account, by the request's id.

    Raises:
        UsageError: the state folder cannot be used.
        AwsError: AWS does not say whose account this is.
    """
    with state_errors(), open_db(_FILE, _SCHEMA) as session:
        rows = session.execute("SELECT * FROM looks WHERE endpoint = ? AND account = ?", account_key(client))
        looks = [
            RequestSnapshot(row["request"], row["status"], row["value"], datetime.fromisoformat(row["looked"]))
            for row in rows
        ]
    return {look.request: look for look in looks}


def save_snapshots(client: AwsClient, looks: Iterable[RequestSnapshot]) -> None:
    """Keep a look for the next one.

    Raises:
        UsageError: the state folder cannot be used.
        AwsError: AWS does not say whose account this is.
    """
    rows = [
        (*account_key(client), look.request, look.status, look.value, look.seen_at.astimezone(UTC).isoformat())
        for look in looks
    ]
    with state_errors(), open_db(_FILE, _SCHEMA) as session:
        session.executemany("INSERT OR REPLACE INTO looks VALUES (?, ?, ?, ?, ?, ?)", rows)

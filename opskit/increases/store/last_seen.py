"""Stores the state of each request at the last listing, so that the next one can show what has changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from opskit.aws.client import AwsClient
from opskit.state.home import state_home
from opskit.state.paths import account_key, state_errors
from opskit.state.records import Record, RecordTable

LOOKS_TABLE = RecordTable(
    name="looks",
    file="looks.sqlite",
    schema=(
        """CREATE TABLE IF NOT EXISTS looks (
    endpoint TEXT NOT NULL, account TEXT NOT NULL, request TEXT NOT NULL, status TEXT NOT NULL, value REAL,
    looked TEXT NOT NULL, PRIMARY KEY (endpoint, account, request)
)""",
    ),
    columns=("endpoint", "account", "request", "status", "value", "looked"),
    key=("endpoint", "account", "request"),
    partition=2,
    numbers={"value": float},
    kept_for=timedelta(days=400),  # AWS lists requests for 90 days
)


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
        UsageError: the state cannot be used.
        AwsError: STS could not be read.
    """
    with state_errors():
        rows = [each.record for each in state_home().records.read_records(LOOKS_TABLE, *account_key(client))]
    return {str(row["request"]): _parse_snapshot(row) for row in rows}


def _parse_snapshot(row: Record) -> RequestSnapshot:
    value = None if row["value"] is None else float(row["value"])
    return RequestSnapshot(str(row["request"]), str(row["status"]), value, datetime.fromisoformat(str(row["looked"])))


def save_snapshots(client: AwsClient, snapshots: Iterable[RequestSnapshot]) -> None:
    """Store snapshots for the next listing.

    Raises:
        UsageError: the state cannot be used.
        AwsError: STS could not be read.
    """
    endpoint, account = account_key(client)
    rows: list[Record] = [
        {
            "endpoint": endpoint,
            "account": account,
            "request": snapshot.request,
            "status": snapshot.status,
            "value": snapshot.value,
            "looked": snapshot.seen_at.astimezone(UTC).isoformat(),
        }
        for snapshot in snapshots
    ]
    with state_errors():
        state_home().records.put_records(LOOKS_TABLE, rows)

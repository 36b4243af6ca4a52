"""Stores increases that are queued, that were sent with unknown outcome, or that were filed recently.

An attempt is recorded before it is sent: whatever happens then, the next run looks it up before it sends anything.
Filed requests are kept for a day, because AWS lists them late.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from opskit.aws.client import AwsClient
from opskit.core.exceptions import UsageError
from opskit.core.model import Workload
from opskit.state.paths import account_key, state_errors
from opskit.state.store import open_db

_FILE = "queue.sqlite"
_SCHEMA = """CREATE TABLE IF NOT EXISTS asked (
    endpoint TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL, quota_name TEXT NOT NULL,
    instance_type TEXT, usage TEXT NOT NULL, desired REAL NOT NULL, via TEXT NOT NULL, why TEXT NOT NULL,
    standing TEXT NOT NULL, since TEXT NOT NULL, known TEXT NOT NULL, id TEXT,
    PRIMARY KEY (endpoint, account, region, quota_name, desired)
)"""
_COLUMNS = "endpoint, account, region, quota_name, instance_type, usage, desired, via, why, standing, since, known, id"
_FILED_COUNTS_FOR = timedelta(days=1)


class QueueState(StrEnum):
    """Why a request is stored: it was put off, it was sent with unknown outcome, or AWS has accepted it."""

    QUEUED = "queued"
    ATTEMPTED = "attempted"
    FILED = "filed"

    @property
    def waits(self) -> bool:
        """Whether it is not decided yet."""
        match self:
            case QueueState.QUEUED | QueueState.ATTEMPTED:
                return True
            case QueueState.FILED:
                return False


@dataclass(frozen=True)
class QueuedRequest:
    """One stored request. ``channel`` is how to request it; ``since`` when it was queued, sent or filed; ``known_ids``
    are the IDs of the requests that existed before; ``id`` is AWS's ID (None: not filed).
    """

    region: str
    quota_name: str
    instance_type: str | None
    workload: Workload
    desired_value: float
    channel: str
    why: str
    state: QueueState
    since: datetime
    known_ids: frozenset[str] = frozenset()
    id: str | None = None


def upsert_queued(client: AwsClient, request: QueuedRequest) -> None:
    """Store a request, replacing one for the same quota and value.

    Raises:
        UsageError: the state directory cannot be used.
        AwsError: STS could not be read.
    """
    row = (
        request.region,
        request.quota_name,
        request.instance_type,
        request.workload,
        request.desired_value,
        request.channel,
        request.why,
        request.state,
        request.since.astimezone(UTC).isoformat(),
        " ".join(sorted(request.known_ids)),
        request.id,
    )
    placeholders = ", ".join("?" * (len(row) + 2))
    with state_errors(), open_db(_FILE, _SCHEMA) as session:
        # Columns by name: a newer opskit may have added some.
        session.execute(
            f"INSERT OR REPLACE INTO asked ({_COLUMNS}) VALUES ({placeholders})", (*account_key(client), *row)
        )
        old = (request.since - _FILED_COUNTS_FOR).astimezone(UTC).isoformat()
        session.execute("DELETE FROM asked WHERE standing = ? AND since < ?", (QueueState.FILED, old))


def delete_queued_range(client: AwsClient, quota_name: str, least: float, most: float) -> None:
    """Delete a quota's requests for values from ``least`` to ``most`` in the client's Region, except filed ones, which
    are kept for their day.

    Raises:
        UsageError: the state directory cannot be used.
        AwsError: STS could not be read.
    """
    with state_errors(), open_db(_FILE, _SCHEMA) as session:
        session.execute(
            "DELETE FROM asked WHERE endpoint = ? AND account = ? AND region = ? AND quota_name = ?"
            " AND desired BETWEEN ? AND ? AND standing != ?",
            (*account_key(client), client.region, quota_name, least, most, QueueState.FILED),
        )


def pending_requests(client: AwsClient) -> tuple[QueuedRequest, ...]:
    """The undecided requests in all Regions of the client's account, oldest first.

    Raises:
        UsageError: the state directory cannot be used.
        AwsError: STS could not be read.
    """
    return tuple(request for request in _read_queue(client) if request.state.waits)


def submitted_requests(client: AwsClient, quota_name: str, now: datetime) -> tuple[QueuedRequest, ...]:
    """The requests for a quota in the client's Region that AWS may have, latest first: their outcome is unknown, or AWS
    accepted them within the last day.

    Raises:
        UsageError: the state directory cannot be used.
        AwsError: STS could not be read.
    """
    matching = [
        request
        for request in _read_queue(client)
        if (request.region, request.quota_name) == (client.region, quota_name)
    ]
    return tuple(request for request in reversed(matching) if _may_be_at_aws(request, now))


def _may_be_at_aws(request: QueuedRequest, now: datetime) -> bool:
    match request.state:
        case QueueState.QUEUED:
            return False
        case QueueState.ATTEMPTED:
            return True
        case QueueState.FILED:
            return now - request.since < _FILED_COUNTS_FOR


def _read_queue(client: AwsClient) -> list[QueuedRequest]:
    with state_errors(), open_db(_FILE, _SCHEMA) as session:
        rows = session.execute(
            "SELECT * FROM asked WHERE endpoint = ? AND account = ? ORDER BY since, quota_name", account_key(client)
        )
        return [_parse_queued(row) for row in rows if _is_known_row(row)]


def _is_known_row(row: sqlite3.Row) -> bool:
    """Whether this opskit understands a row.

    Raises:
        UsageError: a newer one has written it, in words that mean nothing here: what it waits for is not known.
    """
    if row["usage"] in list(Workload) and row["standing"] in list(QueueState):
        return True
    text = f"The queue holds a request of a newer opskit ({row['usage']}, {row['standing']}) that this one cannot read."
    raise UsageError("queue-newer", text, "Run the newer opskit, or install it here.")


def _parse_queued(row: sqlite3.Row) -> QueuedRequest:
    return QueuedRequest(
        region=row["region"],
        quota_name=row["quota_name"],
        instance_type=row["instance_type"],
        workload=Workload(row["usage"]),
        desired_value=row["desired"],
        channel=row["via"],
        why=row["why"],
        state=QueueState(row["standing"]),
        since=datetime.fromisoformat(row["since"]),
        known_ids=frozenset(row["known"].split()),
        id=row["id"],
    )

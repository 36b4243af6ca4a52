"""Requests that wait for their turn, attempts whose outcome nobody knows yet, and what was filed just now.

An attempt is written down before it is sent: whatever happens then, the next run looks before it asks again. What was
filed is kept for a day, because AWS's lists show it late.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from opskit.aws.client import AwsClient
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
_FILED_COUNTS_FOR = timedelta(days=1)


class QueueState(StrEnum):
    """Why a request is remembered: it was put off, it was sent and nobody knows what became of it, or AWS has it."""

    QUEUED = "queued"
    ATTEMPTED = "attempted"
    FILED = "filed"

    @property
    def waits(self) -> bool:
        """Whether it is yet to be settled."""
        match self:
            case QueueState.QUEUED | QueueState.ATTEMPTED:
                return True
            case QueueState.FILED:
                return False


@dataclass(frozen=True)
class QueuedRequest:
    """One remembered request. ``channel`` is the way it is to be asked; ``since`` when it was put off, sent or filed;
    ``known_ids`` are the ids of the requests that were there before; ``id`` is what AWS calls it (None: not filed).
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


def upsert_queued(client: AwsClient, waiting: QueuedRequest) -> None:
    """Put a request into the queue, in place of what stood there for the same quota and value.

    Raises:
        UsageError: the state folder cannot be used.
        AwsError: AWS does not say whose account this is.
    """
    row = (
        waiting.region,
        waiting.quota_name,
        waiting.instance_type,
        waiting.workload,
        waiting.desired_value,
        waiting.channel,
        waiting.why,
        waiting.state,
        waiting.since.astimezone(UTC).isoformat(),
        " ".join(sorted(waiting.known_ids)),
        waiting.id,
    )
    places = ", ".join("?" * (len(row) + 2))
    with state_errors(), open_db(_FILE, _SCHEMA) as session:
        session.execute(f"INSERT OR REPLACE INTO asked VALUES ({places})", (*account_key(client), *row))
        old = (waiting.since - _FILED_COUNTS_FOR).astimezone(UTC).isoformat()
        session.execute("DELETE FROM asked WHERE standing = ? AND since < ?", (QueueState.FILED, old))


def delete_queued_range(client: AwsClient, quota_name: str, least: float, most: float) -> None:
    """Take a quota's requests for a value from ``least`` to ``most`` out of the door's Region's queue, but for those
    that AWS has: they are kept for their day.

    Raises:
        UsageError: the state folder cannot be used.
        AwsError: AWS does not say whose account this is.
    """
    with state_errors(), open_db(_FILE, _SCHEMA) as session:
        session.execute(
            "DELETE FROM asked WHERE endpoint = ? AND account = ? AND region = ? AND quota_name = ?"
            " AND desired BETWEEN ? AND ? AND standing != ?",
            (*account_key(client), client.region, quota_name, least, most, QueueState.FILED),
        )


def pending_requests(client: AwsClient) -> tuple[QueuedRequest, ...]:
    """What waits in all Regions of the door's account, the longest first.

    Raises:
        UsageError: the state folder cannot be used.
        AwsError: AWS does not say whose account this is.
    """
    return tuple(request for request in _read_queue(client) if request.state.waits)


def submitted_requests(client: AwsClient, quota_name: str, now: datetime) -> tuple[QueuedRequest, ...]:
    """What was sent for a quota in the door's Region and still counts, the latest first: its outcome is not known, or
    AWS took it within the last day.

    Raises:
        UsageError: the state folder cannot be used.
        AwsError: AWS does not say whose account this is.
    """
    ours = [
        request
        for request in _read_queue(client)
        if (request.region, request.quota_name) == (client.region, quota_name)
    ]
    return tuple(request for request in reversed(ours) if _may_be_at_aws(request, now))


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
        return [_parse_queued(row) for row in rows]


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

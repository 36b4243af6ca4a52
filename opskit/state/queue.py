"""Requests that wait for their turn, and attempts whose outcome nobody knows yet.

An attempt is written down before it is sent: whatever happens then, the next run looks before it asks again.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from opskit.aws import Door
from opskit.model import Usage
from opskit.state.folder import usable_state, whose
from opskit.state.store import store

_FILE = "queue.sqlite"
_SCHEMA = """CREATE TABLE IF NOT EXISTS waiting (
    endpoint TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL, quota_name TEXT NOT NULL,
    instance_type TEXT, usage TEXT NOT NULL, desired REAL NOT NULL, via TEXT NOT NULL, why TEXT NOT NULL,
    standing TEXT NOT NULL, since TEXT NOT NULL, known TEXT NOT NULL,
    PRIMARY KEY (endpoint, account, region, quota_name)
)"""


class Standing(StrEnum):
    """Why a request is remembered: it was put off, or it was sent and nobody knows what became of it."""

    QUEUED = "queued"
    ATTEMPTED = "attempted"


@dataclass(frozen=True)
class Waiting:
    """One remembered request. ``via`` is the way it is to be asked; ``since`` when it was put off or sent;
    ``known`` are the ids of the requests that were there before.
    """

    region: str
    quota_name: str
    instance_type: str | None
    usage: Usage
    desired: float
    via: str
    why: str
    standing: Standing
    since: datetime
    known: frozenset[str] = frozenset()


def remember(door: Door, waiting: Waiting) -> None:
    """Put a request into the queue, in place of what stood there for the same quota.

    Raises:
        UsageProblem: the state folder cannot be used.
        AwsFailure: AWS does not say whose account this is.
    """
    row = (
        waiting.region,
        waiting.quota_name,
        waiting.instance_type,
        waiting.usage,
        waiting.desired,
        waiting.via,
        waiting.why,
        waiting.standing,
        waiting.since.astimezone(UTC).isoformat(),
        " ".join(sorted(waiting.known)),
    )
    with usable_state(), store(_FILE, _SCHEMA) as connection:
        connection.execute(
            "INSERT OR REPLACE INTO waiting VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*whose(door), *row)
        )


def forget(door: Door, quota_name: str, least: float, most: float) -> None:
    """Take a quota's request for a value from ``least`` to ``most`` out of the door's Region's queue, if it is there.

    Raises:
        UsageProblem: the state folder cannot be used.
        AwsFailure: AWS does not say whose account this is.
    """
    with usable_state(), store(_FILE, _SCHEMA) as connection:
        connection.execute(
            "DELETE FROM waiting WHERE endpoint = ? AND account = ? AND region = ? AND quota_name = ?"
            " AND desired BETWEEN ? AND ?",
            (*whose(door), door.region, quota_name, least, most),
        )


def waiting(door: Door) -> tuple[Waiting, ...]:
    """What waits in all Regions of the door's account, the longest first.

    Raises:
        UsageProblem: the state folder cannot be used.
        AwsFailure: AWS does not say whose account this is.
    """
    with usable_state(), store(_FILE, _SCHEMA) as connection:
        rows = connection.execute(
            "SELECT * FROM waiting WHERE endpoint = ? AND account = ? ORDER BY since, quota_name", whose(door)
        )
        return tuple(_waiting(row) for row in rows)


def _waiting(row: sqlite3.Row) -> Waiting:
    return Waiting(
        region=row["region"],
        quota_name=row["quota_name"],
        instance_type=row["instance_type"],
        usage=Usage(row["usage"]),
        desired=row["desired"],
        via=row["via"],
        why=row["why"],
        standing=Standing(row["standing"]),
        since=datetime.fromisoformat(row["since"]),
        known=frozenset(row["known"].split()),
    )

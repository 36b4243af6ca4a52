"""Requests that wait for their turn, attempts whose outcome nobody knows yet, and what was filed just now.

An attempt is written down before it is sent: whatever happens then, the next run looks before it asks again. What was
filed is kept for a day, because AWS's lists show it late.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from opskit.aws import Door
from opskit.model import Usage
from opskit.state.folder import usable_state, whose
from opskit.state.store import store

_FILE = "queue.sqlite"
_SCHEMA = """CREATE TABLE IF NOT EXISTS asked (
    endpoint TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL, quota_name TEXT NOT NULL,
    instance_type TEXT, usage TEXT NOT NULL, desired REAL NOT NULL, via TEXT NOT NULL, why TEXT NOT NULL,
    standing TEXT NOT NULL, since TEXT NOT NULL, known TEXT NOT NULL, id TEXT,
    PRIMARY KEY (endpoint, account, region, quota_name, desired)
)"""
_FILED_COUNTS_FOR = timedelta(days=1)


class Standing(StrEnum):
    """Why a request is remembered: it was put off, it was sent and nobody knows what became of it, or AWS has it."""

    QUEUED = "queued"
    ATTEMPTED = "attempted"
    FILED = "filed"


@dataclass(frozen=True)
class Waiting:
    """One remembered request. ``via`` is the way it is to be asked; ``since`` when it was put off, sent or filed;
    ``known`` are the ids of the requests that were there before; ``id`` is what AWS calls it (None: not filed).
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
    id: str | None = None


def remember(door: Door, waiting: Waiting) -> None:
    """Put a request into the queue, in place of what stood there for the same quota and value.

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
        waiting.id,
    )
    places = ", ".join("?" * (len(row) + 2))
    with usable_state(), store(_FILE, _SCHEMA) as connection:
        connection.execute(f"INSERT OR REPLACE INTO asked VALUES ({places})", (*whose(door), *row))
        old = (waiting.since - _FILED_COUNTS_FOR).astimezone(UTC).isoformat()
        connection.execute("DELETE FROM asked WHERE standing = ? AND since < ?", (Standing.FILED, old))


def forget(door: Door, quota_name: str, least: float, most: float) -> None:
    """Take a quota's requests for a value from ``least`` to ``most`` out of the door's Region's queue, but for those
    that AWS has: they are kept for their day.

    Raises:
        UsageProblem: the state folder cannot be used.
        AwsFailure: AWS does not say whose account this is.
    """
    with usable_state(), store(_FILE, _SCHEMA) as connection:
        connection.execute(
            "DELETE FROM asked WHERE endpoint = ? AND account = ? AND region = ? AND quota_name = ?"
            " AND desired BETWEEN ? AND ? AND standing != ?",
            (*whose(door), door.region, quota_name, least, most, Standing.FILED),
        )


def waiting(door: Door) -> tuple[Waiting, ...]:
    """What waits in all Regions of the door's account, the longest first.

    Raises:
        UsageProblem: the state folder cannot be used.
        AwsFailure: AWS does not say whose account this is.
    """
    return tuple(one for one in _remembered(door) if one.standing is not Standing.FILED)


def sent(door: Door, quota_name: str, now: datetime) -> tuple[Waiting, ...]:
    """What was sent for a quota in the door's Region and still counts, the latest first: its outcome is not known, or
    AWS took it within the last day.

    Raises:
        UsageProblem: the state folder cannot be used.
        AwsFailure: AWS does not say whose account this is.
    """
    ours = [one for one in _remembered(door) if (one.region, one.quota_name) == (door.region, quota_name)]
    return tuple(one for one in reversed(ours) if one.standing is Standing.ATTEMPTED or _counts(one, now))


def _counts(one: Waiting, now: datetime) -> bool:
    return one.standing is Standing.FILED and now - one.since < _FILED_COUNTS_FOR


def _remembered(door: Door) -> list[Waiting]:
    with usable_state(), store(_FILE, _SCHEMA) as connection:
        rows = connection.execute(
            "SELECT * FROM asked WHERE endpoint = ? AND account = ? ORDER BY since, quota_name", whose(door)
        )
        return [_waiting(row) for row in rows]


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
        id=row["id"],
    )

"""How each quota request stood when somebody last looked, so that the next look can tell what has changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from opskit.aws import Door
from opskit.state.folder import usable_state, whose
from opskit.state.store import store

_FILE = "looks.sqlite"
_SCHEMA = """CREATE TABLE IF NOT EXISTS looks (
    endpoint TEXT NOT NULL, account TEXT NOT NULL, request TEXT NOT NULL, status TEXT NOT NULL, value REAL,
    looked TEXT NOT NULL, PRIMARY KEY (endpoint, account, request)
)"""


@dataclass(frozen=True)
class Look:
    """A request as it was seen: its status in AWS's word, the value that counted (None: it could not be read), when."""

    request: str
    status: str
    value: float | None
    at: datetime


def last_looks(door: Door) -> Mapping[str, Look]:
    """The last look at each request of the door's account, by the request's id.

    Raises:
        UsageProblem: the state folder cannot be used.
        AwsFailure: AWS does not say whose account this is.
    """
    with usable_state(), store(_FILE, _SCHEMA) as connection:
        rows = connection.execute("SELECT * FROM looks WHERE endpoint = ? AND account = ?", whose(door))
        looks = [
            Look(row["request"], row["status"], row["value"], datetime.fromisoformat(row["looked"])) for row in rows
        ]
    return {look.request: look for look in looks}


def remember_looks(door: Door, looks: Iterable[Look]) -> None:
    """Keep a look for the next one.

    Raises:
        UsageProblem: the state folder cannot be used.
        AwsFailure: AWS does not say whose account this is.
    """
    rows = [
        (*whose(door), look.request, look.status, look.value, look.at.astimezone(UTC).isoformat()) for look in looks
    ]
    with usable_state(), store(_FILE, _SCHEMA) as connection:
        connection.executemany("INSERT OR REPLACE INTO looks VALUES (?, ?, ?, ?, ?, ?)", rows)

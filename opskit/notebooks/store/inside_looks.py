"""What opskit's looks inside notebooks moved there, kept so that it is not taken for somebody's work, and which
terminals of theirs may still be open. A look is written down before its terminal is asked for, so it may be killed at
any moment.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from opskit.aws.client import AwsClient
from opskit.core.model import Notebook
from opskit.notebooks.rules.own_traces import PastLook
from opskit.state.paths import state_dir, state_errors
from opskit.state.store import open_db

_FILE = "inside.sqlite"
_SCHEMA = (
    # Of an opskit that took what it found in the server's last activity right after a look for the look's own.
    "DROP TABLE IF EXISTS inside_looks",
    """CREATE TABLE IF NOT EXISTS looks_inside (
    endpoint TEXT NOT NULL, notebook TEXT NOT NULL, asked_for TEXT NOT NULL, asked_at TEXT NOT NULL,
    before TEXT NOT NULL, after TEXT, terminal TEXT, others TEXT NOT NULL,
    is_typed INTEGER NOT NULL DEFAULT 0, is_shut INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (endpoint, notebook, asked_for)
)""",
)
# Whoever looks less often than that begins anew: a notebook's activity then looks younger than it is.
_KEPT_FOR = timedelta(days=30)


def load_looks(client: AwsClient, notebook: Notebook) -> tuple[PastLook, ...]:
    """The looks inside a notebook of the last month, the youngest first.

    Raises:
        UsageError: the state folder cannot be used.
    """
    with state_errors():
        if not (state_dir() / _FILE).exists():
            return ()
        with open_db(_FILE, *_SCHEMA) as session:
            rows = session.execute(
                "SELECT * FROM looks_inside WHERE endpoint = ? AND notebook = ? ORDER BY asked_at DESC LIMIT 100",
                (client.session.endpoint_id(), notebook.arn),
            )
            return tuple(_parse_look(row) for row in rows)


@dataclass
class LookNotes:
    """Writes down one look inside, step by step. ``asked_for`` is the name its terminal is asked for under, ``left``
    the server's last activity that the look itself caused, once that is known.

    Raises:
        UsageError: the state folder cannot be used (all methods).
    """

    client: AwsClient
    notebook: Notebook
    asked_for: str
    left: datetime | None = None

    def past_looks(self) -> tuple[PastLook, ...]:
        """The looks inside this notebook of the last month, the youngest first.

        Raises:
            UsageError: the state folder cannot be used.
        """
        return load_looks(self.client, self.notebook)

    def begin_look(self, look: PastLook) -> None:
        """Before the terminal is asked for."""
        row = (*self._key(), _format_time(look.asked_at), _format_time(look.before), json.dumps(sorted(look.others)))
        with state_errors(), open_db(_FILE, *_SCHEMA) as session:
            oldest = _format_time(look.asked_at - _KEPT_FOR)
            session.execute("DELETE FROM looks_inside WHERE asked_at < ?", (oldest,))
            session.execute(
                "INSERT INTO looks_inside (endpoint, notebook, asked_for, asked_at, before, others)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                row,
            )

    def keep_terminal(self, name: str) -> None:
        """The name that Jupyter gave its terminal. Those of earlier looks that had the name are gone."""
        self.mark_others_shut([name])
        self._update("terminal", name)

    def mark_others_shut(self, names: Collection[str]) -> None:
        """The terminals with these names, of whichever look, are gone."""
        with state_errors(), open_db(_FILE, *_SCHEMA) as session:
            session.executemany(
                "UPDATE looks_inside SET is_shut = 1"
                " WHERE endpoint = ? AND notebook = ? AND ? IN (terminal, asked_for)",
                [(*self._key()[:2], name) for name in names],
            )

    def mark_typed(self) -> None:
        """Before its command is typed."""
        self._update("is_typed", 1)

    def mark_shut(self) -> None:
        """Its terminal is gone."""
        self._update("is_shut", 1)

    def end_look(self, after: datetime) -> None:
        """What the last activity is that the look itself caused."""
        self.left = after
        self._update("after", _format_time(after))

    def _update(self, column: str, value: str | int) -> None:
        with state_errors(), open_db(_FILE, *_SCHEMA) as session:
            session.execute(
                f"UPDATE looks_inside SET {column} = ? WHERE endpoint = ? AND notebook = ? AND asked_for = ?",
                (value, *self._key()),
            )

    def _key(self) -> tuple[str, str, str]:
        return self.client.session.endpoint_id(), self.notebook.arn, self.asked_for


def _format_time(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="microseconds")


def _parse_look(row: sqlite3.Row) -> PastLook:
    after = row["after"]
    return PastLook(
        asked_at=datetime.fromisoformat(row["asked_at"]),
        before=datetime.fromisoformat(row["before"]),
        after=datetime.fromisoformat(after) if after else None,
        terminal=row["terminal"],
        others=frozenset(json.loads(row["others"])),
        is_shut=bool(row["is_shut"]),
        asked_for=row["asked_for"],
        is_typed=bool(row["is_typed"]),
    )

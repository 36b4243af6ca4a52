"""What opskit stores of notebooks on this machine.

Inspections of instances: the activity that each of them caused in Jupyter, so that it does not count as a user's work,
and the terminals that may still be open. An inspection is recorded before its terminal is requested, so that opskit may
be killed at any moment.

Names of notebooks, from complete listings: for shell completion and for "Did you mean". No decision depends on them.
"""

from __future__ import annotations

import difflib
import json
import sqlite3
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from opskit.aws.client import AwsClient
from opskit.core.model import Notebook
from opskit.notebooks.rules.own_traces import PastInspection
from opskit.state.home import state_home
from opskit.state.paths import state_dir, state_errors
from opskit.state.records import Record, RecordTable, change_record, discard_records
from opskit.state.store import open_db

# After a longer pause the record starts anew, and a notebook's activity appears younger than it is.
_KEPT_FOR = timedelta(days=30)


INSIDE_TABLE = RecordTable(
    name="looks_inside",
    file="inside.sqlite",
    schema=(
        # Of earlier versions, which attributed all server activity right after an inspection to that inspection.
        "DROP TABLE IF EXISTS inside_looks",
        """CREATE TABLE IF NOT EXISTS looks_inside (
    endpoint TEXT NOT NULL, notebook TEXT NOT NULL, asked_for TEXT NOT NULL, asked_at TEXT NOT NULL,
    before TEXT NOT NULL, after TEXT, terminal TEXT, others TEXT NOT NULL,
    is_typed INTEGER NOT NULL DEFAULT 0, is_shut INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (endpoint, notebook, asked_for)
)""",
    ),
    columns=(
        *("endpoint", "notebook", "asked_for", "asked_at", "before", "after", "terminal", "others"),
        *("is_typed", "is_shut"),
    ),
    key=("endpoint", "notebook", "asked_for"),
    partition=2,
    numbers={"is_typed": int, "is_shut": int},
    kept_for=_KEPT_FOR,
)


def load_past_inspections(client: AwsClient, notebook: Notebook) -> tuple[PastInspection, ...]:
    """The inspections of a notebook in the last month, newest first.

    Raises:
        UsageError: the state cannot be used.
    """
    with state_errors():
        place = (client.session.endpoint_id(), notebook.arn)
        records = [each.record for each in state_home().records.read_records(INSIDE_TABLE, *place)]
    youngest_first = sorted(records, key=lambda row: str(row["asked_at"]), reverse=True)
    return tuple(_parse_inspection(row) for row in youngest_first[:100])


@dataclass
class InspectionLog:
    """Records one inspection, step by step. ``asked_for`` is the name under which its terminal is requested, ``left``
    the server's last activity that the inspection itself caused; None: that is not known yet.

    Raises:
        UsageError: the state cannot be used (all methods).
    """

    client: AwsClient
    notebook: Notebook
    asked_for: str
    left: datetime | None = None

    def past_inspections(self) -> tuple[PastInspection, ...]:
        """The inspections of this notebook in the last month, newest first.

        Raises:
            UsageError: the state cannot be used.
        """
        return load_past_inspections(self.client, self.notebook)

    def log_start(self, inspection: PastInspection) -> None:
        """Record an inspection before its terminal is requested, so that a killed run's terminal is known as opskit's.

        Raises:
            UsageError: the state cannot be used.
        """
        endpoint, notebook, asked_for = self._key()
        record: Record = {
            "endpoint": endpoint,
            "notebook": notebook,
            "asked_for": asked_for,
            "asked_at": _format_time(inspection.asked_at),
            "before": _format_time(inspection.before),
            "after": None,
            "terminal": None,
            "others": json.dumps(sorted(inspection.others)),
            "is_typed": 0,
            "is_shut": 0,
        }
        with state_errors():
            home, oldest = state_home().records, _format_time(inspection.asked_at - _KEPT_FOR)
            there = home.read_records(INSIDE_TABLE, endpoint, notebook)
            discard_records(home, INSIDE_TABLE, [each for each in there if str(each.record["asked_at"]) < oldest])
            home.write_record(INSIDE_TABLE, record, None)

    def keep_terminal(self, name: str) -> None:
        """Record the name that Jupyter gave the terminal. Earlier terminals of that name no longer exist."""
        self.mark_others_shut([name])
        self._update("terminal", name)

    def mark_others_shut(self, names: Collection[str]) -> None:
        """Record that the terminals with these names no longer exist, whichever inspection opened them."""
        with state_errors():
            home, place = state_home().records, self._key()[:2]
            for each in home.read_records(INSIDE_TABLE, *place):
                if {each.record["terminal"], each.record["asked_for"]} & set(names):
                    key = INSIDE_TABLE.key_of(each.record)
                    change_record(home, INSIDE_TABLE, key, lambda row: {**row, "is_shut": 1})

    def mark_typed(self) -> None:
        """Record that the command may have been typed, before it is: its terminal then ends by itself.

        Raises:
            UsageError: the state cannot be used.
        """
        self._update("is_typed", 1)

    def mark_shut(self) -> None:
        """Record that the inspection's terminal no longer exists.

        Raises:
            UsageError: the state cannot be used.
        """
        self._update("is_shut", 1)

    def log_end(self, after: datetime) -> None:
        """Record the server's last activity that the inspection itself caused, by Jupyter's clock.

        Raises:
            UsageError: the state cannot be used.
        """
        self.left = after
        self._update("after", _format_time(after))

    def _update(self, column: str, value: str | int) -> None:
        with state_errors():
            change_record(state_home().records, INSIDE_TABLE, self._key(), lambda row: {**row, column: value})

    def _key(self) -> tuple[str, str, str]:
        return self.client.session.endpoint_id(), self.notebook.arn, self.asked_for


def _format_time(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="microseconds")


def _parse_inspection(row: Record) -> PastInspection:
    after, terminal = row["after"], row["terminal"]
    return PastInspection(
        asked_at=datetime.fromisoformat(str(row["asked_at"])),
        before=datetime.fromisoformat(str(row["before"])),
        after=datetime.fromisoformat(str(after)) if after else None,
        terminal=None if terminal is None else str(terminal),
        others=frozenset(json.loads(str(row["others"]))),
        is_shut=bool(row["is_shut"]),
        asked_for=str(row["asked_for"]),
        is_typed=bool(row["is_typed"]),
    )


_NAMES_FILE = "names.sqlite"
_SCHEMA = """CREATE TABLE IF NOT EXISTS notebook_names (
    endpoint TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL,
    PRIMARY KEY (endpoint, account, region, name)
)"""
_PLACE = "endpoint = ? AND account = ? AND region = ?"


def remember_names(client: AwsClient, notebooks: Collection[Notebook]) -> None:
    """Remember the names of all notebooks of a Region. A state folder that cannot be written costs suggestions only."""
    if not notebooks:  # without an ARN the account is not known
        return
    account = next(iter(notebooks)).account or ""
    with suppress(OSError, sqlite3.Error):
        place, wanted = (client.session.endpoint_id(), account, client.region), {each.name for each in notebooks}
        with open_db(_NAMES_FILE, _SCHEMA) as session:
            known = {row[0] for row in session.execute(f"SELECT name FROM notebook_names WHERE {_PLACE}", place)}
            session.executemany(
                f"DELETE FROM notebook_names WHERE {_PLACE} AND name = ?", [(*place, name) for name in known - wanted]
            )
            session.executemany(
                "INSERT INTO notebook_names VALUES (?, ?, ?, ?)", [(*place, name) for name in wanted - known]
            )


def known_notebook_names() -> list[str]:
    """The names of all notebooks that were last seen, of whatever account and Region."""
    return _read_names("SELECT DISTINCT name FROM notebook_names ORDER BY name")


def suggest_notebook_name(client: AwsClient, name: str) -> str:
    """The beginning of a hint that says which name may have been meant, such as "Did you mean 'course'? ". Empty: none
    that is known is close.
    """
    known = _read_names(
        "SELECT DISTINCT name FROM notebook_names WHERE endpoint = ? AND region = ?",
        client.session.endpoint_id(),
        client.region,
    )
    close = difflib.get_close_matches(name, known, n=1)
    return f"Did you mean '{close[0]}'? " if close else ""


def _read_names(query: str, *values: str) -> list[str]:
    """The names that a query finds; none where there is no file, or it cannot be read."""
    with suppress(OSError, sqlite3.Error):
        if (state_dir() / _NAMES_FILE).exists():
            with open_db(_NAMES_FILE, _SCHEMA) as session:
                return [row[0] for row in session.execute(query, values)]
    return []

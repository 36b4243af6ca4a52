"""The journal's entries as values, and the journal in SQLite files of the state folder."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from opskit.state.change_outcome import ChangeOutcome, OutcomeMeaning
from opskit.state.paths import kept_state_dir, report_short_lived_state
from opskit.state.store import open_db, read_only_db


@dataclass(frozen=True)
class StopDetails:
    """What is recorded with a stop, so that its savings can be computed later: ``usd_per_hour``, the price at that time
    (None: not known), and since when the notebook had been running.
    """

    usd_per_hour: Decimal | None
    running_since: datetime


@dataclass(frozen=True)
class JournalEntry:
    """One entry of the journal.

    ``outcome``: ``done``; ``refused`` (AWS refused: nothing changed); ``unknown`` (sent, no response, and no later read
    has confirmed it); ``failed`` (an error in opskit itself); ``dropped`` (not sent, because the last read spoke
    against it); ``begun`` (no outcome was written: it is still running, or was killed). ``ended_at`` None: no outcome
    was written. ``account`` and ``caller`` None: STS could not be read. ``stop`` None: none was recorded; whether it
    was a stop, ``action`` tells.
    """

    id: str
    started_at: datetime
    ended_at: datetime | None
    endpoint: str
    account: str | None
    caller: str | None
    region: str
    action: str
    subject: str
    reason: str
    outcome: str
    detail: str
    stop: StopDetails | None = None

    @property
    def meaning(self) -> OutcomeMeaning:
        """What its outcome means, whichever opskit wrote the word."""
        return ChangeOutcome(self.outcome).meaning


@dataclass(frozen=True)
class ChangeKind:
    """Changes of the same kind: what they did, to what, and where. ``account`` None: STS could not be read."""

    endpoint: str
    account: str | None
    region: str
    action: str
    subject: str


@dataclass(frozen=True)
class JournalPart:
    """Entries in the order in which they were written. ``damage``: why some are missing; empty: all are there.
    ``restores`` are the tags that bring back what an entry stopped, by the entry's ID.
    """

    entries: tuple[JournalEntry, ...]
    damage: str = ""


class JournalStore(Protocol):
    """Where the journal is.

    Raises:
        OSError, sqlite3.Error: the home cannot be used (all methods).
    """

    def add_entry(self, entry: JournalEntry, restore: Mapping[str, str] | None = None) -> None:
        """Write an entry behind all others; one with its ID that is there already stays as it is. ``restore`` are the
        tags that bring back what is about to be stopped.
        """

    def end_entry(self, entry: JournalEntry) -> None:
        """Write the outcome of an entry that was added."""

    def confirm_newest(self, kind: ChangeKind, evidence: str) -> None:
        """Mark the newest change of a kind whose outcome is unknown as done, by ``evidence``."""

    def read_entries(self, since: datetime) -> JournalPart:
        """The entries that began since a time."""

    def read_restores(self) -> Mapping[str, Mapping[str, str]]:
        """All tags that bring back what entries stopped, by the entry's ID."""


JOURNAL_FILE = "journal.sqlite"
ENTRIES_SCHEMA = """CREATE TABLE IF NOT EXISTS entries (
    id TEXT PRIMARY KEY, begun TEXT NOT NULL, ended TEXT, endpoint TEXT NOT NULL, account TEXT, caller TEXT,
    region TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL, because TEXT NOT NULL,
    outcome TEXT NOT NULL, detail TEXT NOT NULL
)"""
# A table of its own for what only stops have, so that files of an older opskit need no migration, and an older opskit
# can still use newer files.
_STOPS_SCHEMA = "CREATE TABLE IF NOT EXISTS stops (id TEXT PRIMARY KEY, usd_per_hour TEXT, running_since TEXT)"
# What brings a stopped endpoint back, as it was written onto its configuration; a table of its own for the same reason.
_RESTORES_SCHEMA = "CREATE TABLE IF NOT EXISTS restores (id TEXT PRIMARY KEY, tags TEXT NOT NULL)"
# Always named in full, so that files of a newer opskit, which may have more columns, can be read.
_COLUMNS = "id, begun, ended, endpoint, account, caller, region, action, subject, because, outcome, detail"
_ENTRIES = f"""SELECT {_COLUMNS}, stops.usd_per_hour, stops.running_since
    FROM entries LEFT JOIN stops USING (id) WHERE begun >= ? ORDER BY entries.rowid"""


class FileJournal:
    """The journal in the state folder, wherever that is when it is used."""

    def add_entry(self, entry: JournalEntry, restore: Mapping[str, str] | None = None) -> None:
        """Write an entry behind all others; one with its ID that is there already stays as it is.

        Raises:
            OSError, sqlite3.Error: the file cannot be written.
        """
        report_short_lived_state()
        row = entry_row(entry)
        with open_db(JOURNAL_FILE, ENTRIES_SCHEMA, _STOPS_SCHEMA, _RESTORES_SCHEMA) as session:
            added = session.execute(
                f"INSERT OR IGNORE INTO entries ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [row[name.strip()] for name in _COLUMNS.split(",")],
            )
            if not added.rowcount:
                return
            if entry.stop:
                values = (entry.id, row["usd_per_hour"], row["running_since"])
                session.execute("INSERT INTO stops (id, usd_per_hour, running_since) VALUES (?, ?, ?)", values)
            if restore:
                session.execute("INSERT INTO restores (id, tags) VALUES (?, ?)", (entry.id, json.dumps(dict(restore))))

    def end_entry(self, entry: JournalEntry) -> None:
        """Write the outcome of an entry.

        Raises:
            OSError, sqlite3.Error: the file cannot be written.
        """
        with open_db(JOURNAL_FILE, ENTRIES_SCHEMA) as session:
            row = entry_row(entry)
            session.execute(
                "UPDATE entries SET ended = ?, outcome = ?, detail = ? WHERE id = ?",
                (row["ended"], row["outcome"], row["detail"], entry.id),
            )

    def confirm_newest(self, kind: ChangeKind, evidence: str) -> None:
        """Mark the newest change of a kind whose outcome is unknown as done.

        Raises:
            OSError, sqlite3.Error: the file cannot be written.
        """
        same = (kind.endpoint, kind.region, kind.action, kind.subject, ChangeOutcome.UNKNOWN.value, kind.account)
        with open_db(JOURNAL_FILE, ENTRIES_SCHEMA, _STOPS_SCHEMA) as session:
            session.execute(
                # By the order of writing, since a clock may have been set back; IS, since an account may be NULL.
                "UPDATE entries SET outcome = ?, detail = ? WHERE rowid = (SELECT max(rowid) FROM entries"
                " WHERE endpoint = ? AND region = ? AND action = ? AND subject = ? AND outcome = ? AND account IS ?)",
                (ChangeOutcome.DONE.value, evidence, *same),
            )

    def read_entries(self, since: datetime) -> JournalPart:
        """The entries since a time, in the order in which they were written. What is whole is read also where the file
        is damaged further on, or cannot be written.

        Raises:
            OSError, sqlite3.Error: the file cannot be read.
        """
        kept = kept_state_dir() / JOURNAL_FILE
        if os.path.exists(kept) and not _is_writable(kept):  # noqa: PTH110 - Path.exists raises where no one may enter
            with read_only_db(kept) as session:
                return _whole_entries(session, since)
        with open_db(JOURNAL_FILE, ENTRIES_SCHEMA, _STOPS_SCHEMA) as session:
            return _whole_entries(session, since)

    def read_restores(self) -> Mapping[str, Mapping[str, str]]:
        """All tags that bring back what entries stopped, by the entry's ID.

        Raises:
            OSError, sqlite3.Error: the file cannot be read.
        """
        with open_db(JOURNAL_FILE, ENTRIES_SCHEMA, _RESTORES_SCHEMA) as session:
            return {row["id"]: json.loads(row["tags"]) for row in session.execute("SELECT id, tags FROM restores")}


def entry_row(entry: JournalEntry) -> dict[str, str | None]:
    """An entry's values by the names that are stored, which an older opskit knows."""
    stop = entry.stop
    return {
        "id": entry.id,
        "begun": format_time(entry.started_at),
        "ended": format_time(entry.ended_at) if entry.ended_at else None,
        "endpoint": entry.endpoint,
        "account": entry.account,
        "caller": entry.caller,
        "region": entry.region,
        "action": entry.action,
        "subject": entry.subject,
        "because": entry.reason,
        "outcome": entry.outcome,
        "detail": entry.detail,
        "usd_per_hour": None if stop is None or stop.usd_per_hour is None else str(stop.usd_per_hour),
        "running_since": format_time(stop.running_since) if stop else None,
    }


def parse_entry(row: Mapping[str, str | None]) -> JournalEntry:
    """An entry from its stored values.

    Raises:
        ValueError, TypeError, ArithmeticError: a value is not what an entry has there.
    """
    values = dict(row)
    usd, running_since = values.pop("usd_per_hour"), values.pop("running_since")
    stop = StopDetails(Decimal(usd) if usd else None, datetime.fromisoformat(running_since)) if running_since else None
    ended = values.pop("ended")
    started_at = datetime.fromisoformat(str(values.pop("begun")))
    return JournalEntry(
        started_at=started_at,
        ended_at=datetime.fromisoformat(ended) if ended else None,
        reason=str(values.pop("because")),
        stop=stop,
        **values,  # type: ignore[arg-type]
    )


def format_time(when: datetime) -> str:
    """A time as it is stored: always UTC and six digits, so that texts compare as times do."""
    return when.astimezone(UTC).isoformat(timespec="microseconds")


def _is_writable(path: Path) -> bool:
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK | os.X_OK)


def _whole_entries(session: sqlite3.Connection, since: datetime) -> JournalPart:
    entries, damage = list[JournalEntry](), ""
    rows = iter(session.execute(_ENTRIES, (format_time(since),)))
    while True:
        try:
            entries.append(parse_entry(dict(next(rows))))
        except StopIteration:
            break
        except (ValueError, TypeError, ArithmeticError) as error:
            damage = damage or str(error)
        except sqlite3.DatabaseError as error:  # the rest of the file cannot be read
            if not entries:
                raise
            damage = str(error)
            break
    return JournalPart(tuple(entries), damage)

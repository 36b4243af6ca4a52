"""The entries of the journal, and what a home of it has to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

STARTED = "begun"
DONE = "done"
REFUSED = "refused"
UNKNOWN = "unknown"
FAILED = "failed"
DROPPED = "dropped"


@dataclass(frozen=True)
class StopDetails:
    """What is recorded with a stop, so that its savings can be computed later: the price in USD per hour at that time
    (None: unknown), and since when the notebook had been running.
    """

    usd_per_hour: Decimal | None
    running_since: datetime


@dataclass(frozen=True)
class JournalEntry:
    """One entry of the journal.

    ``outcome``: ``done``; ``refused`` (AWS refused: nothing changed); ``unknown`` (sent, no response, and no later read
    has confirmed it); ``failed`` (an error in opskit itself); ``dropped`` (not sent, because the last read spoke
    against it); ``begun`` (no outcome was written: it is still running, or was killed). ``account`` and ``caller``
    None: STS could not be read. ``stop`` None: not a stop, or written before opskit recorded prices.
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


@dataclass(frozen=True)
class ChangeKind:
    """Changes of the same kind: what they did, to what, and where."""

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

"""What stays where both homes have a record with the same key, or the same entry of the journal: nothing that either
knows may be forgotten, and what may have been sent stays so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from opskit.increases.store.queue import QueueState
from opskit.state.journal_entries import DONE, STARTED, UNKNOWN, JournalEntry
from opskit.state.records import Record

# Of what is known less of to more: an outcome that was looked up is better than one that was not.
_KNOWN = {STARTED: 0, UNKNOWN: 1}


def merge_entries(theirs: JournalEntry, ours: JournalEntry) -> JournalEntry | None:
    """The entry that replaces ``theirs``, by what ``ours`` knows of the same change; None: theirs stays."""
    return ours if _known(ours) > _known(theirs) else None


def _known(entry: JournalEntry) -> int:
    return 3 if entry.outcome == DONE else _KNOWN.get(entry.outcome, 2)


def merge_records(table: str, theirs: Record, ours: Record) -> Record:
    """Of two records with the same key, one from each home, what both come to."""
    return _MERGES.get(table, _keep_theirs)(theirs, ours)


def _keep_theirs(theirs: Record, ours: Record) -> Record:
    return theirs


def _merge_queued(theirs: Record, ours: Record) -> Record:
    """An attempt of either may be at AWS, so it stays one until it was looked up; else the later word counts."""
    attempts = [each for each in (theirs, ours) if each["standing"] == QueueState.ATTEMPTED.value]
    return _later("since")(*(attempts * 2)[:2]) if attempts else _later("since")(theirs, ours)


def _merge_look_inside(theirs: Record, ours: Record) -> Record:
    """What two homes know of one look inside."""
    named = {name: theirs[name] if theirs[name] is not None else ours[name] for name in ("after", "terminal")}
    # A look goes forward only (a terminal is named, typed into, shut), so whichever is further is right.
    done = {name: max(int(theirs[name] or 0), int(ours[name] or 0)) for name in ("is_typed", "is_shut")}
    return {**theirs, **named, **done}


def _later(column: str) -> Callable[[Record, Record], Record]:
    return lambda theirs, ours: ours if str(ours[column]) > str(theirs[column]) else theirs


_MERGES: Mapping[str, Callable[[Record, Record], Record]] = {
    "asked": _merge_queued,
    "looks": _later("looked"),
    "looks_inside": _merge_look_inside,
    "ended_jobs": _later("ended_before"),
    "listed_prices": _later("read_at"),
}
"""By table; of all others either record is as good, and theirs stays."""

"""Moves opskit's state from one home to another. Where both have a record with the same key, or the same entry of the
journal, nothing that either knows may be forgotten, and what may have been sent stays so.

Everything is copied first. Only then are queued increases removed where they came from, so that no two homes wait to
send the same; each of them only if it is still as it was copied. The journal and what only saves time stay there too.
So a move that is killed at any point has lost nothing, and is run again; what is there already is written only where
the other home knows more of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from opskit.core.exceptions import UsageError
from opskit.increases.store import LOOKS_TABLE, MAY_HAVE_ARRIVED, QUEUE_TABLE
from opskit.inventory.store import OWNERS_TABLE
from opskit.notebooks.store import INSIDE_TABLE
from opskit.notifications.store import GRACES_TABLE
from opskit.quotas.store import CONFIGS_TABLE, ENDED_JOBS_TABLE, PRICES_TABLE, VOLUMES_TABLE
from opskit.state.home import PACES_TABLE, StateHome
from opskit.state.journal_file import JournalEntry
from opskit.state.paths import state_errors
from opskit.state.records import Record, RecordChanged, RecordTable, StoredRecord


def merge_entries(theirs: JournalEntry, ours: JournalEntry) -> JournalEntry | None:
    """The entry that replaces ``theirs``, by what ``ours`` knows of the same change; None: theirs stays."""
    return ours if ours.meaning.known > theirs.meaning.known else None


def merge_records(table: str, theirs: Record, ours: Record) -> Record:
    """Of two records with the same key, one from each home, what both come to."""
    return _MERGES.get(table, _keep_theirs)(theirs, ours)


def _keep_theirs(theirs: Record, ours: Record) -> Record:
    return theirs


def _merge_queued(theirs: Record, ours: Record) -> Record:
    """An attempt of either may be at AWS, so it stays one until it was looked up; else the later word counts."""
    attempts = [each for each in (theirs, ours) if each["standing"] in MAY_HAVE_ARRIVED]
    return _later("since")(*(attempts * 2)[:2]) if attempts else _later("since")(theirs, ours)


def _merge_inspection(theirs: Record, ours: Record) -> Record:
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
    "looks_inside": _merge_inspection,
    "ended_jobs": _later("ended_before"),
    "listed_prices": _later("read_at"),
}
"""By table; of all others either record is as good, and theirs stays."""


MOVED_TABLES = (
    *(QUEUE_TABLE, LOOKS_TABLE, INSIDE_TABLE, GRACES_TABLE, ENDED_JOBS_TABLE),
    *(CONFIGS_TABLE, VOLUMES_TABLE, OWNERS_TABLE, PRICES_TABLE, PACES_TABLE),
)
"""All that is kept by records."""
JOURNAL = "journal"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class MovedState:
    """What a move did, by the kind of things: how many were found, and how many of them were written."""

    found: Mapping[str, int]
    written: Mapping[str, int]
    dry_run: bool = False


def move_state(source: StateHome, target: StateHome, *, dry_run: bool = False) -> MovedState:
    """Copy everything, then remove the queue from ``source``. ``dry_run``: only say what would be written.

    Raises:
        UsageError: a home cannot be used, or the journal of ``source`` is damaged.
    """
    found, written = Counter[str](), Counter[str]()
    with state_errors():
        found[JOURNAL], written[JOURNAL] = _copy_journal(source, target, dry_run=dry_run)
        for table in MOVED_TABLES:
            stored = source.records.read_everything(table)
            found[table.name] = len(stored)
            written[table.name] = _copy_records(target, table, stored, dry_run=dry_run)
        if not dry_run:
            written[QUEUE_TABLE.name] += _empty_queue(source, target)
    return MovedState(found, written, dry_run)


def _copy_journal(source: StateHome, target: StateHome, *, dry_run: bool) -> tuple[int, int]:
    part = source.journal.read_entries(_EPOCH)
    if part.damage:
        hint = "Move away the damaged file by hand; `opskit history` shows what of it is whole."
        raise UsageError("journal-damaged", f"Part of the journal cannot be read: {part.damage}.", hint)
    restores = source.journal.read_restores()
    there = {entry.id: entry for entry in target.journal.read_entries(_EPOCH).entries}
    written = 0
    for entry in part.entries:
        changed = _entry_to_write(there.get(entry.id), entry)
        written += changed is not None
        if changed is None or dry_run:
            continue
        if entry.id not in there:
            target.journal.add_entry(changed, restores.get(entry.id))
        target.journal.end_entry(changed)
    return len(part.entries), written


def _entry_to_write(theirs: JournalEntry | None, ours: JournalEntry) -> JournalEntry | None:
    return ours if theirs is None else merge_entries(theirs, ours)


def _copy_records(target: StateHome, table: RecordTable, stored: Sequence[StoredRecord], *, dry_run: bool) -> int:
    """Copy records; how many were written."""
    partitions = {table.key_of(each.record)[: table.partition] for each in stored}
    there = {
        table.key_of(each.record): each
        for partition in partitions
        for each in target.records.read_records(table, *partition)
    }
    written = 0
    for each in stored:
        written += _copy_record(target, table, each.record, there.get(table.key_of(each.record)), dry_run=dry_run)
    return written


def _copy_record(
    target: StateHome, table: RecordTable, ours: Record, theirs: StoredRecord | None, *, dry_run: bool
) -> bool:
    """Copy one record in place of what is there; whether it was written."""
    key = table.key_of(ours)
    while True:
        merged = merge_records(table.name, theirs.record, ours) if theirs else ours
        if theirs and table.row_of(merged) == table.row_of(theirs.record):
            return False
        if dry_run:
            return True
        with suppress(RecordChanged):
            target.records.write_record(table, merged, theirs)
            return True
        again = target.records.read_records(table, *key)
        theirs = next((each for each in again if table.key_of(each.record) == key), None)


def _empty_queue(source: StateHome, target: StateHome) -> int:
    """Remove what was copied from the queue; how much was copied again."""
    written = 0
    while stored := source.records.read_everything(QUEUE_TABLE):
        # What has changed meanwhile is copied again first: a queue that is emptied unseen would lose a request.
        written += _copy_records(target, QUEUE_TABLE, stored, dry_run=False)
        for each in stored:
            with suppress(RecordChanged):
                source.records.delete_record(QUEUE_TABLE, each)
    return written

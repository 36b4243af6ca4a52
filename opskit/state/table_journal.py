"""The journal as items of a DynamoDB table.

Entries of a month share a partition, and each has a number from one counter of the table: by it they are in order
whatever the clocks of the machines that wrote them say. A partition ``journal-months`` has an item for each month, so
that all are found without a scan. An entry whose outcome is unknown has a second item that names it, by which a later
read that shows its effect finds it. That item is written first and removed last, so a kill between leaves one too many,
which whoever finds it sees by the entry.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from opskit.aws.state_table import StateTable
from opskit.aws.table_items import PARTITION, SORT, WRITE_ID, Item, ItemChanged, ItemKey
from opskit.state.change_outcome import ChangeOutcome
from opskit.state.journal_file import (
    ChangeKind,
    JournalEntry,
    JournalPart,
    entry_row,
    format_time,
    parse_entry,
)
from opskit.state.table_records import table_errors, write_attributes

_COUNTER = ItemKey("journal-counter", "#")
_MONTHS = "journal-months"
_ROW_NAMES = (
    *("id", "begun", "ended", "endpoint", "account", "caller", "region", "action", "subject", "because"),
    *("outcome", "detail", "usd_per_hour", "running_since"),
)


@dataclass
class TableJournal:
    """The journal in a table.

    Raises:
        StateUnreachable: the table cannot be used (all methods).
    """

    table: StateTable
    _known_months: set[str] = field(default_factory=set)

    def add_entry(self, entry: JournalEntry, restore: Mapping[str, str] | None = None) -> None:
        """Write an entry behind all others; one with its ID that is there already stays as it is."""
        key = _entry_key(entry)
        with table_errors():
            # The month first: an entry of a month that is not listed would never be read.
            self._note_month(key)
            if self.table.find_item(key) is not None:
                return
            if entry.outcome == ChangeOutcome.UNKNOWN:  # of another home: this one's begin otherwise
                self._point_to(entry)
            extra = {"restore": json.dumps(dict(restore))} if restore else {}
            number = {"number": self.table.next_number(_COUNTER)}
            with suppress(ItemChanged):  # another run that moves the same state here was faster
                self.table.put_item(key, write_attributes({**entry_row(entry), **number, **extra}), replaces=None)

    def end_entry(self, entry: JournalEntry) -> None:
        """Write the outcome of an entry that was added."""
        with table_errors():
            # The pointer first: killed in between, it leads to an entry that confirm_newest skips; without one the
            # entry could never be confirmed.
            if entry.outcome == ChangeOutcome.UNKNOWN:
                self._point_to(entry)
            while item := self.table.find_item(_entry_key(entry)):
                try:
                    self.table.put_item(_entry_key(entry), _with_outcome(item, entry), replaces=item[WRITE_ID]["S"])
                except ItemChanged:
                    continue  # read again what is there now
                return

    def confirm_newest(self, kind: ChangeKind, evidence: str) -> None:
        """Mark the newest change of a kind whose outcome is unknown as done."""
        with table_errors():
            pointers = list(self.table.query_items(_pointer_partition(kind)))
            found = [(pointer, self.table.find_item(_pointed_key(pointer))) for pointer in pointers]
            unknown = [
                (p, item) for p, item in found if item is not None and item["outcome"]["S"] == ChangeOutcome.UNKNOWN
            ]
            if not unknown:
                return
            pointer, newest = max(unknown, key=lambda pair: _number_of(pair[1]))
            entry = replace(_parse_item(newest), outcome=ChangeOutcome.DONE, detail=evidence)
            try:
                key = _entry_key(entry)
                # The outcome first: killed in between, the pointer leads to an entry that is done, which is skipped.
                self.table.put_item(key, _with_outcome(newest, entry), replaces=newest[WRITE_ID]["S"])
                self.table.delete_item(_key_of(pointer), replaces=pointer[WRITE_ID]["S"])
            except ItemChanged:
                return  # another run has seen the same

    def read_entries(self, since: datetime) -> JournalPart:
        """The entries that began since a time, in the order of their numbers."""
        first, damage = format_time(since)[: len("2026-11")], ""
        numbered: list[tuple[int, JournalEntry]] = []
        with table_errors():
            months = [item[SORT]["S"] for item in self.table.query_items(_MONTHS)]
            for item in self._items_of([month for month in months if month >= first]):
                try:
                    numbered.append((_number_of(item), _parse_item(item)))
                except (KeyError, ValueError, TypeError, ArithmeticError) as error:
                    damage = damage or f"{item[SORT]['S']}: {error}"
        entries = (entry for _, entry in sorted(numbered, key=lambda pair: pair[0]) if entry.started_at >= since)
        return JournalPart(tuple(entries), damage)

    def read_restores(self) -> Mapping[str, Mapping[str, str]]:
        """All tags that bring back what entries stopped, by the entry's ID."""
        with table_errors():
            months = [item[SORT]["S"] for item in self.table.query_items(_MONTHS)]
            return {
                item["id"]["S"]: json.loads(item["restore"]["S"])
                for item in self._items_of(months)
                if "restore" in item and "id" in item
            }

    def _items_of(self, months: list[str]) -> Iterator[Item]:
        for month in months:
            yield from self.table.query_items(f"journal#{month}")

    def _note_month(self, key: ItemKey) -> None:
        month = key.partition.partition("#")[2]
        if month in self._known_months:
            return
        with suppress(ItemChanged):  # it is there, which is all that is wanted
            self.table.put_item(ItemKey(_MONTHS, month), {}, replaces=None)
        self._known_months.add(month)

    def _point_to(self, entry: JournalEntry) -> None:
        kind = ChangeKind(entry.endpoint, entry.account, entry.region, entry.action, entry.subject)
        key = ItemKey(_pointer_partition(kind), entry.id)
        self.table.overwrite_item(key, {"month": {"S": _month_of(entry)}})


def _entry_key(entry: JournalEntry) -> ItemKey:
    return ItemKey(f"journal#{_month_of(entry)}", entry.id)


def _month_of(entry: JournalEntry) -> str:
    return format_time(entry.started_at)[: len("2026-11")]


def _pointer_partition(kind: ChangeKind) -> str:
    """The partition of the pointers to entries of a kind."""
    # Hashed, since names of things may be long and hold anything; nobody but ``confirm_newest`` reads it.
    told = json.dumps([kind.endpoint, kind.account, kind.region, kind.action, kind.subject])
    return f"journal-unknown#{hashlib.sha256(told.encode()).hexdigest()[:32]}"


def _pointed_key(pointer: Item) -> ItemKey:
    return ItemKey(f"journal#{pointer['month']['S']}", pointer[SORT]["S"])


def _key_of(item: Item) -> ItemKey:
    return ItemKey(item[PARTITION]["S"], item[SORT]["S"])


def _with_outcome(item: Item, entry: JournalEntry) -> dict[str, Any]:
    """The same item with how the entry ended; what a newer opskit has put into it stays."""
    row = entry_row(entry)
    ended = {name: row[name] for name in ("ended", "outcome", "detail")}
    return {**item, **write_attributes(ended)}


def _number_of(item: Item) -> int:
    return int(item["number"]["N"])


def _parse_item(item: Item) -> JournalEntry:
    """An entry from its item.

    Raises:
        KeyError, ValueError, TypeError, ArithmeticError: the item is not an entry's.
    """
    return parse_entry({name: item[name]["S"] if name in item else None for name in _ROW_NAMES})

"""Records as items of a DynamoDB table. A record's partition is its item's partition key, the rest of its key is the
sort key; its columns are attributes, so that the table can be read in AWS's console too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from opskit.aws.state_table import StateTable
from opskit.aws.table_items import (
    EXPIRES,
    LARGEST_ITEM,
    WRITE_ID,
    Item,
    ItemChanged,
    ItemKey,
    ItemLease,
    LeaseLost,
    item_size,
)
from opskit.core.exceptions import AwsError
from opskit.state.records import (
    HeldLock,
    LockLost,
    Record,
    RecordChanged,
    RecordTable,
    StateUnreachable,
    StoredRecord,
    Value,
)

# Expired items are removed by DynamoDB within days, and by its clock; nobody reads them by then.
_EXPIRY_MARGIN = timedelta(days=7)


@dataclass(frozen=True)
class TableRecords:
    """Records in a table.

    Raises:
        StateUnreachable: the table cannot be used (all methods).
    """

    table: StateTable

    def read_records(self, kind: RecordTable, *prefix: Value) -> list[StoredRecord]:
        """The records whose key begins with ``prefix``, as of now."""
        key = item_key(kind, prefix)
        with table_errors():
            return [_stored(kind, item) for item in self.table.query_items(key.partition, key.sort)]

    def read_everything(self, kind: RecordTable) -> list[StoredRecord]:
        """All records of a kind, by a scan of the table."""
        with table_errors():
            return [_stored(kind, item) for item in self.table.scan_items(f"{kind.name}#")]

    def write_record(
        self, kind: RecordTable, record: Record, replaces: StoredRecord | None, lock: HeldLock | None = None
    ) -> StoredRecord:
        """Write a record in place of the one that was read, and only while ``lock`` is this run's.

        Raises:
            RecordChanged: something else is there now.
            LockLost: another run holds the lock.
        """
        key, item = self._item_of(kind, record)
        version = replaces.version if replaces else None
        with table_errors():
            return StoredRecord(record, self.table.put_item(key, item, replaces=version, lease=_lease_of(lock)))

    def delete_record(self, kind: RecordTable, stored: StoredRecord) -> None:
        """Delete a record that was read.

        Raises:
            RecordChanged: something else is there now, or nothing.
        """
        with table_errors():
            self.table.delete_item(item_key(kind, kind.key_of(stored.record)), replaces=stored.version)

    def put_records(
        self, kind: RecordTable, records: Sequence[Record], *, deletes: Sequence[tuple[Value, ...]] = ()
    ) -> None:
        """Write and delete records whatever is there, in batches, each of which may be all that is written."""
        puts = dict(self._item_of(kind, record) for record in records)
        with table_errors():
            self.table.write_batch(puts, [item_key(kind, key) for key in deletes])

    def _item_of(self, kind: RecordTable, record: Record) -> tuple[ItemKey, Item]:
        item = write_attributes({column: record[column] for column in kind.columns})
        if kind.kept_for is not None:
            expires = self.table.local_clock() + self.table.clock_skew() + kind.kept_for + _EXPIRY_MARGIN
            item[EXPIRES] = {"N": str(int(expires.timestamp()))}
        if item_size(item) > LARGEST_ITEM - 1024:  # the rest is for the key and the write's ID
            text = f"A record of {kind.name} has {item_size(item)} bytes, and DynamoDB takes {LARGEST_ITEM} in an item."
            raise StateUnreachable(AwsError("state-too-large", text))
        return item_key(kind, kind.key_of(record)), item


@contextmanager
def table_errors() -> Iterator[None]:
    """Translate what the table raises in the block into what every home raises.

    Raises:
        StateUnreachable, RecordChanged, LockLost: as their names say.
    """
    try:
        yield
    except ItemChanged as error:
        raise RecordChanged from error
    except LeaseLost as error:
        raise LockLost from error
    except AwsError as error:
        raise StateUnreachable(error) from error


def item_key(kind: RecordTable, prefix: Sequence[Value]) -> ItemKey:
    """The key of an item, or what the keys of several begin with, by the first columns of a record's key."""
    parts = [_key_part(kind, column, value) for column, value in zip(kind.key, prefix, strict=False)]
    sort = "".join(f"{part}#" for part in parts[kind.partition :])
    # A key that is all partition still needs a sort key.
    whole = len(parts) == len(kind.key)
    return ItemKey("#".join([kind.name, *parts[: kind.partition]]), sort or ("#" if whole else ""))


def _key_part(kind: RecordTable, column: str, value: Value) -> str:
    # Numbers by their kind: 4 and 4.0 are one key to SQLite too.
    number = kind.numbers.get(column)
    text = repr(number(value)) if number and value is not None else str(value)
    return text.replace("%", "%25").replace("#", "%23")


def write_attributes(values: Mapping[str, Value]) -> dict[str, Any]:
    """Values as DynamoDB writes them. What is None is left out."""
    return {
        name: {"S": value} if isinstance(value, str) else {"N": repr(value)}
        for name, value in values.items()
        if value is not None
    }


def _stored(kind: RecordTable, item: Item) -> StoredRecord:
    record = {column: _value_of(kind, column, item.get(column)) for column in kind.columns}
    return StoredRecord(record, str(item[WRITE_ID]["S"]))


def _value_of(kind: RecordTable, column: str, attribute: Mapping[str, str] | None) -> Value:
    if attribute is None:
        return None
    if "N" in attribute:
        return kind.numbers.get(column, float)(attribute["N"])
    return attribute["S"]


def _lease_of(lock: HeldLock | None) -> ItemLease | None:
    fence = lock.fence if lock else None
    return fence if isinstance(fence, ItemLease) else None

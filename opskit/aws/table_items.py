"""The items of the table that holds opskit's own state: key, attributes, and what a write of one may meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PARTITION, SORT, WRITE_ID, EXPIRES = "pk", "sk", "write_id", "expires_at"
LARGEST_ITEM = 400 * 1024
"""Bytes that DynamoDB takes in one item, names included."""

Item = Mapping[str, Any]
"""Attributes as DynamoDB writes them: ``{"S": "text"}``, ``{"N": "1"}``."""


class ItemChanged(Exception):
    """A condition did not hold: somebody else has written the item, or it is gone. Nothing was written."""


class LeaseLost(Exception):
    """A write was refused because its lease belongs to somebody else. Nothing was written."""


@dataclass(frozen=True)
class ItemKey:
    """The two parts of an item's key."""

    partition: str
    sort: str

    def as_item(self) -> dict[str, Any]:
        """As DynamoDB writes it."""
        return {PARTITION: {"S": self.partition}, SORT: {"S": self.sort}}


@dataclass(frozen=True)
class ItemLease:
    """The item that must be held by ``holder`` for a write to count."""

    key: ItemKey
    holder: str


def item_size(item: Item) -> int:
    """About the bytes that DynamoDB counts of an item: those of names and values in UTF-8."""
    return sum(
        len(name.encode()) + sum(len(str(each).encode()) for each in value.values()) for name, value in item.items()
    )

"""What is remembered of a Region so that it need not be read from AWS again. Forgetting costs only another look, so no
error here keeps anybody from one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress
from decimal import InvalidOperation
from typing import TypeVar

from opskit.aws.client import AwsClient
from opskit.core.exceptions import AwsError
from opskit.state.home import state_home
from opskit.state.paths import account_key
from opskit.state.records import Record, RecordTable, replace_partition

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")

REGION_COLUMNS = ("endpoint", "account", "region")
"""The columns that say of which Region a record is; the key of its table begins with them."""


def load_region_memory(
    client: AwsClient, table: RecordTable, parse: Callable[[Record], tuple[KeyT, ValueT]]
) -> dict[KeyT, ValueT]:
    """What is remembered of the client's Region; nothing where that cannot be read or understood."""
    try:
        place = (*account_key(client), client.region)
        return dict(parse(each.record) for each in state_home().records.read_records(table, *place))
    except (OSError, sqlite3.Error, ValueError, InvalidOperation, AwsError):
        return {}


def save_region_memory(
    client: AwsClient, table: RecordTable, records: Iterable[Record], *, keeps_others: bool = False
) -> None:
    """Remember these records, which do not name the Region, of the client's; the Region's others are forgotten unless
    ``keeps_others``. Where the state cannot be written, what they tell is read again.
    """
    with suppress(OSError, sqlite3.Error, AwsError):
        place = (*account_key(client), client.region)
        told: list[Record] = [{**dict(zip(REGION_COLUMNS, place, strict=True)), **each} for each in records]
        if keeps_others:
            state_home().records.put_records(table, told)
        else:
            replace_partition(state_home().records, table, told, *place)

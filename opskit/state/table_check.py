"""Looks at the table that holds opskit's state: whether it is there, is as the template makes it, and can be read."""

from __future__ import annotations

from opskit.aws.table_items import PARTITION, SORT
from opskit.state.home import StateHome
from opskit.state.table_records import TableRecords

_KEY = [{"AttributeName": PARTITION, "KeyType": "HASH"}, {"AttributeName": SORT, "KeyType": "RANGE"}]
_IN_USE = ("ACTIVE", "UPDATING")


def table_trouble(home: StateHome) -> str:
    """What keeps the table of a home from being used; empty: nothing that can be seen without writing.

    Raises:
        AwsError: AWS refused to say, or gave no response.
    """
    if not isinstance(home.records, TableRecords):
        return ""
    table = home.records.table
    described = table.describe_table()
    status = described.get("TableStatus")
    if status not in _IN_USE:
        return f"it is {status}"
    if described.get("KeySchema") != _KEY:
        found = ", ".join(str(part.get("AttributeName")) for part in described.get("KeySchema") or ())
        return f"its key is {found or 'not known'}, and opskit's is {PARTITION}, {SORT}"
    types = {part.get("AttributeName"): part.get("AttributeType") for part in described["AttributeDefinitions"]}
    if other := [name for name in (PARTITION, SORT) if types.get(name) != "S"]:
        return f"its key {other[0]} holds no text"
    next(table.query_items("doctor"), None)  # nothing is there: whether it may be asked is what counts
    return ""

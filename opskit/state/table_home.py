"""The home of opskit's state in a DynamoDB table, and a look at the table: whether it is there, is as the template
makes it, and can be read.
"""

from __future__ import annotations

from collections.abc import Callable

from opskit.aws.client import AwsClient
from opskit.aws.session import AwsSession
from opskit.aws.state_table import StateTable
from opskit.aws.table_items import PARTITION, SORT
from opskit.core.setting_values import TablePlace
from opskit.state.home import StateHome
from opskit.state.leases import TableLocks
from opskit.state.table_journal import TableJournal
from opskit.state.table_records import TableRecords


def open_table_home(place: TablePlace, connect: Callable[[], AwsSession]) -> StateHome:
    """The home in a table. ``connect`` opens the session of the command, when the state is first needed; the table is
    in the account of the credentials that it began with, not in that of a role that it assumed.
    """

    def connect_base() -> AwsClient:
        session = connect()
        return (session.assumed_from or session).client(place.region)

    return table_home(StateTable(connect_base, place.table), str(place))


def table_home(table: StateTable, name: str) -> StateHome:
    """The home in a table, by the name that people know it by."""
    return StateHome(
        TableRecords(table), TableJournal(table), TableLocks(table), name, table.clock_skew, table.local_clock
    )


_KEY = [{"AttributeName": PARTITION, "KeyType": "HASH"}, {"AttributeName": SORT, "KeyType": "RANGE"}]
_IN_USE = ("ACTIVE", "UPDATING")


def table_problem(home: StateHome) -> str:
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

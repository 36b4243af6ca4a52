"""The home of opskit's state in a DynamoDB table."""

from __future__ import annotations

from collections.abc import Callable

from opskit.aws.client import AwsClient
from opskit.aws.session import AwsSession
from opskit.aws.state_table import StateTable
from opskit.core.state_place import TablePlace
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
        TableRecords(table), TableJournal(table), TableLocks(table), name, table.clock_ahead, table.local_clock
    )

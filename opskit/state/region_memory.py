"""What is remembered of a Region so that it need not be read from AWS again, and the rates that AWS's throttling has
shown, so that the next run in the account begins at them. Forgetting costs only another look or time, so no error here
keeps anybody from anything, and nothing is said of it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import InvalidOperation
from typing import TypeVar

from opskit.aws.client import AwsClient
from opskit.aws.gather import start_in_background
from opskit.aws.session import AwsSession
from opskit.core.exceptions import AwsError
from opskit.state.home import home_kept_in, state_home
from opskit.state.paths import account_key, kept_state_dir
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


# Others' calls share the rates of an account, and what they do changes within hours: a run every hour still begins at
# what the last one has learnt.
PACES_KEPT = timedelta(hours=2)
PACES_TABLE = RecordTable(
    name="learnt_paces",
    file="learnt-paces.sqlite",
    schema=(
        """CREATE TABLE IF NOT EXISTS learnt_paces (
    endpoint TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL, operation TEXT NOT NULL,
    per_second REAL NOT NULL, learnt_at TEXT NOT NULL, PRIMARY KEY (endpoint, account, region, operation)
)""",
    ),
    columns=("endpoint", "account", "region", "operation", "per_second", "learnt_at"),
    key=("endpoint", "account", "region", "operation"),
    partition=2,
    numbers={"per_second": float},
    kept_for=PACES_KEPT,
)


def recall_paces(session: AwsSession) -> None:
    """Let the calls of a session, whose account is known, go on at what was learnt there. From a table it is read
    beside the first calls, since they need not wait for it.
    """
    if state_home().name is not None:
        start_in_background(lambda: _recall_paces(session))
    elif (kept_state_dir() / PACES_TABLE.file).exists():  # a look costs nothing where nothing was ever throttled
        _recall_paces(session)


def _recall_paces(session: AwsSession) -> None:
    with suppress(OSError, sqlite3.Error, ValueError, AwsError):
        home = state_home()
        stored = [each.record for each in home.records.read_records(PACES_TABLE, *account_key(session.client()))]
        now = home.clock_now()
        session.apply_learnt_paces(
            {(str(row["operation"]), str(row["region"])): float(row["per_second"] or 0)
             for row in stored if _is_young(row, now)}
        )  # fmt: skip


def _is_young(row: Record, now: datetime) -> bool:
    # By the home's clock, which is known to some seconds only: what was just written may be of the future.
    return abs(now - datetime.fromisoformat(str(row["learnt_at"]))) <= PACES_KEPT


def remember_paces(session: AwsSession) -> None:
    """Remember what the session's calls have learnt; mostly nothing, and then nothing is written."""
    if not (paces := session.take_learnt_paces()):
        return
    with suppress(OSError, sqlite3.Error, AwsError):
        if home_kept_in() is None:
            return
        home = state_home()
        endpoint, account = account_key(session.client())
        learnt_at = home.clock_now().isoformat()
        records: list[Record] = [
            {
                "endpoint": endpoint,
                "account": account,
                "region": region,
                "operation": operation,
                "per_second": per_second,
                "learnt_at": learnt_at,
            }
            for (operation, region), per_second in paces.items()
        ]
        # The last one counts, whatever it was before: of two runs at once both have seen what AWS takes then.
        home.records.put_records(PACES_TABLE, records)

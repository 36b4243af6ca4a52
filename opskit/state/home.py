"""Where opskit keeps what it remembers: a folder of this machine, or a table in an account that several machines share.
The command line chooses it (``--state``), and everything that is kept between runs is read and written through
``state_home()``.

What is remembered of a Region need not be read from AWS again; and at the rates that AWS's throttling has shown the
next run in the account begins. Forgetting costs only another look or time, so no error there keeps anybody from
anything, and nothing is said of it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import InvalidOperation
from functools import cache
from typing import TYPE_CHECKING, Protocol, TypeVar

from opskit.core.exceptions import AwsError
from opskit.state.paths import account_key, kept_in, kept_state_dir, state_use
from opskit.state.records import HeldLock, Record, RecordStore, RecordTable, replace_partition

if TYPE_CHECKING:
    from opskit.aws.client import AwsClient
    from opskit.aws.session import AwsSession
    from opskit.state.journal_file import JournalStore


class LockStore(Protocol):
    """Locks between all runs that share a home."""

    def hold_lock(self, *key: str, on_wait: Callable[[], None]) -> AbstractContextManager[HeldLock]:
        """Hold a lock for a block; ``on_wait`` is called if another run holds it and this one has to wait.

        Raises:
            UsageError: the home cannot be used.
        """


@dataclass(frozen=True)
class StateHome:
    """One home: its three kinds of things, and by how much its clock, which is one for all who share it, is ahead of
    this machine's, ``local_clock``. That is not known before the home's first answer. ``name`` is what people know it
    by; None: it is the state folder.
    """

    records: RecordStore
    journal: JournalStore
    locks: LockStore
    name: str | None = None
    clock_skew: Callable[[], timedelta] = timedelta
    local_clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def clock_now(self) -> datetime:
        """The time by the home's clock."""
        return self.local_clock() + self.clock_skew()


_home: StateHome | None = None


def state_home() -> StateHome:
    """The home of this run; the state folder, if none was chosen."""
    if _home is None:
        return local_home()  # its folder notes its use
    state_use.set()
    return _home


def home_kept_in() -> str | None:
    """What the state of this run is kept in: the home's name, else the folder; None: it is not kept, as in a CI job.

    Raises:
        OSError: the folder cannot be created, as where a file stands in its place.
    """
    return kept_in() if _home is None else _home.name


def choose_state_home(home: StateHome | None) -> None:
    """From now on this is the home (None: the state folder); one command runs at a time in a process."""
    global _home  # noqa: PLW0603 - as with the hooks of a run: what is deep below must not have to hand it on
    _home = home


@contextmanager
def use_state_home(home: StateHome | None) -> Iterator[None]:
    """The home for the duration of a block."""
    before = _home
    choose_state_home(home)
    try:
        yield
    finally:
        choose_state_home(before)


@cache
def local_home() -> StateHome:
    """The state folder, wherever that is when it is used."""
    # Not above: every command chooses its home, and most read no file of this one, which Windows lacks locks for.
    from opskit.state.journal_file import FileJournal
    from opskit.state.store import FileLocks, FileRecords

    return StateHome(FileRecords(), FileJournal(), FileLocks())


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
        from opskit.aws.gather import start_in_background

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
             for row in stored if _is_recent(row, now)}
        )  # fmt: skip


def _is_recent(row: Record, now: datetime) -> bool:
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

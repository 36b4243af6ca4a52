"""Where opskit keeps what it remembers: a folder of this machine, or a table in an account that several machines share.

The command line chooses it (``--state``), and everything that is kept between runs is read and written through
``state_home()``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from opskit.state.journal_file import FileJournal, JournalStore
from opskit.state.lock import FileLocks
from opskit.state.paths import kept_in, note_state_use
from opskit.state.records import HeldLock, RecordStore
from opskit.state.store import FileRecords


class LockStore(Protocol):
    """Locks between all runs that share a home."""

    def hold_lock(self, *key: str, on_wait: Callable[[], None]) -> AbstractContextManager[HeldLock]:
        """Hold a lock for a block; ``on_wait`` is called if another run holds it and this one has to wait.

        Raises:
            UsageError: the home cannot be used.
        """


@dataclass(frozen=True)
class StateHome:
    """One home: its three kinds of things, the name that people know it by (None: the state folder), and by how much
    its clock, which is one for all who share it, is ahead of this machine's, ``local_clock``. That is not known before
    the home's first answer.
    """

    records: RecordStore
    journal: JournalStore
    locks: LockStore
    name: str | None = None
    clock_ahead: Callable[[], timedelta] = timedelta
    local_clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def clock_now(self) -> datetime:
        """The time by the home's clock."""
        return self.local_clock() + self.clock_ahead()


_home: StateHome | None = None


def state_home() -> StateHome:
    """The home of this run; the state folder, if none was chosen."""
    if _home is None:
        return LOCAL_HOME  # its folder notes its use
    note_state_use()
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


LOCAL_HOME = StateHome(FileRecords(), FileJournal(), FileLocks())
"""The state folder, wherever that is when it is used."""

"""The journal: what opskit changed in an account, when, why, as whom, and how it ended. Never a secret.

An intent is written before a change and its outcome after it, so a kill in between leaves a line that says so.
A journal that cannot be written is said once and stops nothing: turning a notebook off matters more.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

from opskit.aws import Door
from opskit.errors import AwsFailure, ConsentMissing, OutcomeUnknown
from opskit.left_running import Kind, Running
from opskit.redaction import without_secrets
from opskit.state.store import store

_LOG = logging.getLogger(__name__)
_FILE = "journal.sqlite"
_SCHEMA = """CREATE TABLE IF NOT EXISTS entries (
    id TEXT PRIMARY KEY, begun TEXT NOT NULL, ended TEXT, endpoint TEXT NOT NULL, account TEXT, caller TEXT,
    region TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL, because TEXT NOT NULL,
    outcome TEXT NOT NULL, detail TEXT NOT NULL
)"""
_STOPS_SCHEMA = "CREATE TABLE IF NOT EXISTS stops (id TEXT PRIMARY KEY, usd_per_hour TEXT, running_since TEXT)"
"""What only stops have stands beside the entries: so files of an older opskit need no change, and it can go on using
newer ones.
"""
_COLUMNS = "id, begun, ended, endpoint, account, caller, region, action, subject, because, outcome, detail"
"""Named wherever they are meant, so that a file of a newer opskit, which may have more of them, can be used."""
_ENTRIES = f"""SELECT {_COLUMNS}, stops.usd_per_hour, stops.running_since
    FROM entries LEFT JOIN stops USING (id) WHERE begun >= ? ORDER BY entries.rowid"""

BEGUN = "begun"
DONE = "done"
REFUSED = "refused"
UNKNOWN = "unknown"
FAILED = "failed"
DROPPED = "dropped"


@dataclass
class Deed:
    """A change under way. Set ``detail`` to what came of it (an id, a status); ``outcome`` only when it is not done."""

    outcome: str = DONE
    detail: str = ""


@dataclass(frozen=True)
class Stopping:
    """What is written down with a stop, so that its saving can be told later: the price then (None: nobody knew it),
    and since when the thing had been running.
    """

    usd_per_hour: Decimal | None
    running_since: datetime


@dataclass(frozen=True)
class Entry:
    """One line of the journal.

    ``outcome``: ``done``; ``refused`` (AWS said no: nothing changed); ``unknown`` (sent, no answer came, and no look
    has shown that it was made);
    ``failed`` (opskit itself went wrong); ``dropped`` (nothing was sent, because a last look spoke against it);
    ``begun`` (no outcome was written: it still runs, or was killed).
    ``account`` and ``caller`` None: AWS did not say who we are. ``stop`` None: it is no stop, or an opskit wrote it
    that did not yet write down prices.
    """

    id: str
    begun: datetime
    ended: datetime | None
    endpoint: str
    account: str | None
    caller: str | None
    region: str
    action: str
    subject: str
    because: str
    outcome: str
    detail: str
    stop: Stopping | None = None


def _complain_once() -> Callable[[Exception], None]:
    said: list[Exception] = []

    def complain(error: Exception) -> None:
        if not said:
            _LOG.warning("opskit: The journal cannot be written (%s); going on without it.", error)
        said.append(error)

    return complain


on_trouble: Callable[[Exception], None] = _complain_once()
"""Told when the journal cannot be written; says it once a run."""


@contextmanager
def record(
    door: Door, action: str, subject: str, because: str, *, stop: Stopping | None = None, starts: Kind | None = None
) -> Iterator[Deed]:
    """Write down a change around making it: the intent before the block, the outcome after it.

    ``action`` is a verb with its noun (``stop notebook``), ``subject`` what it is done to, ``because`` the reason.
    ``starts`` is the kind of what runs, and bills, from then on: however this command ends, it is named.
    What the block raises is written down and passes through.
    """
    id = uuid4().hex
    is_written = _write(_begin, id, door, action, subject, because, stop)
    end = _end if is_written else _nothing  # what was never begun cannot be ended, and a try may take its time
    deed = Deed()
    try:
        with _noted(door, subject, starts, deed):
            yield deed
    except BaseException as error:
        _write(end, id, _outcome(error), str(error) or type(error).__name__)
        raise
    _write(end, id, deed.outcome, deed.detail)


@contextmanager
def _noted(door: Door, name: str, starts: Kind | None, deed: Deed) -> Iterator[None]:
    """Note that something may run before it is asked for, and what is known of it after: only AWS's own refusal says
    that it does not, or that it was never sent.
    """
    if starts is None:
        yield
        return
    door.left_running.note_running(Running(starts, name, door.region))
    try:
        yield
    except BaseException as error:
        if _outcome(error) in (REFUSED, DROPPED):
            door.left_running.note_ended(starts, name, door.region)
        raise
    if deed.outcome == DONE:
        door.left_running.note_running(Running(starts, name, door.region, sure=True))
    else:
        door.left_running.note_ended(starts, name, door.region)


def confirm(door: Door, action: str, subject: str, seen: str) -> None:
    """Write down that the newest change of this kind, whose answer was lost, was made after all: a look has ``seen``
    what it does.
    """
    _write(_confirm, door, action, subject, seen)


def entries(since: datetime) -> tuple[Entry, ...]:
    """What was begun since then, in the order it was written, which no clock that is set back can turn around.

    Raises:
        OSError, sqlite3.Error: the journal cannot be read.
    """
    with store(_FILE, _SCHEMA, _STOPS_SCHEMA) as connection:
        rows = connection.execute(_ENTRIES, (_stamp(since),))
        return tuple(_entry(row) for row in rows)


def _write(write: Callable[..., None], *what: object) -> bool:
    """Whether it could be written down."""
    try:
        write(*what)
    except (OSError, sqlite3.Error) as error:
        on_trouble(error)
        return False
    return True


def _nothing(id: str, outcome: str, detail: str) -> None:
    """The end of what could not be begun."""


def _begin(id: str, door: Door, action: str, subject: str, because: str, stop: Stopping | None) -> None:
    account, caller = _caller(door)
    row = (id, _stamp(datetime.now(UTC)), None, door.connection.endpoint(), account, caller, door.region)
    with store(_FILE, _SCHEMA, _STOPS_SCHEMA) as connection:
        connection.execute(
            f"INSERT INTO entries ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*row, action, without_secrets(subject), without_secrets(because), BEGUN, ""),
        )
        if stop:
            usd = None if stop.usd_per_hour is None else str(stop.usd_per_hour)
            connection.execute(
                "INSERT INTO stops (id, usd_per_hour, running_since) VALUES (?, ?, ?)",
                (id, usd, _stamp(stop.running_since)),
            )


def _end(id: str, outcome: str, detail: str) -> None:
    with store(_FILE, _SCHEMA) as connection:
        connection.execute(
            "UPDATE entries SET ended = ?, outcome = ?, detail = ? WHERE id = ?",
            (_stamp(datetime.now(UTC)), outcome, without_secrets(detail), id),
        )


def _confirm(door: Door, action: str, subject: str, seen: str) -> None:
    account, _ = _caller(door)
    same = (door.connection.endpoint(), door.region, action, without_secrets(subject), UNKNOWN)
    with store(_FILE, _SCHEMA, _STOPS_SCHEMA) as connection:
        connection.execute(
            "UPDATE entries SET outcome = ?, detail = ? WHERE rowid = (SELECT max(rowid) FROM entries"
            " WHERE endpoint = ? AND region = ? AND action = ? AND subject = ? AND outcome = ? AND account IS ?)",
            (DONE, without_secrets(seen), *same, account),
        )


def _caller(door: Door) -> tuple[str | None, str | None]:
    try:
        caller = door.connection.caller()
    except AwsFailure:
        return None, None
    return caller.account, caller.arn


def _outcome(error: BaseException) -> str:
    if isinstance(error, OutcomeUnknown | KeyboardInterrupt):
        return UNKNOWN
    if isinstance(error, ConsentMissing):
        return DROPPED
    return REFUSED if isinstance(error, AwsFailure) else FAILED


def _stamp(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="microseconds")


def _entry(row: sqlite3.Row) -> Entry:
    values = dict(row)
    usd, running_since = values.pop("usd_per_hour"), values.pop("running_since")
    stop = Stopping(Decimal(usd) if usd else None, datetime.fromisoformat(running_since)) if running_since else None
    ended = values.pop("ended")
    begun = datetime.fromisoformat(values.pop("begun"))
    return Entry(begun=begun, ended=datetime.fromisoformat(ended) if ended else None, stop=stop, **values)

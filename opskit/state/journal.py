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

from opskit.aws.client import AwsClient
from opskit.core.exceptions import AwsError, ConfirmationRequired, OutcomeUnknown
from opskit.core.live_resources import LiveResource, ResourceKind
from opskit.core.redaction import redact_secrets
from opskit.state.store import open_db

_LOG = logging.getLogger(__name__)
_FILE = "journal.sqlite"
_SCHEMA = """CREATE TABLE IF NOT EXISTS entries (
    id TEXT PRIMARY KEY, begun TEXT NOT NULL, ended TEXT, endpoint TEXT NOT NULL, account TEXT, caller TEXT,
    region TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL, because TEXT NOT NULL,
    outcome TEXT NOT NULL, detail TEXT NOT NULL
)"""
# What only stops have stands beside the entries: so files of an older opskit need no change, and it can go on using
# newer ones.
_STOPS_SCHEMA = "CREATE TABLE IF NOT EXISTS stops (id TEXT PRIMARY KEY, usd_per_hour TEXT, running_since TEXT)"
# Named wherever they are meant, so that a file of a newer opskit, which may have more of them, can be used.
_COLUMNS = "id, begun, ended, endpoint, account, caller, region, action, subject, because, outcome, detail"
_ENTRIES = f"""SELECT {_COLUMNS}, stops.usd_per_hour, stops.running_since
    FROM entries LEFT JOIN stops USING (id) WHERE begun >= ? ORDER BY entries.rowid"""

STARTED = "begun"
DONE = "done"
REFUSED = "refused"
UNKNOWN = "unknown"
FAILED = "failed"
DROPPED = "dropped"


@dataclass
class ActionRecord:
    """A change under way. Set ``detail`` to what came of it (an id, a status); ``outcome`` only when it is not done."""

    outcome: str = DONE
    detail: str = ""


@dataclass(frozen=True)
class StopDetails:
    """What is written down with a stop, so that its saving can be told later: the price then (None: nobody knew it),
    and since when the thing had been running.
    """

    usd_per_hour: Decimal | None
    running_since: datetime


@dataclass(frozen=True)
class JournalEntry:
    """One line of the journal.

    ``outcome``: ``done``; ``refused`` (AWS said no: nothing changed); ``unknown`` (sent, no answer came, and no look
    has shown that it was made);
    ``failed`` (opskit itself went wrong); ``dropped`` (nothing was sent, because a last look spoke against it);
    ``started_at`` (no outcome was written: it still runs, or was killed).
    ``account`` and ``caller`` None: AWS did not say who we are. ``stop`` None: it is no stop, or an opskit wrote it
    that did not yet write down prices.
    """

    id: str
    started_at: datetime
    ended_at: datetime | None
    endpoint: str
    account: str | None
    caller: str | None
    region: str
    action: str
    subject: str
    reason: str
    outcome: str
    detail: str
    stop: StopDetails | None = None


def _report_once() -> Callable[[Exception], None]:
    said: list[Exception] = []

    def report_failure(error: Exception) -> None:
        if not said:
            _LOG.warning("opskit: The journal cannot be written (%s); going on without it.", error)
        said.append(error)

    return report_failure


failure_hook: Callable[[Exception], None] = _report_once()
"""Told when the journal cannot be written; says it once a run."""


@contextmanager
def journal_action(
    client: AwsClient,
    action: str,
    subject: str,
    reason: str,
    *,
    stop: StopDetails | None = None,
    starts: ResourceKind | None = None,
) -> Iterator[ActionRecord]:
    """Write down a change around making it: the intent before the block, the outcome after it.

    ``action`` is a verb with its noun (``stop notebook``), ``subject`` what it is done to, ``reason`` the reason.
    ``starts`` is the kind of what runs, and bills, from then on: however this command ends, it is named.
    What the block raises is written down and passes through.
    """
    id = uuid4().hex
    is_written = _try_write(_insert_intent, id, client, action, subject, reason, stop)
    end = (
        _update_outcome if is_written else _skip_end
    )  # what was never begun cannot be ended, and a try may take its time
    record = ActionRecord()
    try:
        with _note_live_resource(client, subject, starts, record):
            yield record
    except BaseException as error:
        _try_write(end, id, _outcome_of(error), str(error) or type(error).__name__)
        raise
    _try_write(end, id, record.outcome, record.detail)


@contextmanager
def _note_live_resource(
    client: AwsClient, name: str, starts: ResourceKind | None, record: ActionRecord
) -> Iterator[None]:
    """Note that something may run before it is asked for, and what is known of it after: only AWS's own refusal says
    that it does not, or that it was never sent.
    """
    if starts is None:
        yield
        return
    client.left_running.note_running(LiveResource(starts, name, client.region))
    try:
        yield
    except BaseException as error:
        if _outcome_of(error) in (REFUSED, DROPPED):
            client.left_running.note_ended(starts, name, client.region)
        raise
    if record.outcome == DONE:
        client.left_running.note_running(LiveResource(starts, name, client.region, confirmed=True))
    else:
        client.left_running.note_ended(starts, name, client.region)


def mark_done(client: AwsClient, action: str, subject: str, seen: str) -> None:
    """Write down that the newest change of this kind, whose answer was lost, was made after all: a look has ``seen``
    what it does.
    """
    _try_write(_update_confirmed, client, action, subject, seen)


def journal_entries(since: datetime) -> tuple[JournalEntry, ...]:
    """What was begun since then, in the order it was written, which no clock that is set back can turn around.

    Raises:
        OSError, sqlite3.Error: the journal cannot be read.
    """
    with open_db(_FILE, _SCHEMA, _STOPS_SCHEMA) as session:
        rows = session.execute(_ENTRIES, (_format_time(since),))
        return tuple(_parse_entry(row) for row in rows)


def _try_write(write: Callable[..., None], *what: object) -> bool:
    """Whether it could be written down."""
    try:
        write(*what)
    except (OSError, sqlite3.Error) as error:
        failure_hook(error)
        return False
    return True


def _skip_end(id: str, outcome: str, detail: str) -> None:
    """The end of what could not be begun."""


def _insert_intent(
    id: str, client: AwsClient, action: str, subject: str, reason: str, stop: StopDetails | None
) -> None:
    account, caller = _read_identity(client)
    row = (id, _format_time(datetime.now(UTC)), None, client.session.endpoint_id(), account, caller, client.region)
    with open_db(_FILE, _SCHEMA, _STOPS_SCHEMA) as session:
        session.execute(
            f"INSERT INTO entries ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*row, action, redact_secrets(subject), redact_secrets(reason), STARTED, ""),
        )
        if stop:
            usd = None if stop.usd_per_hour is None else str(stop.usd_per_hour)
            session.execute(
                "INSERT INTO stops (id, usd_per_hour, running_since) VALUES (?, ?, ?)",
                (id, usd, _format_time(stop.running_since)),
            )


def _update_outcome(id: str, outcome: str, detail: str) -> None:
    with open_db(_FILE, _SCHEMA) as session:
        session.execute(
            "UPDATE entries SET ended = ?, outcome = ?, detail = ? WHERE id = ?",
            (_format_time(datetime.now(UTC)), outcome, redact_secrets(detail), id),
        )


def _update_confirmed(client: AwsClient, action: str, subject: str, seen: str) -> None:
    account, _ = _read_identity(client)
    same = (client.session.endpoint_id(), client.region, action, redact_secrets(subject), UNKNOWN)
    with open_db(_FILE, _SCHEMA, _STOPS_SCHEMA) as session:
        session.execute(
            "UPDATE entries SET outcome = ?, detail = ? WHERE rowid = (SELECT max(rowid) FROM entries"
            " WHERE endpoint = ? AND region = ? AND action = ? AND subject = ? AND outcome = ? AND account IS ?)",
            (DONE, redact_secrets(seen), *same, account),
        )


def _read_identity(client: AwsClient) -> tuple[str | None, str | None]:
    try:
        identity = client.session.identity()
    except AwsError:
        return None, None
    return identity.account, identity.arn


def _outcome_of(error: BaseException) -> str:
    if isinstance(error, OutcomeUnknown | KeyboardInterrupt):
        return UNKNOWN
    if isinstance(error, ConfirmationRequired):
        return DROPPED
    return REFUSED if isinstance(error, AwsError) else FAILED


def _format_time(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="microseconds")


def _parse_entry(row: sqlite3.Row) -> JournalEntry:
    values = dict(row)
    usd, running_since = values.pop("usd_per_hour"), values.pop("running_since")
    stop = StopDetails(Decimal(usd) if usd else None, datetime.fromisoformat(running_since)) if running_since else None
    ended = values.pop("ended")
    started_at = datetime.fromisoformat(values.pop("begun"))
    return JournalEntry(
        started_at=started_at,
        ended_at=datetime.fromisoformat(ended) if ended else None,
        reason=values.pop("because"),
        stop=stop,
        **values,
    )

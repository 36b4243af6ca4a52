"""The journal: what opskit changed in an account, when, why, by which identity, and with which outcome. It holds no
secrets.

The intent is written before a change and the outcome after it, so a kill in between leaves an entry that shows it. If
the journal cannot be written, that is reported once and stops nothing: stopping a notebook matters more.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

from opskit.aws.client import AwsClient
from opskit.core.exceptions import AwsError, ConfirmationRequired, OutcomeUnknown, Problem
from opskit.core.live_resources import LiveResource, ResourceKind
from opskit.core.redaction import redact_secrets
from opskit.core.run_problem_codes import JOURNAL_UNREADABLE, JOURNAL_UNWRITTEN
from opskit.core.run_problems import report_run_problem
from opskit.state.paths import kept_state_dir, report_short_lived_state
from opskit.state.store import open_db, read_only_db

_FILE = "journal.sqlite"
_SCHEMA = """CREATE TABLE IF NOT EXISTS entries (
    id TEXT PRIMARY KEY, begun TEXT NOT NULL, ended TEXT, endpoint TEXT NOT NULL, account TEXT, caller TEXT,
    region TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL, because TEXT NOT NULL,
    outcome TEXT NOT NULL, detail TEXT NOT NULL
)"""
# A table of its own for what only stops have, so that files of an older opskit need no migration, and an older opskit
# can still use newer files.
_STOPS_SCHEMA = "CREATE TABLE IF NOT EXISTS stops (id TEXT PRIMARY KEY, usd_per_hour TEXT, running_since TEXT)"
# What brings a stopped endpoint back, as it was written onto its configuration; a table of its own for the same reason.
_RESTORES_SCHEMA = "CREATE TABLE IF NOT EXISTS restores (id TEXT PRIMARY KEY, tags TEXT NOT NULL)"
# Always named in full, so that files of a newer opskit, which may have more columns, can be read.
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
    """A change in progress. The block sets ``detail`` to its result (an ID, a status), and ``outcome`` only if it was
    not done.
    """

    outcome: str = DONE
    detail: str = ""
    was_sent: bool = True


@dataclass(frozen=True)
class StopDetails:
    """What is recorded with a stop, so that its savings can be computed later: the price in USD per hour at that time
    (None: unknown), and since when the notebook had been running.
    """

    usd_per_hour: Decimal | None
    running_since: datetime


@dataclass(frozen=True)
class JournalEntry:
    """One entry of the journal.

    ``outcome``: ``done``; ``refused`` (AWS refused: nothing changed); ``unknown`` (sent, no response, and no later read
    has confirmed it); ``failed`` (an error in opskit itself); ``dropped`` (not sent, because the last read spoke
    against it); ``begun`` (no outcome was written: it is still running, or was killed). ``account`` and ``caller``
    None: STS could not be read. ``stop`` None: not a stop, or written before opskit recorded prices.
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


def report_unwritten_journal(error: Exception) -> None:
    """Report, once a run, that changes are not recorded."""
    text = f"The journal cannot be written ({error}); the changes of this run are not recorded."
    report_run_problem(Problem(JOURNAL_UNWRITTEN, text, f"Look at {kept_state_dir()}."))


failure_hook: Callable[[Exception], None] = report_unwritten_journal
"""Called when the journal cannot be written; the default reports it once a run."""


@contextmanager
def journal_action(
    client: AwsClient,
    action: str,
    subject: str,
    reason: str,
    *,
    stop: StopDetails | None = None,
    starts: ResourceKind | None = None,
    restore: Mapping[str, str] | None = None,
) -> Iterator[ActionRecord]:
    """Record a change around making it: the intent before the block, the outcome after it.

    ``action`` is a verb with its noun (``stop notebook``), ``subject`` its object, ``reason`` why it is done.
    ``starts`` is the kind of resource that runs, and bills, from then on: it is reported however this command ends.
    ``restore`` are the tags that bring back what is about to be stopped. Exceptions of the block are recorded and
    re-raised.
    """
    id = uuid4().hex
    is_written = _try_write(_insert_intent, id, client, action, subject, reason, stop, restore)
    # Without an intent there is no row to update, and another attempt could block for the whole busy timeout.
    end = _update_outcome if is_written else _skip_outcome
    record = ActionRecord()
    try:
        with _note_live_resource(client, subject, starts, record):
            yield record
    # An interrupt is an outcome, too.
    except BaseException as error:
        outcome = _outcome_of(error) if record.was_sent else DROPPED
        _try_write(end, id, outcome, str(error) or type(error).__name__)
        raise
    _try_write(end, id, record.outcome, record.detail)


@contextmanager
def _note_live_resource(
    client: AwsClient, name: str, starts: ResourceKind | None, record: ActionRecord
) -> Iterator[None]:
    """Record that a resource may be running before it is requested, and what is known of it afterwards: only AWS's
    refusal, or not sending it, rules out that it runs.
    """
    if starts is None:
        yield
        return
    client.left_running.note_running(LiveResource(starts, name, client.region))
    try:
        yield
    except BaseException as error:
        if not record.was_sent or _outcome_of(error) in (REFUSED, DROPPED):
            client.left_running.note_ended(starts, name, client.region)
        raise
    if record.outcome == DONE:
        client.left_running.note_running(LiveResource(starts, name, client.region, confirmed=True))
    else:
        client.left_running.note_ended(starts, name, client.region)


def mark_done(client: AwsClient, action: str, subject: str, evidence: str) -> None:
    """Record that the newest change of this kind with an unknown outcome did take effect; ``evidence`` is what a read
    has shown.
    """
    _try_write(_update_confirmed, client, action, subject, evidence)


def journal_entries(since: datetime) -> tuple[JournalEntry, ...]:
    """The changes since a time, in the order in which they were written, which does not depend on the clock. What is
    whole is read also where the file is damaged further on, or cannot be written; what is not is reported.

    Raises:
        OSError, sqlite3.Error: the journal cannot be read.
    """
    kept = kept_state_dir() / _FILE
    if os.path.exists(kept) and not _is_writable(kept):  # noqa: PTH110 - Path.exists raises where no one may enter
        with read_only_db(kept) as session:
            return _whole_entries(session, since)
    with open_db(_FILE, _SCHEMA, _STOPS_SCHEMA) as session:
        return _whole_entries(session, since)


def _is_writable(path: Path) -> bool:
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK | os.X_OK)


def _whole_entries(session: sqlite3.Connection, since: datetime) -> tuple[JournalEntry, ...]:
    entries, damage = list[JournalEntry](), ""
    rows = iter(session.execute(_ENTRIES, (_format_time(since),)))
    while True:
        try:
            entries.append(_parse_entry(next(rows)))
        except StopIteration:
            break
        except (ValueError, TypeError, ArithmeticError) as error:
            damage = damage or str(error)
        except sqlite3.DatabaseError as error:  # the rest of the file cannot be read
            if not entries:
                raise
            damage = str(error)
            break
    if damage:
        text = f"Part of the journal cannot be read ({damage}); what is whole is shown."
        report_run_problem(Problem(JOURNAL_UNREADABLE, text, f"Look at {kept_state_dir() / _FILE}."))
    return tuple(entries)


def _try_write(write: Callable[..., None], *args: object) -> bool:
    """Write to the journal; False if that failed, which the hook then has reported."""
    try:
        write(*args)
    except (OSError, sqlite3.Error) as error:
        failure_hook(error)
        return False
    return True


def _skip_outcome(id: str, outcome: str, detail: str) -> None:
    """Takes the place of ``_update_outcome`` when the intent could not be written."""


def _insert_intent(
    id: str,
    client: AwsClient,
    action: str,
    subject: str,
    reason: str,
    stop: StopDetails | None,
    restore: Mapping[str, str] | None,
) -> None:
    report_short_lived_state()
    account, caller = _read_identity(client)
    begun, region = _format_time(datetime.now(UTC)), redact_secrets(client.region)
    row = (id, begun, None, redact_secrets(client.session.endpoint_id()), account, caller, region)
    with open_db(_FILE, _SCHEMA, _STOPS_SCHEMA, _RESTORES_SCHEMA) as session:
        session.execute(
            f"INSERT INTO entries ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*row, redact_secrets(action), redact_secrets(subject), redact_secrets(reason), STARTED, ""),
        )
        if stop:
            usd = None if stop.usd_per_hour is None else str(stop.usd_per_hour)
            session.execute(
                "INSERT INTO stops (id, usd_per_hour, running_since) VALUES (?, ?, ?)",
                (id, usd, _format_time(stop.running_since)),
            )
        if restore:
            session.execute("INSERT INTO restores (id, tags) VALUES (?, ?)", (id, json.dumps(dict(restore))))


def _update_outcome(id: str, outcome: str, detail: str) -> None:
    with open_db(_FILE, _SCHEMA) as session:
        session.execute(
            "UPDATE entries SET ended = ?, outcome = ?, detail = ? WHERE id = ?",
            (_format_time(datetime.now(UTC)), outcome, redact_secrets(detail), id),
        )


def _update_confirmed(client: AwsClient, action: str, subject: str, evidence: str) -> None:
    account, _ = _read_identity(client)
    place = (redact_secrets(client.session.endpoint_id()), redact_secrets(client.region))
    same = (*place, redact_secrets(action), redact_secrets(subject), UNKNOWN)
    with open_db(_FILE, _SCHEMA, _STOPS_SCHEMA) as session:
        session.execute(
            # By the order of writing, since a clock may have been set back; IS, since an account may be NULL.
            "UPDATE entries SET outcome = ?, detail = ? WHERE rowid = (SELECT max(rowid) FROM entries"
            " WHERE endpoint = ? AND region = ? AND action = ? AND subject = ? AND outcome = ? AND account IS ?)",
            (DONE, redact_secrets(evidence), *same, account),
        )


def _read_identity(client: AwsClient) -> tuple[str | None, str | None]:
    try:
        identity = client.session.identity()
    except AwsError:
        return None, None
    return redact_secrets(identity.account), redact_secrets(identity.arn)


def _outcome_of(error: BaseException) -> str:
    # Ctrl-C may come between the sending and the answer.
    if isinstance(error, OutcomeUnknown | KeyboardInterrupt):
        return UNKNOWN
    if isinstance(error, ConfirmationRequired):
        return DROPPED
    return REFUSED if isinstance(error, AwsError) else FAILED


def _format_time(when: datetime) -> str:
    # Always UTC and six digits, so that texts compare as times do.
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

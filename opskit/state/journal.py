"""The journal: what opskit changed in an account, when, why, by which identity, and with which outcome. It holds no
secrets.

The intent is written before a change and the outcome after it, so a kill in between leaves an entry that shows it. If
the journal cannot be written, that is reported once and stops nothing: stopping a notebook matters more. A change that
depends on a last read of its subject is pending until right after that read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, ParamSpec
from uuid import uuid4

from opskit.aws.client import AwsClient
from opskit.core.exceptions import (
    JOURNAL_UNREADABLE,
    JOURNAL_UNWRITTEN,
    AwsError,
    ConfirmationRequired,
    OutcomeUnknown,
    Problem,
    Throttled,
)
from opskit.core.file_errors import file_error_text
from opskit.core.live_resources import LiveResource, ResourceKind
from opskit.core.redaction import redact_secrets
from opskit.core.run_problems import report_run_problem
from opskit.state.change_outcome import ChangeOutcome
from opskit.state.home import state_home
from opskit.state.journal_file import (
    JOURNAL_FILE,
    ChangeKind,
    JournalEntry,
    StopDetails,
)
from opskit.state.paths import kept_state_dir

__all__ = [
    "ActionRecord",
    "JournalEntry",
    "StopDetails",
    "failure_hook",
    "journal_action",
    "journal_entries",
    "mark_done",
]


@dataclass
class ActionRecord:
    """A change in progress. The block sets ``detail`` to its result (an ID, a status), and ``outcome`` only if it was
    not done.
    """

    outcome: ChangeOutcome = ChangeOutcome.DONE
    detail: str = ""
    was_sent: bool = True


def report_unwritten_journal(error: Exception) -> None:
    """Report, once a run, that changes are not recorded."""
    text = f"The journal cannot be written ({file_error_text(error)}); the changes of this run are not recorded."
    report_run_problem(Problem(JOURNAL_UNWRITTEN, text, f"Look at {state_home().name or kept_state_dir()}."))


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
    entry = _new_entry(client, action, subject, reason, stop)
    is_written = _try_write(lambda: state_home().journal.add_entry(entry, restore))
    record = ActionRecord()
    try:
        with nullcontext() if starts is None else _note_live_resource(client, subject, starts, record):
            yield record
    # An interrupt is an outcome, too.
    except BaseException as error:
        outcome = _outcome_of(error) if record.was_sent else ChangeOutcome.DROPPED
        _end_entry(entry, outcome, str(error) or type(error).__name__, is_written=is_written)
        raise
    _end_entry(entry, record.outcome, record.detail, is_written=is_written)


@contextmanager
def _note_live_resource(client: AwsClient, name: str, starts: ResourceKind, record: ActionRecord) -> Iterator[None]:
    """Record that a resource may be running before it is requested, and what is known of it afterwards: only AWS's
    refusal, or not sending it, rules out that it runs.
    """
    client.live_resources.note_running(LiveResource(starts, name, client.region))
    try:
        yield
    except BaseException as error:
        if not record.was_sent or _outcome_of(error).meaning.rules_out_effect:
            client.live_resources.note_ended(starts, name, client.region)
        raise
    if record.outcome.meaning.is_done:
        client.live_resources.note_running(LiveResource(starts, name, client.region, confirmed=True))
    else:
        client.live_resources.note_ended(starts, name, client.region)


def mark_done(client: AwsClient, action: str, subject: str, evidence: str) -> None:
    """Record that the newest change of this kind with an unknown outcome did take effect; ``evidence`` is what a read
    has shown.
    """
    account, _ = _read_identity(client)
    place = (redact_secrets(client.session.endpoint_id()), account, redact_secrets(client.region))
    kind = ChangeKind(*place, redact_secrets(action), redact_secrets(subject))
    _try_write(lambda: state_home().journal.confirm_newest(kind, redact_secrets(evidence)))


def journal_entries(since: datetime) -> tuple[JournalEntry, ...]:
    """The changes since a time, in the order in which they were written, which does not depend on the clock. What is
    whole is read also where the rest is damaged; what is not is reported.

    Raises:
        OSError, sqlite3.Error: the journal cannot be read.
    """
    part = state_home().journal.read_entries(since)
    if part.damage:
        text = f"Part of the journal cannot be read ({part.damage}); what is whole is shown."
        where = state_home().name or kept_state_dir() / JOURNAL_FILE
        report_run_problem(Problem(JOURNAL_UNREADABLE, text, f"Look at {where}."))
    return part.entries


def _try_write(write: Callable[[], None]) -> bool:
    """Write to the journal; False if that failed, which the hook then has reported."""
    try:
        write()
    except (OSError, sqlite3.Error) as error:
        failure_hook(error)
        return False
    return True


def _new_entry(client: AwsClient, action: str, subject: str, reason: str, stop: StopDetails | None) -> JournalEntry:
    account, caller = _read_identity(client)
    return JournalEntry(
        id=uuid4().hex,
        started_at=state_home().clock_now(),
        ended_at=None,
        endpoint=redact_secrets(client.session.endpoint_id()),
        account=account,
        caller=caller,
        region=redact_secrets(client.region),
        action=redact_secrets(action),
        subject=redact_secrets(subject),
        reason=redact_secrets(reason),
        outcome=ChangeOutcome.STARTED,
        detail="",
        stop=stop,
    )


def _end_entry(entry: JournalEntry, outcome: str, detail: str, *, is_written: bool) -> None:
    # Without an intent there is no row to update, and another attempt could block for the whole busy timeout.
    if is_written:
        ended = replace(entry, ended_at=state_home().clock_now(), outcome=outcome, detail=redact_secrets(detail))
        _try_write(lambda: state_home().journal.end_entry(ended))


def _read_identity(client: AwsClient) -> tuple[str | None, str | None]:
    try:
        identity = client.session.identity()
    except AwsError:
        return None, None
    return redact_secrets(identity.account), redact_secrets(identity.arn)


def _outcome_of(error: BaseException) -> ChangeOutcome:
    # Ctrl-C may come between the sending and the answer.
    if isinstance(error, OutcomeUnknown | KeyboardInterrupt):
        return ChangeOutcome.UNKNOWN
    if isinstance(error, ConfirmationRequired):
        return ChangeOutcome.DROPPED
    return ChangeOutcome.REFUSED if isinstance(error, AwsError) else ChangeOutcome.FAILED


P = ParamSpec("P")


@dataclass
class PendingChange(Generic[P]):
    """A change that is in the journal and not sent yet.

    Recording it asks STS for the identity and may wait for another opskit's write, so it comes before the last read;
    after that read only ``send_change`` is left to do. If the read speaks against the change, ``error`` takes the
    reason, and the journal records it as dropped.
    """

    _send: Callable[P, object]
    is_sent: bool = False
    is_begun: bool = False
    error: str = ""

    def send_change(self, *with_what: P.args, **named: P.kwargs) -> None:
        """Send the change once.

        Raises:
            Throttled: AWS throttled it; nothing changed, and after another read it may be sent again.
            OutcomeUnknown: the response was lost.
            AwsError: AWS refused.
        """
        self.is_begun = True
        try:
            self._send(*with_what, **named)
        except Throttled:
            self.is_begun = self.is_sent  # AWS took nothing of this one
            raise
        self.is_sent = True


@contextmanager
def prepare_change(
    recorded: AbstractContextManager[ActionRecord], send: Callable[P, object]
) -> Iterator[PendingChange[P]]:
    """A pending change for the duration of the block; at its end the outcome is recorded."""
    with recorded as record:
        pending = PendingChange(send)
        try:
            yield pending
        except KeyboardInterrupt:
            # Begun is enough: Ctrl-C may come between the sending and the answer.
            record.was_sent = pending.is_begun
            raise
        if not pending.is_sent:
            record.outcome, record.detail = ChangeOutcome.DROPPED, pending.error

"""Read back what opskit changed, and what its stops saved. Only where the journal does not tell when a notebook was
started again is AWS asked; and where AWS cannot be asked, the journal is still read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from opskit.aws.gather import gather_all
from opskit.aws.session import AwsSession
from opskit.core.exceptions import AwsError, OpskitError, Problem
from opskit.core.model import Notebook, Unknown
from opskit.core.owners import person_of
from opskit.endpoints.reads.endpoints import list_endpoint_creation_times
from opskit.endpoints.rules.enums import EndpointAction
from opskit.history.rules import (
    Deleted,
    EndpointCreation,
    EventKind,
    NotebookEvent,
    OtherAccount,
    Saving,
    SeenNotebook,
    UnknownAccount,
    needs_aws_lookup,
    saving_of,
)
from opskit.notebooks.reads.notebooks import list_notebooks
from opskit.notebooks.rules.enums import NotebookAction
from opskit.state import journal
from opskit.state.journal import JournalEntry
from opskit.state.paths import state_errors

# What an action does to a notebook; None: it neither stops nor starts it.
_EVENT_KINDS = {
    NotebookAction.STOP: EventKind.STOP,
    NotebookAction.START: EventKind.START,
    NotebookAction.CREATE: EventKind.START,
    NotebookAction.TAG: None,
    NotebookAction.UNTAG: None,
    NotebookAction.CREATE_ROLE: None,
    NotebookAction.PUT_ROLE_POLICY: None,
}
_ENDPOINT_KINDS = {
    EndpointAction.STOP: EventKind.STOP,
    EndpointAction.START: EventKind.START,
    EndpointAction.CREATE: EventKind.START,
    EndpointAction.DELETE_FAILED: None,
    EndpointAction.RECORD: None,
    EndpointAction.FORGET: None,
    EndpointAction.TAG: None,
    EndpointAction.UNTAG: None,
    EndpointAction.SCALE: None,
    EndpointAction.AUTOSCALE: None,
}
_ENDPOINT_WORDS = frozenset(action.value for action in _ENDPOINT_KINDS)
_KIND_BY_WORD: Mapping[str, EventKind] = {
    action.value: kind for action, kind in (*_EVENT_KINDS.items(), *_ENDPOINT_KINDS.items()) if kind
}


@dataclass(frozen=True)
class AccountRef:
    """Whose AWS an entry is of: the endpoint (``aws``, or a URL) and the account there. ``account`` None: AWS did not
    say.
    """

    endpoint: str
    account: str | None


@dataclass(frozen=True)
class History:
    """What opskit changed, oldest first, and what each of its stops saved, by the entry's id.

    ``current`` is the endpoint and account that the command line leads to, or why AWS did not say; None: without
    entries it was not asked. ``problems`` are what kept AWS from telling that, or what is running now.
    """

    entries: tuple[JournalEntry, ...]
    savings: Mapping[str, Saving]
    current: AccountRef | Unknown | None = None
    problems: tuple[Problem, ...] = ()

    def accounts(self) -> tuple[AccountRef, ...]:
        """Every endpoint and account of which there are entries, the present one first."""
        found = dict.fromkeys(account_of_entry(entry) for entry in self.entries)
        return tuple(sorted(found, key=lambda place: place != self.current))

    def may_be_current(self, place: AccountRef) -> bool:
        """Whether what was done in a place was, or may have been, done in the present account: where either account
        is not known, it may have been.
        """
        if not isinstance(self.current, AccountRef):
            return True
        return place.endpoint == self.current.endpoint and place.account in (self.current.account, None)


def account_of_entry(entry: JournalEntry) -> AccountRef:
    """The endpoint and account that an entry is of."""
    return AccountRef(entry.endpoint, entry.account)


def read_history(since: timedelta, now: datetime, connect: Callable[[], AwsSession]) -> History:
    """What was begun in the time before ``now``. ``connect`` opens the way to AWS, if it is needed: to tell which of
    several accounts is the present one, and what runs there now.

    Raises:
        UsageError: the journal cannot be read.
    """
    entries = _recent_entries(since, now)
    if not entries:
        return History((), {})
    later = _later_events(entries)
    stops = [entry for entry in entries if entry.id in later]
    # AWS is called only where the journal does not tell when a notebook was started again.
    open_ends = [entry for entry in stops if needs_aws_lookup(_to_event(entry), later[entry.id])]
    try:
        session = connect()
        ctx = AccountRef(session.endpoint_id(), session.identity().account)
    except OpskitError as error:
        # Where nothing is to be summed all entries stand there with their accounts, and nothing is missing.
        unread = Unknown.from_problem(error.problem)
        savings = {entry.id: saving_of(_to_event(entry), later[entry.id], unread, now) for entry in stops}
        return History(entries, savings, unread, (error.problem,) if stops else ())
    seen, problems = _read_stopped([entry for entry in open_ends if account_of_entry(entry) == ctx], session)
    savings = {
        entry.id: saving_of(_to_event(entry), later[entry.id], seen.get(entry.id) or _unseen(entry), now)
        for entry in stops
    }
    return History(entries, savings, ctx, problems)


def _unseen(entry: JournalEntry) -> SeenNotebook:
    """Why AWS was not asked about what was stopped."""
    return UnknownAccount() if entry.account is None else OtherAccount()


def filter_history(history: History, action: str | None, regions: Sequence[str], owner: str | None = None) -> History:
    """Only the entries of actions with a word in them, of some Regions, and of an owner; None, and none or ``all``, are
    all. What nobody is known to have done is nobody's.
    """
    entries = tuple(
        entry
        for entry in history.entries
        # The whole journal is read before it is filtered: the end of a stop may be an entry that the filter hides.
        if (action or "").lower() in entry.action
        and (entry.region in regions or "all" in regions or not regions)
        and (owner is None or _is_by(owner, entry.caller))
    )
    ids = {entry.id for entry in entries}
    return replace(
        history, entries=entries, savings={id: saving for id, saving in history.savings.items() if id in ids}
    )


def _is_by(owner: str, caller: str | None) -> bool:
    return caller is not None and owner in (caller, caller.rpartition("/")[2], person_of(caller))


def _recent_entries(since: timedelta, now: datetime) -> tuple[JournalEntry, ...]:
    try:
        begin = now - since
    except OverflowError:
        begin = datetime.min.replace(tzinfo=now.tzinfo)
    with state_errors():
        return journal.journal_entries(begin)


def _later_events(entries: Sequence[JournalEntry]) -> dict[str, list[NotebookEvent]]:
    """For each stop, by its id, what opskit did to the same notebook after it."""
    by_name: dict[tuple[str, str, str, bool], list[JournalEntry]] = {}
    for entry in entries:
        if entry.action in _KIND_BY_WORD and entry.meaning.may_have_happened:
            # A notebook and an endpoint may have one name.
            key = (entry.endpoint, entry.region, entry.subject, entry.action in _ENDPOINT_WORDS)
            by_name.setdefault(key, []).append(entry)
    return {
        entry.id: [_to_event(other) for other in same[at + 1 :] if _is_of_same_account(entry, other)]
        for same in by_name.values()
        for at, entry in enumerate(same)
        if _KIND_BY_WORD[entry.action].is_stop
    }


def _is_of_same_account(entry: JournalEntry, other: JournalEntry) -> bool:
    """Whether two entries may be about one account: where AWS did not tell whose an entry is, it may be."""
    return entry.account == other.account or None in (entry.account, other.account)


def _to_event(entry: JournalEntry) -> NotebookEvent:
    certain = entry.meaning.is_done
    price, running_since = (entry.stop.usd_per_hour, entry.stop.running_since) if entry.stop else (None, None)
    return NotebookEvent(_KIND_BY_WORD[entry.action], entry.started_at, certain, price, running_since)


def _read_stopped(
    stops: Sequence[JournalEntry], session: AwsSession
) -> tuple[dict[str, SeenNotebook], tuple[Problem, ...]]:
    """What AWS says now of the notebooks and endpoints of the present account that were stopped, by the entry's id."""
    notebooks = [entry for entry in stops if entry.action not in _ENDPOINT_WORDS]
    endpoints = [entry for entry in stops if entry.action in _ENDPOINT_WORDS]
    regions = list(dict.fromkeys(entry.region for entry in notebooks))
    listings = gather_all([partial(_list_by_name, session, region) for region in regions])
    found = dict(zip(regions, listings, strict=True))
    hosting = list(dict.fromkeys(entry.region for entry in endpoints))
    hosted = gather_all([partial(_list_endpoint_creation_times, session, region) for region in hosting])
    created = dict(zip(hosting, hosted, strict=True))
    problems = tuple(listing for listing in (*listings, *hosted) if isinstance(listing, Problem))
    seen: dict[str, SeenNotebook] = {entry.id: _seen_notebook(entry, found[entry.region]) for entry in notebooks}
    seen |= {entry.id: _seen_endpoint(entry, created[entry.region]) for entry in endpoints}
    return seen, problems


def _list_endpoint_creation_times(session: AwsSession, region: str) -> dict[str, datetime] | Problem:
    try:
        return list_endpoint_creation_times(session.client(region))
    except AwsError as failure:
        return failure.problem


def _seen_endpoint(entry: JournalEntry, created: dict[str, datetime] | Problem) -> SeenNotebook:
    return (
        Unknown.from_problem(created) if isinstance(created, Problem) else EndpointCreation(created.get(entry.subject))
    )


def _list_by_name(session: AwsSession, region: str) -> dict[str, Notebook] | Problem:
    try:
        return {notebook.name: notebook for notebook in list_notebooks(session.client(region))}
    except AwsError as failure:
        return failure.problem


def _seen_notebook(entry: JournalEntry, listed: dict[str, Notebook] | Problem) -> SeenNotebook:
    return Unknown.from_problem(listed) if isinstance(listed, Problem) else listed.get(entry.subject, Deleted())

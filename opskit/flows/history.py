"""Read back what opskit changed, and what its stops saved. Only where the journal does not tell when a notebook was
started again is AWS asked; and where AWS cannot be asked, the journal is still read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from opskit.act.notebooks import CREATE, START, STOP
from opskit.aws import Connection, side_by_side
from opskit.decide.savings import Elsewhere, Gone, Happened, Saving, Seen, What, needs_a_look, saving
from opskit.errors import AwsFailure, OpskitError, Problem
from opskit.model import Notebook, Unread
from opskit.observe.notebooks import notebooks
from opskit.state import journal
from opskit.state.folder import usable_state
from opskit.state.journal import Entry

_WHAT = {STOP: What.STOP, START: What.START, CREATE: What.START}
_NOTHING_HAPPENED = (journal.REFUSED, journal.FAILED, journal.DROPPED)


@dataclass(frozen=True)
class AccountPlace:
    """Whose AWS an entry is of: the endpoint (``aws``, or a URL) and the account there. ``account`` None: AWS did not
    say.
    """

    endpoint: str
    account: str | None


@dataclass(frozen=True)
class History:
    """What opskit changed, oldest first, and what each of its stops saved, by the entry's id.

    ``here`` is the endpoint and account that the command line leads to; None: it could not be told, or nothing was
    there to be told apart. ``problems`` are what kept AWS from telling that, or what is running now.
    """

    entries: tuple[Entry, ...]
    savings: Mapping[str, Saving]
    here: AccountPlace | None = None
    problems: tuple[Problem, ...] = ()

    def places(self) -> tuple[AccountPlace, ...]:
        """Every endpoint and account of which there are entries, the present one first."""
        found = dict.fromkeys(place_of(entry) for entry in self.entries)
        return tuple(sorted(found, key=lambda place: place != self.here))

    def may_be_here(self, place: AccountPlace) -> bool:
        """Whether what was done in a place was, or may have been, done in the present account: where either account
        is not known, it may have been.
        """
        if self.here is None:
            return True
        return place.endpoint == self.here.endpoint and place.account in (self.here.account, None)


def place_of(entry: Entry) -> AccountPlace:
    """The endpoint and account that an entry is of."""
    return AccountPlace(entry.endpoint, entry.account)


def history(since: timedelta, now: datetime, connect: Callable[[], Connection]) -> History:
    """What was begun in the time before ``now``. ``connect`` opens the way to AWS, if it is needed: to tell which of
    several accounts is the present one, and what runs there now.

    Raises:
        UsageProblem: the journal cannot be read.
    """
    entries = _entries(since, now)
    if not entries:
        return History((), {})
    later = _later(entries)
    stops = [entry for entry in entries if entry.id in later]
    open_ends = [entry for entry in stops if needs_a_look(_happened(entry), later[entry.id])]
    try:
        connection = connect()
        here = AccountPlace(connection.endpoint(), connection.caller().account)
    except OpskitError as error:
        # Where nothing is to be summed all entries stand there with their accounts, and nothing is missing.
        unread = Unread.of(error.problem)
        savings = {entry.id: saving(_happened(entry), later[entry.id], unread, now) for entry in stops}
        return History(entries, savings, None, (error.problem,) if stops else ())
    seen, problems = _look([entry for entry in open_ends if place_of(entry) == here], connection)
    savings = {
        entry.id: saving(_happened(entry), later[entry.id], seen.get(entry.id, Elsewhere()), now) for entry in stops
    }
    return History(entries, savings, here, problems)


def narrowed(told: History, action: str | None, regions: Sequence[str]) -> History:
    """Only the entries of actions with a word in them, and of some Regions; None, and none or ``all``, are all."""
    entries = tuple(
        entry
        for entry in told.entries
        if (action or "").lower() in entry.action and (entry.region in regions or "all" in regions or not regions)
    )
    ids = {entry.id for entry in entries}
    return replace(told, entries=entries, savings={id: each for id, each in told.savings.items() if id in ids})


def _entries(since: timedelta, now: datetime) -> tuple[Entry, ...]:
    try:
        begin = now - since
    except OverflowError:
        begin = datetime.min.replace(tzinfo=now.tzinfo)
    with usable_state():
        return journal.entries(begin)


def _later(entries: Sequence[Entry]) -> dict[str, list[Happened]]:
    """For each stop, by its id, what opskit did to the same notebook after it."""
    by_name: dict[tuple[str, str, str], list[Entry]] = {}
    for entry in entries:
        if entry.action in _WHAT and entry.outcome not in _NOTHING_HAPPENED:
            by_name.setdefault((entry.endpoint, entry.region, entry.subject), []).append(entry)
    return {
        entry.id: [_happened(other) for other in same[at + 1 :] if _is_of_same_account(entry, other)]
        for same in by_name.values()
        for at, entry in enumerate(same)
        if entry.action == STOP
    }


def _is_of_same_account(one: Entry, other: Entry) -> bool:
    """Whether two entries may be about one account: where AWS did not tell whose an entry is, it may be."""
    return one.account == other.account or None in (one.account, other.account)


def _happened(entry: Entry) -> Happened:
    certain = entry.outcome == journal.DONE
    price, running_since = (entry.stop.usd_per_hour, entry.stop.running_since) if entry.stop else (None, None)
    return Happened(_WHAT[entry.action], entry.begun, certain, price, running_since)


def _look(stops: Sequence[Entry], connection: Connection) -> tuple[dict[str, Seen], tuple[Problem, ...]]:
    """What AWS says now of the notebooks of the present account that were stopped, by the entry's id."""
    regions = list(dict.fromkeys(entry.region for entry in stops))
    looks = side_by_side([partial(_listed, connection, region) for region in regions])
    found = dict(zip(regions, looks, strict=True))
    problems = tuple(look for look in looks if isinstance(look, Problem))
    return {entry.id: _seen(entry, found[entry.region]) for entry in stops}, problems


def _listed(connection: Connection, region: str) -> dict[str, Notebook] | Problem:
    try:
        return {each.name: each for each in notebooks(connection.door(region))}
    except AwsFailure as failure:
        return failure.problem


def _seen(entry: Entry, listed: dict[str, Notebook] | Problem) -> Seen:
    return Unread.of(listed) if isinstance(listed, Problem) else listed.get(entry.subject, Gone())

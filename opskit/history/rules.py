"""What a stop saved: what the notebook or endpoint would have cost until it was started again, or until now.

Nothing is counted that is not known: no price, no saving. Where it is not known when it was started again, neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from opskit.core.model import Notebook, Unknown

# At most. What AWS changes later than that after a stop, somebody else did.
_A_STOP_TAKES = timedelta(hours=1)


class EventKind(StrEnum):
    """What can happen to a notebook that matters to a saving."""

    STOP = "stop"
    START = "start"

    @property
    def is_stop(self) -> bool:
        """Whether something saves from then on."""
        match self:
            case EventKind.STOP:
                return True
            case EventKind.START:
                return False


@dataclass(frozen=True)
class NotebookEvent:
    """A stop or a start that opskit made, in the order it made them.

    ``certain`` False: AWS never said whether it happened. For a stop: ``usd_per_hour`` None: nobody knew the price;
    ``running_since`` None: nobody wrote it down.
    """

    kind: EventKind
    at: datetime
    certain: bool = True
    usd_per_hour: Decimal | None = None
    running_since: datetime | None = None


@dataclass(frozen=True)
class Saving:
    """``usd`` None: it is not counted, and ``reason`` says why. ``until`` None: there is no end to tell.
    ``unconfirmed``: AWS could not be asked whether it was started again, so that ``usd`` is the most that it may be.
    """

    usd: Decimal | None
    until: datetime | None
    reason: str
    unconfirmed: bool = False


@dataclass(frozen=True)
class Deleted:
    """The notebook is not there any more."""


@dataclass(frozen=True)
class OtherAccount:
    """The notebook is of another account or endpoint than the one that is asked now."""


@dataclass(frozen=True)
class UnknownAccount:
    """The notebook may be of the account that is asked now: AWS did not say whose the stop was."""


@dataclass(frozen=True)
class EndpointCreation:
    """An endpoint that was stopped, which deletes it: when the one of its name was made that is there now. None: none
    of its name goes on running; one that is being deleted does not count.
    """

    created: datetime | None


SeenNotebook = Notebook | EndpointCreation | Deleted | OtherAccount | UnknownAccount | Unknown
"""What AWS says of the notebook or endpoint now. ``Unknown``: it could not or need not be asked."""


def needs_aws_lookup(stop: NotebookEvent, later: Sequence[NotebookEvent]) -> bool:
    """Whether only AWS can tell when the notebook was started again: nothing that opskit did since then does."""
    return stop.usd_per_hour is not None and not later


def saving_of(stop: NotebookEvent, later: Sequence[NotebookEvent], notebook: SeenNotebook, now: datetime) -> Saving:
    """What ``stop`` saved. ``later`` is what opskit did to the same notebook after it."""
    if stop.usd_per_hour is None:
        return Saving(None, None, "its price is not known")
    if not stop.certain and not _is_proven(stop, later, notebook):
        return Saving(None, None, "whether it stopped is not known")
    end = _end_by_journal(later[0]) if later else _end_by_aws(stop, notebook, now)
    if isinstance(end, str):
        return Saving(None, None, end)
    until, reason = end
    if until < stop.at:
        text = "it ended before it began: it did not stop, or the clocks do not agree"
        return Saving(None, None, text)
    hours = Decimal((until - stop.at).total_seconds()) / 3600
    usd = (stop.usd_per_hour * hours).quantize(Decimal("0.0001"))
    return Saving(usd, until, reason, unconfirmed=not later and isinstance(notebook, Unknown))


def _is_proven(stop: NotebookEvent, later: Sequence[NotebookEvent], notebook: SeenNotebook) -> bool:
    """Whether AWS shows that a stop whose answer was lost took effect."""
    match notebook:
        case EndpointCreation(created):
            return created is None or created > stop.at
        case Notebook(status_changed_at=since):
            # It went off just then: the time of its status is that of the stop, but for how long a stop takes.
            is_off = notebook.is_change_told and not notebook.traits.runs_or_will
            return not later and is_off and abs(since - stop.at) <= _A_STOP_TAKES
        case Deleted() | OtherAccount() | UnknownAccount() | Unknown():
            return False


def total_usd(savings: Iterable[Saving]) -> Decimal:
    """The sum of what is counted, in USD."""
    return sum((saving.usd for saving in savings if saving.usd is not None), Decimal(0))


def _end_by_journal(next: NotebookEvent) -> tuple[datetime, str] | str:
    """When it was started again, by what opskit did next to it; a sentence where that cannot be told."""
    match next.kind:
        case EventKind.START:
            return next.at, "started again by opskit"
        case EventKind.STOP if next.running_since is None:
            return "it was stopped again, and when it was started in between is not known"
        case EventKind.STOP:
            # A second stop tells since when the notebook had been running, whoever had started it.
            return next.running_since, "started again by somebody else"


def _end_by_creation_time(stop: NotebookEvent, created: datetime | None, now: datetime) -> tuple[datetime, str] | str:
    if created is None:
        return now, "until now: it is still off"
    return (created, "started again by somebody else") if created > stop.at else "it was not deleted: it is still there"


def _end_by_aws(stop: NotebookEvent, notebook: SeenNotebook, now: datetime) -> tuple[datetime, str] | str:
    match notebook:
        case EndpointCreation(created):
            return _end_by_creation_time(stop, created, now)
        case Deleted():
            return "it is deleted, and since when is not known"
        case OtherAccount():
            return "it is of another account or endpoint, and whether it was started again can only be told there"
        case UnknownAccount():
            return "it is not known which account it is of, and so not whether it was started again"
        case Unknown(reason):
            return now, f"until now, as far as opskit's journal tells: {reason}"
        case Notebook():
            return _end_by_status(stop, notebook, now)


def _end_by_status(stop: NotebookEvent, notebook: Notebook, now: datetime) -> tuple[datetime, str] | str:
    since = notebook.status_changed_at
    if not notebook.is_change_told:
        return "AWS does not say when it was last changed, and so not whether it ran in between"
    if notebook.traits.runs_or_will:
        return since, "started again by somebody else"
    if since > stop.at + _A_STOP_TAKES:
        return f"it was changed on {since:%Y-%m-%d %H:%M} UTC, and whether it ran in between is not known"
    return now, "until now: it is still off"

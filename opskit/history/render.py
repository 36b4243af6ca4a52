"""The journal for people and programs, and what the stops in it saved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, assert_never

from opskit.core.exceptions import ExitCode
from opskit.core.model import Unknown
from opskit.history.flows import AccountRef, History, account_of_entry
from opskit.history.rules import Saving, total_usd
from opskit.output.result import Cell, Column, CommandResult, Style, Table
from opskit.state.change_outcome import ChangeOutcome
from opskit.state.home import home_kept_in
from opskit.state.journal import JournalEntry

_OUTCOME_STYLES = {
    ChangeOutcome.STARTED: Style.WARN,
    ChangeOutcome.DONE: Style.GOOD,
    ChangeOutcome.REFUSED: Style.BAD,
    ChangeOutcome.UNKNOWN: Style.WARN,
    ChangeOutcome.FAILED: Style.BAD,
    ChangeOutcome.DROPPED: Style.DIM,
    ChangeOutcome.FILED: Style.GOOD,
    ChangeOutcome.ALREADY_OPEN: Style.GOOD,
    ChangeOutcome.ALREADY_ENOUGH: Style.GOOD,
    ChangeOutcome.QUEUED: Style.GOOD,
    ChangeOutcome.PLANNED: Style.GOOD,
}
_ACCOUNT = Column("Account", key=True)
_COLUMNS = (
    Column("When (UTC)", key=True),
    Column("Region", key=True),
    Column("What", key=True),
    Column("To what", wrap=True, key=True),
    Column("Outcome"),
    Column("Saved USD", right=True),
    Column("Why", wrap=True),
    Column("As whom", wrap=True, optional=True),
)


def history_result(history: History, *, everywhere: bool = False) -> CommandResult:
    """The answer of ``history``, oldest first: the entries of the present endpoint and account, with ``everywhere``
    those of all others too. ``savings`` are those of the present one (``saved_usd`` null: which one that is could not
    be told); ``elsewhere[]`` has a sum for each other one. ``unconfirmed``: so many stops in a sum are counted until
    now although AWS could not be asked whether they were started again.
    """
    shown = [entry for entry in history.entries if everywhere or history.may_be_current(account_of_entry(entry))]
    current = history.current if isinstance(history.current, AccountRef) else None
    several = len({account_of_entry(entry) for entry in shown} | {current} - {None}) > 1
    columns = (_ACCOUNT, *_COLUMNS) if several else _COLUMNS
    rows = tuple(_history_row(entry, history.savings.get(entry.id), several=several) for entry in shown)
    return CommandResult(
        {
            "account": current and current.account,
            "account_unknown_because": history.current.reason if isinstance(history.current, Unknown) else None,
            "kept_in": home_kept_in(),
            "endpoint": current and current.endpoint,
            "history": [_history_record(entry, history.savings.get(entry.id)) for entry in shown],
            "savings": _present_sum(history),
            "elsewhere": [_place_record(history, place) for place in history.accounts() if place != history.current],
        },
        ExitCode.PARTIAL if history.problems else ExitCode.OK,
        history.problems,
        (Table(columns, rows),) if shown else (),
        tuple(_history_notes(history, shown, everywhere=everywhere)),
        "history",
    )


def _history_record(entry: JournalEntry, saving: Saving | None) -> dict[str, Any]:
    return {
        "id": entry.id,
        "begun": entry.started_at,
        "ended": entry.ended_at,
        "endpoint": entry.endpoint,
        "account": entry.account,
        "caller": entry.caller,
        "region": entry.region,
        "action": entry.action,
        "subject": entry.subject,
        "because": entry.reason,
        "outcome": entry.outcome,
        "detail": entry.detail,
        "usd_per_hour": entry.stop.usd_per_hour if entry.stop else None,
        "saved_usd": saving and saving.usd,
        "saved_until": saving and saving.until,
        "saved_because": saving and saving.reason,
    }


def _present_sum(history: History) -> dict[str, Any]:
    """What was saved in the present endpoint and account."""
    match history.current:
        case None:
            return {"stops": 0, "saved_usd": 0, "uncounted": 0, "unconfirmed": 0}
        # A sum would mix what belongs to several.
        case Unknown():
            stops = len(history.savings)
            return {"stops": stops, "saved_usd": None if stops else 0, "uncounted": stops, "unconfirmed": 0}
        case AccountRef():
            return _savings_sums(_savings_of(history, history.current))
        case _:
            assert_never(history.current)


def _place_record(history: History, place: AccountRef) -> dict[str, Any]:
    changes = sum(account_of_entry(entry) == place for entry in history.entries)
    where = {"account": place.account, "endpoint": place.endpoint}
    return {**where, "changes": changes, **_savings_sums(_savings_of(history, place))}


def _savings_of(history: History, place: AccountRef) -> list[Saving]:
    return [
        history.savings[entry.id]
        for entry in history.entries
        if entry.id in history.savings and account_of_entry(entry) == place
    ]


def _savings_sums(savings: Sequence[Saving]) -> dict[str, Any]:
    return {
        "stops": len(savings),
        "saved_usd": total_usd(savings),
        "uncounted": sum(saving.usd is None for saving in savings),
        "unconfirmed": sum(saving.unconfirmed for saving in savings),
    }


def _history_row(entry: JournalEntry, saving: Saving | None, *, several: bool) -> tuple[Cell, ...]:
    return (
        *((Cell(_account_phrase(account_of_entry(entry))),) if several else ()),
        Cell(f"{entry.started_at:%Y-%m-%d %H:%M:%S}"),
        Cell(entry.region),
        Cell(entry.action),
        Cell(entry.subject),
        Cell(entry.outcome, _OUTCOME_STYLES[ChangeOutcome(entry.outcome)]),
        Cell("" if saving is None else "?" if saving.usd is None else f"{saving.usd:.4f}"),
        Cell(entry.reason),
        Cell(entry.caller or "unknown"),
    )


def _account_phrase(place: AccountRef) -> str:
    """An account, with its endpoint where that is not AWS itself."""
    account = place.account or "unknown"
    return account if place.endpoint == "aws" else f"{account} at {place.endpoint}"


def _history_notes(history: History, shown: Sequence[JournalEntry], *, everywhere: bool) -> Iterator[str]:
    if not history.entries:
        yield "opskit changed nothing in that time."
    elif not shown and isinstance(history.current, AccountRef):
        yield f"opskit changed nothing in the account {_account_phrase(history.current)} in that time."
    for word in dict.fromkeys(entry.outcome for entry in shown):
        if legend := _outcome_legend(ChangeOutcome(word)):
            yield f"'{word}' {legend}"
    if isinstance(history.current, AccountRef):
        yield from _money_notes(_savings_of(history, history.current), "")
    for place in history.accounts():
        if place != history.current:
            yield from _elsewhere_notes(history, place, is_listed=everywhere or history.may_be_current(place))


def _outcome_legend(outcome: ChangeOutcome) -> str:
    """What the word of an outcome says; empty: the word says it."""
    match outcome:
        case ChangeOutcome.STARTED:
            return "has no outcome recorded: it is still running, or was interrupted."
        case ChangeOutcome.REFUSED:
            return (
                "changed nothing: AWS refused it, for the reason in `detail` of -o json. It may have been sent again."
            )
        case ChangeOutcome.UNKNOWN:
            return "may have happened or not: its response was lost, or nobody waited for it."
        case ChangeOutcome.FAILED:
            return "did not end as it should, for the reason in `detail` of -o json."
        case ChangeOutcome.DROPPED:
            return "was not sent: a last look spoke against it."
        case (
            ChangeOutcome.DONE
            | ChangeOutcome.FILED
            | ChangeOutcome.ALREADY_OPEN
            | ChangeOutcome.ALREADY_ENOUGH
            | ChangeOutcome.QUEUED
            | ChangeOutcome.PLANNED
        ):
            return ""


def _elsewhere_notes(history: History, place: AccountRef, *, is_listed: bool) -> Iterator[str]:
    """What was done in another account, in a line of its own: its sum is never part of the present one's."""
    changes = sum(account_of_entry(entry) == place for entry in history.entries)
    if not is_listed:
        count = "1 change" if changes == 1 else f"{changes} changes"
        yield f"Account {_account_phrase(place)}: {count}, of another account or endpoint. --all shows them."
    yield from _money_notes(_savings_of(history, place), f"Account {_account_phrase(place)}: ")


def _money_notes(savings: Sequence[Saving], where: str) -> Iterator[str]:
    counted = [saving for saving in savings if saving.usd is not None]
    if counted:
        most = "at most " if any(saving.unconfirmed for saving in counted) else ""
        yield (
            f"{where}{_stops_phrase(len(counted))} saved {most}{total_usd(counted):.4f} "
            "USD, until the next start or until now."
        )
    for reason in dict.fromkeys(saving.reason for saving in savings if saving.usd is None):
        many = sum(saving.usd is None and saving.reason == reason for saving in savings)
        yield f"{where}{_stops_phrase(many)} not counted: {reason}."
    for reason in dict.fromkeys(saving.reason for saving in counted if "journal" in saving.reason):
        yield f"{where}Counted {reason}"


def _stops_phrase(many: int) -> str:
    return "1 stop" if many == 1 else f"{many} stops"

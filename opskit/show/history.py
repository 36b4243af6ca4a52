"""The journal for people and programs, and what the stops in it saved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from opskit.decide.savings import Saving, total_usd
from opskit.errors import ExitCode
from opskit.flows.history import AccountPlace, History, place_of
from opskit.show.answer import Answer, Cell, Column, Table, Tone
from opskit.state.journal import BEGUN, DROPPED, Entry

_TONES = {"refused": Tone.BAD, "failed": Tone.BAD, "unknown": Tone.WARN, BEGUN: Tone.WARN, DROPPED: Tone.DIM}
_ACCOUNT = Column("Account")
_COLUMNS = (
    Column("When (UTC)"),
    Column("Region", from_width=80),
    Column("What"),
    Column("To what", wrap=True),
    Column("Outcome"),
    Column("Saved USD", right=True),
    Column("Why", wrap=True, from_width=100),
    Column("As whom", wrap=True, from_width=140),
)


def history(told: History, *, everywhere: bool = False) -> Answer:
    """The answer of ``history``, oldest first: the entries of the present endpoint and account, with ``everywhere``
    those of all others too. ``savings`` are those of the present one (``saved_usd`` null: which one that is could not
    be told); ``elsewhere[]`` has a sum for each other one.
    """
    shown = [entry for entry in told.entries if everywhere or told.may_be_here(place_of(entry))]
    several = len({place_of(entry) for entry in shown} | {told.here} - {None}) > 1
    columns = (_ACCOUNT, *_COLUMNS) if several else _COLUMNS
    rows = tuple(_row(entry, told.savings.get(entry.id), several=several) for entry in shown)
    return Answer(
        {
            "account": told.here and told.here.account,
            "endpoint": told.here and told.here.endpoint,
            "history": [_record(entry, told.savings.get(entry.id)) for entry in shown],
            "savings": _present_sum(told),
            "elsewhere": [_place_record(told, place) for place in told.places() if place != told.here],
        },
        ExitCode.PARTLY if told.problems else ExitCode.DONE,
        told.problems,
        (Table(columns, rows),) if shown else (),
        tuple(_notes(told, shown, everywhere=everywhere)),
        "history",
    )


def _record(entry: Entry, saving: Saving | None) -> dict[str, Any]:
    return {
        "id": entry.id,
        "begun": entry.begun,
        "ended": entry.ended,
        "endpoint": entry.endpoint,
        "account": entry.account,
        "caller": entry.caller,
        "region": entry.region,
        "action": entry.action,
        "subject": entry.subject,
        "because": entry.because,
        "outcome": entry.outcome,
        "detail": entry.detail,
        "usd_per_hour": entry.stop.usd_per_hour if entry.stop else None,
        "saved_usd": saving and saving.usd,
        "saved_until": saving and saving.until,
        "saved_because": saving and saving.because,
    }


def _present_sum(told: History) -> dict[str, Any]:
    """What was saved in the present endpoint and account. Where it is not known which one that is, a sum would mix
    what belongs to several.
    """
    if told.here is None:
        stops = len(told.savings)
        return {"stops": stops, "saved_usd": None if stops else 0, "uncounted": stops}
    return _sums(_savings_of(told, told.here))


def _place_record(told: History, place: AccountPlace) -> dict[str, Any]:
    changes = sum(place_of(entry) == place for entry in told.entries)
    where = {"account": place.account, "endpoint": place.endpoint}
    return {**where, "changes": changes, **_sums(_savings_of(told, place))}


def _savings_of(told: History, place: AccountPlace) -> list[Saving]:
    return [told.savings[entry.id] for entry in told.entries if entry.id in told.savings and place_of(entry) == place]


def _sums(savings: Sequence[Saving]) -> dict[str, Any]:
    uncounted = sum(saving.usd is None for saving in savings)
    return {"stops": len(savings), "saved_usd": total_usd(savings), "uncounted": uncounted}


def _row(entry: Entry, saving: Saving | None, *, several: bool) -> tuple[Cell, ...]:
    return (
        *((Cell(_place_words(place_of(entry))),) if several else ()),
        Cell(f"{entry.begun:%Y-%m-%d %H:%M:%S}"),
        Cell(entry.region),
        Cell(entry.action),
        Cell(entry.subject),
        Cell(entry.outcome, _TONES.get(entry.outcome, Tone.GOOD)),
        Cell("" if saving is None else "?" if saving.usd is None else f"{saving.usd:.4f}"),
        Cell(entry.because),
        Cell(entry.caller or "unknown"),
    )


def _place_words(place: AccountPlace) -> str:
    """An account, with its endpoint where that is not AWS itself."""
    account = place.account or "unknown"
    return account if place.endpoint == "aws" else f"{account} at {place.endpoint}"


def _notes(told: History, shown: Sequence[Entry], *, everywhere: bool) -> Iterator[str]:
    if not told.entries:
        yield "opskit changed nothing in that time."
    elif not shown and told.here:
        yield f"opskit changed nothing in the account {_place_words(told.here)} in that time."
    if any(entry.outcome == BEGUN for entry in shown):
        yield "'begun' has no outcome yet: it still runs, or was stopped in the middle."
    if any(entry.outcome == DROPPED for entry in told.entries):
        yield "'dropped' was not sent: a last look spoke against it."
    if told.here:
        yield from _money_notes(_savings_of(told, told.here), "")
    for place in told.places():
        if place != told.here:
            yield from _elsewhere_notes(told, place, is_listed=everywhere or told.may_be_here(place))


def _elsewhere_notes(told: History, place: AccountPlace, *, is_listed: bool) -> Iterator[str]:
    """What was done in another account, in a line of its own: its sum is never part of the present one's."""
    changes = sum(place_of(entry) == place for entry in told.entries)
    if not is_listed:
        count = "1 change" if changes == 1 else f"{changes} changes"
        yield f"Account {_place_words(place)}: {count}, of another account or endpoint. --all shows them."
    yield from _money_notes(_savings_of(told, place), f"Account {_place_words(place)}: ")


def _money_notes(savings: Sequence[Saving], where: str) -> Iterator[str]:
    counted = [saving for saving in savings if saving.usd is not None]
    if counted:
        yield f"{where}{_stops(len(counted))} saved {total_usd(counted):.4f} USD, until the next start or until now."
    for reason in dict.fromkeys(saving.because for saving in savings if saving.usd is None):
        many = sum(saving.usd is None and saving.because == reason for saving in savings)
        yield f"{where}{_stops(many)} not counted: {reason}."
    for reason in dict.fromkeys(saving.because for saving in counted if "journal" in saving.because):
        yield f"{where}Counted {reason}"


def _stops(many: int) -> str:
    return "1 stop" if many == 1 else f"{many} stops"

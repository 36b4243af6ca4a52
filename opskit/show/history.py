"""The journal for people and programs, and what the stops in it saved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from opskit.decide.savings import Saving, total_usd
from opskit.errors import ExitCode
from opskit.flows.history import History
from opskit.show.answer import Answer, Cell, Column, Table, Tone
from opskit.state.journal import BEGUN, Entry

_TONES = {"refused": Tone.BAD, "failed": Tone.BAD, "unknown": Tone.WARN, BEGUN: Tone.WARN}
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


def history(told: History) -> Answer:
    """The answer of ``history``: oldest first."""
    tables = (Table(_COLUMNS, tuple(_row(entry, told.savings.get(entry.id)) for entry in told.entries)),)
    return Answer(
        {"history": [_record(entry, told.savings.get(entry.id)) for entry in told.entries], "savings": _total(told)},
        ExitCode.PARTLY if told.problems else ExitCode.DONE,
        told.problems,
        tables if told.entries else (),
        tuple(_notes(told)),
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


def _total(told: History) -> dict[str, Any]:
    savings = told.savings.values()
    uncounted = sum(saving.usd is None for saving in savings)
    return {"stops": len(savings), "saved_usd": total_usd(savings), "uncounted": uncounted}


def _row(entry: Entry, saving: Saving | None) -> tuple[Cell, ...]:
    return (
        Cell(f"{entry.begun:%Y-%m-%d %H:%M:%S}"),
        Cell(entry.region),
        Cell(entry.action),
        Cell(entry.subject),
        Cell(entry.outcome, _TONES.get(entry.outcome, Tone.GOOD)),
        Cell("" if saving is None else "?" if saving.usd is None else f"{saving.usd:.4f}"),
        Cell(entry.because),
        Cell(entry.caller or "unknown"),
    )


def _notes(told: History) -> Iterator[str]:
    if not told.entries:
        yield "opskit changed nothing in that time."
    if any(entry.outcome == BEGUN for entry in told.entries):
        yield "'begun' has no outcome yet: it still runs, or was stopped in the middle."
    savings = told.savings.values()
    counted = [saving for saving in savings if saving.usd is not None]
    if counted:
        yield f"{_stops(len(counted))} saved {total_usd(counted):.4f} USD, until the next start or until now."
    for reason in dict.fromkeys(saving.because for saving in savings if saving.usd is None):
        many = sum(saving.usd is None and saving.because == reason for saving in savings)
        yield f"{_stops(many)} not counted: {reason}."
    for reason in dict.fromkeys(saving.because for saving in counted if "journal" in saving.because):
        yield f"Counted {reason}"


def _stops(many: int) -> str:
    return "1 stop" if many == 1 else f"{many} stops"

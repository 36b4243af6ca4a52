"""The journal for people and programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from opskit.show.answer import Answer, Cell, Column, Table, Tone
from opskit.state.journal import BEGUN, Entry

_TONES = {"refused": Tone.BAD, "failed": Tone.BAD, "unknown": Tone.WARN, BEGUN: Tone.WARN}
_COLUMNS = (
    Column("When (UTC)"),
    Column("Region"),
    Column("What"),
    Column("To what", wrap=True),
    Column("Outcome"),
    Column("Why", wrap=True, from_width=100),
    Column("As whom", wrap=True, from_width=140),
)


def history(entries: Sequence[Entry]) -> Answer:
    """The answer of ``history``: oldest first."""
    notes = [] if entries else ["opskit changed nothing in that time."]
    if any(entry.outcome == BEGUN for entry in entries):
        notes.append("'begun' has no outcome yet: it still runs, or was stopped in the middle.")
    tables = (Table(_COLUMNS, tuple(_row(entry) for entry in entries)),) if entries else ()
    return Answer(
        {"history": [asdict(entry) for entry in entries]}, tables=tables, notes=tuple(notes), records="history"
    )


def _row(entry: Entry) -> tuple[Cell, ...]:
    return (
        Cell(f"{entry.begun:%Y-%m-%d %H:%M:%S}"),
        Cell(entry.region),
        Cell(entry.action),
        Cell(entry.subject),
        Cell(entry.outcome, _TONES.get(entry.outcome, Tone.GOOD)),
        Cell(entry.because),
        Cell(entry.caller or "unknown"),
    )

"""Notebooks that are started and opened, for people and programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opskit.decide.guard import worst_exit
from opskit.errors import ExitCode
from opskit.flows.open_notebook import ADDRESS_SECONDS
from opskit.flows.start_notebooks import Start, StartOutcome
from opskit.model import Price
from opskit.show.answer import Answer, Cell, Column, Table, Tone

_WORDS = {
    StartOutcome.PLANNED: "would be started",
    StartOutcome.DONE: "started",
    StartOutcome.ALREADY: "runs already",
    StartOutcome.REFUSED: "not started",
    StartOutcome.UNKNOWN: "not known whether it started",
}
_TONES = {StartOutcome.REFUSED: Tone.BAD, StartOutcome.UNKNOWN: Tone.WARN}
_COLUMNS = (
    Column("Notebook", wrap=True),
    Column("Type"),
    Column("Status"),
    Column("USD/h", right=True),
    Column("What happened", wrap=True),
)


def starting(starts: Sequence[Start], region: str) -> Answer:
    """The answer of ``notebook start``."""
    problems = tuple(each.error.problem for each in starts if each.error)
    table = Table(_COLUMNS, tuple(_row(each) for each in starts))
    data = {"notebooks": [_record(each, region) for each in starts]}
    return Answer(data, _exit(starts), problems, (table,), records="notebooks")


def _exit(starts: Sequence[Start]) -> ExitCode:
    """No room wins; else what is only partly done is that, and what is not done at all is as bad as its reason."""
    errors = [each.error for each in starts if each.error]
    lost = any(each.outcome is StartOutcome.UNKNOWN for each in starts)
    code = worst_exit(errors)
    return ExitCode.PARTLY if code is not ExitCode.REFUSED and errors and (lost or len(errors) < len(starts)) else code


def _record(start: Start, region: str) -> dict[str, Any]:
    seen = start.notebook
    return {
        "region": region,
        "name": start.name,
        "instance_type": seen and seen.instance_type,
        "status": seen and seen.status,
        "action": "start",
        "outcome": start.outcome and start.outcome.value,
        "because": start.error.problem.message if start.error else None,
        "usd_per_hour": start.price.usd_per_hour if isinstance(start.price, Price) else None,
    }


def _row(start: Start) -> tuple[Cell, ...]:
    seen, outcome = start.notebook, start.outcome or StartOutcome.UNKNOWN
    priced = str(start.price.usd_per_hour) if isinstance(start.price, Price) else ("?" if start.price else "")
    kind, status = (seen.instance_type, seen.status) if seen else ("", "")
    return (
        Cell(start.name),
        Cell(kind),
        Cell(status),
        Cell(priced),
        Cell(_WORDS[outcome], _TONES.get(outcome, Tone.GOOD)),
    )


def opened(name: str, region: str) -> Answer:
    """The answer of ``notebook open`` when a browser has it: without the address, which is a key."""
    data = {"region": region, "name": name, "url": None, "expires_in_seconds": None}
    return Answer(data, notes=(f"{name} opens in your browser.",))


def address(name: str, region: str, url: str) -> Answer:
    """The answer of ``notebook open`` when the address itself is what was asked for."""
    data = {"region": region, "name": name, "url": url, "expires_in_seconds": ADDRESS_SECONDS}
    return Answer(data, notes=(url,))

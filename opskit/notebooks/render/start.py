"""Notebooks that are started and opened, for people and programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opskit.core.exceptions import ExitCode
from opskit.core.model import Price
from opskit.guards.rules.refusals import worst_exit
from opskit.notebooks.flows.start import StartAction
from opskit.notebooks.rules.start import StartOutcome
from opskit.output.result import Cell, Column, CommandResult, Style, Table

_WORDS = {
    StartOutcome.PLANNED: "would be started",
    StartOutcome.DONE: "started",
    StartOutcome.ALREADY: "runs already",
    StartOutcome.FAILED: "started, and failed",
    StartOutcome.REFUSED: "not started",
    StartOutcome.UNKNOWN: "not known whether it started",
}
_TONES = {
    StartOutcome.PLANNED: Style.GOOD,
    StartOutcome.DONE: Style.GOOD,
    StartOutcome.ALREADY: Style.GOOD,
    StartOutcome.FAILED: Style.BAD,
    StartOutcome.REFUSED: Style.BAD,
    StartOutcome.UNKNOWN: Style.WARN,
}
_COLUMNS = (
    Column("Notebook", wrap=True, key=True),
    Column("Type"),
    Column("Status"),
    Column("USD/h", right=True),
    Column("What happened", wrap=True),
)


def start_result(starts: Sequence[StartAction], region: str) -> CommandResult:
    """The answer of ``notebook start``."""
    problems = tuple(start.error.problem for start in starts if start.error)
    table = Table(_COLUMNS, tuple(_start_row(start) for start in starts))
    data = {"notebooks": [_start_record(start, region) for start in starts]}
    return CommandResult(data, _start_exit(starts), problems, (table,), records="notebooks")


def confirm_starts_text(starts: Sequence[StartAction]) -> str:
    """What somebody has to agree to before notebooks are started that were not named; "": none would be."""
    planned = [start for start in starts if start.outcome.is_planned]
    if not planned:
        return ""
    prices = [start.price.usd_per_hour for start in planned if isinstance(start.price, Price)]
    least = "" if len(prices) == len(planned) else "at least "
    names = ", ".join(start.name for start in planned)
    return f"Start {len(planned)} notebooks, for {least}{sum(prices)} USD per hour: {names}."


def _start_exit(starts: Sequence[StartAction]) -> ExitCode:
    """No room wins; else what is only partly done is that, and what is not done at all is as bad as its reason."""
    errors = [start.error for start in starts if start.error]
    lost = any(start.outcome.is_unknown for start in starts)
    code = worst_exit(errors)
    is_part = bool(errors) and (lost or len(errors) < len(starts))
    return ExitCode.PARTIAL if is_part and not code.is_refusal else code


def _start_record(start: StartAction, region: str) -> dict[str, Any]:
    seen = start.notebook
    return {
        "region": region,
        "name": start.name,
        "instance_type": seen and seen.instance_type,
        "status": seen and seen.status,
        "action": "start",
        "outcome": start.outcome.value,
        "because": start.error.problem.message if start.error else None,
        "account": seen and seen.account,
        "usd_per_hour": start.price.usd_per_hour if isinstance(start.price, Price) else None,
    }


def _start_row(start: StartAction) -> tuple[Cell, ...]:
    seen = start.notebook
    priced = str(start.price.usd_per_hour) if isinstance(start.price, Price) else ("?" if start.price else "")
    instance_type, status = (seen.instance_type, seen.status) if seen else ("", "")
    return (
        Cell(start.name),
        Cell(instance_type),
        Cell(status),
        Cell(priced),
        Cell(_describe_outcome(start), _TONES[start.outcome]),
    )


def _describe_outcome(start: StartAction) -> str:
    match start.outcome:
        case StartOutcome.ALREADY if start.notebook and start.notebook.traits.is_maintained:
            return "may run already, and bill"  # what a maintenance means AWS does not say
        case StartOutcome.ALREADY | StartOutcome.PLANNED | StartOutcome.DONE | StartOutcome.FAILED:
            return _WORDS[start.outcome]
        case StartOutcome.REFUSED | StartOutcome.UNKNOWN:
            return _WORDS[start.outcome]

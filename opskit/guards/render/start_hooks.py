"""The results of ``opskit guard install``, ``remove`` and ``status``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from opskit.guards.flows.start_hooks import HookReport
from opskit.guards.rules.start_hooks import HookState
from opskit.output.result import Cell, Column, CommandResult, Style, Table

_COLUMNS = (
    Column("where", key=True),
    Column("guard"),
    Column("file", wrap=True),
    Column("outcome"),
)


def hooks_result(reports: Sequence[HookReport]) -> CommandResult:
    """What is installed where, and what was done."""
    rows = [_hook_row(report) for report in reports]
    return CommandResult(
        {"hooks": [_hook_record(report) for report in reports]},
        tables=(Table(_COLUMNS, rows),),
        notes=tuple(_hook_notes(reports)),
        records="hooks",
    )


def _hook_record(report: HookReport) -> dict[str, Any]:
    return {
        "target": report.target.value,
        "path": str(report.path),
        "installed": report.state.is_ours,
        "state": report.state.value,
        "arguments": {name: value for name, value in vars(report.arguments).items() if value is not None},
        "outcome": report.outcome,
    }


def _hook_row(report: HookReport) -> tuple[Cell, ...]:
    return Cell(report.target.value), _state_cell(report.state), Cell(str(report.path)), Cell(report.outcome or "")


def _state_cell(state: HookState) -> Cell:
    match state:
        case HookState.INSTALLED:
            return Cell("installed", Style.GOOD)
        case HookState.OUTDATED:
            return Cell("installed by another opskit", Style.WARN)
        case HookState.ABSENT:
            return Cell("not installed", Style.DIM)
        case HookState.FOREIGN:
            return Cell("somebody else's file", Style.WARN)


def _hook_notes(reports: Sequence[HookReport]) -> Iterator[str]:
    for report in reports:
        if report.outcome == "planned" and report.content:
            yield f"{report.path} would be:\n{report.content.rstrip()}"
        elif report.outcome == "done" and report.state.is_ours:
            yield report.target.effect(report.arguments)

"""The results of ``opskit guard install``, ``remove`` and ``status``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from opskit.guards.flows.start_hooks import HookReport
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
        "outcome": report.outcome,
    }


def _hook_row(report: HookReport) -> tuple[Cell, ...]:
    installed = Cell("installed", Style.GOOD) if report.state.is_ours else Cell("not installed", Style.DIM)
    return Cell(report.target.value), installed, Cell(str(report.path)), Cell(report.outcome or "")


def _hook_notes(reports: Sequence[HookReport]) -> Iterator[str]:
    for report in reports:
        if report.outcome == "planned" and report.content:
            yield f"{report.path} would be:\n{report.content.rstrip()}"
        elif report.outcome == "done" and report.state.is_ours:
            yield report.target.effect

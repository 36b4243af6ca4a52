"""An answer without secrets, in whatever form it is printed: what AWS, Jupyter, a log or a tag says may hold some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from opskit.core.exceptions import Problem
from opskit.core.redaction import redact_secrets, redact_values
from opskit.output.result import Cell, CommandResult, LazyRows, Table


def result_without_secrets(result: CommandResult) -> CommandResult:
    """The answer as it may be printed: all its texts redacted, unless a key is what was asked for."""
    problems = tuple(map(problem_without_secrets, result.problems))
    if result.holds_keys:
        return replace(result, problems=problems)
    return replace(
        result,
        data=_redact_records(result.data),
        problems=problems,
        tables=tuple(map(_redact_table, result.tables)),
        notes=tuple(map(redact_secrets, result.notes)),
    )


def problem_without_secrets(problem: Problem) -> Problem:
    """A problem as it may be printed."""
    return replace(problem, message=redact_secrets(problem.message), hint=redact_secrets(problem.hint))


def _redact_records(data: Mapping[str, Any]) -> dict[str, Any]:
    # Lists of records may be built one at a time while they are printed, and stay so.
    return {
        name: LazyRows(value, redact_values) if isinstance(value, LazyRows) else redact_values({name: value})[name]
        for name, value in data.items()
    }


def _redact_table(table: Table) -> Table:
    return replace(table, rows=LazyRows(table.rows, _redact_row), title=redact_secrets(table.title))


def _redact_row(row: Sequence[Cell]) -> tuple[Cell, ...]:
    return tuple(replace(cell, text=redact_secrets(cell.text)) for cell in row)

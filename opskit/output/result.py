"""The result of a command before it is printed: one value for tables, JSON, CSV and markdown, what lists of idle things
share in it, and the same without secrets, which what AWS, Jupyter, a log or a tag says may hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Generic, TypeVar, overload

from opskit.core.exceptions import ExitCode, OpskitError, Problem
from opskit.core.grace import Patience
from opskit.core.redaction import redact_secrets, redact_values
from opskit.core.text import format_duration

T = TypeVar("T")


@dataclass(frozen=True)
class LazyRows(Sequence[T], Generic[T]):
    """Rows or records that are built one at a time while they are printed, so that a result of thousands is never in
    memory in all its forms.
    """

    items: Sequence[Any]
    build: Callable[[Any], T]

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...
    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        return LazyRows(self.items[index], self.build) if isinstance(index, slice) else self.build(self.items[index])


class Style(StrEnum):
    """How a cell is coloured. Colour only repeats what its text says."""

    PLAIN = "plain"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    DIM = "dim"


@dataclass(frozen=True)
class Cell:
    """One cell of a table."""

    text: str
    style: Style = Style.PLAIN


@dataclass(frozen=True)
class Column:
    """A column of a table. ``wrap`` allows its text to break between words; an ``optional`` column is left out on a
    terminal that is too narrow, and named below the table; ``key`` columns tell the rows apart.
    """

    header: str
    right: bool = False
    wrap: bool = False
    optional: bool = False
    key: bool = False


@dataclass(frozen=True)
class Table:
    """A table for people. Each row has one cell per column."""

    columns: tuple[Column, ...]
    rows: Sequence[tuple[Cell, ...]]
    title: str = ""


@dataclass(frozen=True)
class CommandResult:
    """Everything that a command outputs.

    ``data`` is the JSON contract; ``records`` names the list in it that CSV prints (None: ``data`` is the one record);
    ``tables`` and ``notes`` are for people, on a terminal through a pager where ``paged`` says so; ``problems`` go to
    ``errors`` and to stderr. ``holds_keys``: the answer is a key that was asked for, such as a notebook's address; in
    any other answer secrets are removed. ``more_data`` are fields of ``data`` that only JSON has.
    """

    data: Mapping[str, Any]
    exit: ExitCode = ExitCode.OK
    problems: tuple[Problem, ...] = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
    records: str | None = None
    paged: bool = False
    holds_keys: bool = False
    more_data: Mapping[str, Any] = field(default_factory=dict)


def result_with_error(result: CommandResult, error: OpskitError | None) -> CommandResult:
    """A dry run's result, with the error that the real run would end with; None: with none."""
    if error is None:
        return result
    return replace(result, exit=error.exit, problems=(*result.problems, error.problem))


def error_result(error: OpskitError, data: Mapping[str, Any] | None = None) -> CommandResult:
    """The result of a command that ended with an error."""
    return CommandResult(data or {}, error.exit, (error.problem,))


@dataclass(frozen=True)
class Envelope:
    """The JSON envelope around a result, the same for success and failure."""

    command: tuple[str, ...]
    result: CommandResult = field(repr=False)

    def as_json(self) -> dict[str, Any]:
        """The one object that ``-o json`` prints."""
        return {
            "opskit": 1,
            "command": list(self.command),
            "status": exit_status(self.result.exit),
            "exit": int(self.result.exit),
            "data": {**self.result.data, **self.result.more_data},
            "errors": [problem_record(problem) for problem in self.result.problems],
        }


def exit_status(code: ExitCode) -> str:
    """An exit code's word in JSON: ok, refused, partial or error."""
    match code:
        case ExitCode.OK:
            return "ok"
        case ExitCode.REFUSED:
            return "refused"
        case ExitCode.PARTIAL:
            return "partial"
        case ExitCode.BUG | ExitCode.USAGE | ExitCode.AWS_ERROR | ExitCode.INTERRUPTED:
            return "error"
        case ExitCode.NOT_RUNNABLE | ExitCode.NOT_FOUND:
            return "error"


def problem_record(problem: Problem) -> dict[str, Any]:
    """A problem as JSON has it in ``errors``."""
    record: dict[str, Any] = {"code": problem.code, "message": problem.message, "hint": problem.hint}
    return record if problem.region is None else {**record, "region": problem.region}


def result_without_secrets(result: CommandResult) -> CommandResult:
    """The answer as it may be printed: all its texts redacted, unless a key is what was asked for."""
    problems = tuple(map(problem_without_secrets, result.problems))
    if result.holds_keys:
        return replace(result, problems=problems)
    return replace(
        result,
        # Lists of records may be built one at a time while they are printed, and stay so.
        data={
            name: LazyRows(value, redact_values) if isinstance(value, LazyRows) else redact_values({name: value})[name]
            for name, value in result.data.items()
        },
        problems=problems,
        tables=tuple(
            replace(table, rows=LazyRows(table.rows, _redact_row), title=redact_secrets(table.title))
            for table in result.tables
        ),
        notes=tuple(map(redact_secrets, result.notes)),
    )


def problem_without_secrets(problem: Problem) -> Problem:
    """A problem as it may be printed."""
    return replace(problem, message=redact_secrets(problem.message), hint=redact_secrets(problem.hint))


def _redact_row(row: Sequence[Cell]) -> tuple[Cell, ...]:
    return tuple(replace(cell, text=redact_secrets(cell.text)) for cell in row)


_HEADER = "Patience"


def add_patience_column(table: Table, patiences: Sequence[Patience | None], before: str) -> Table:
    """A table with each row's patience in front of the column ``before``; the same one where a time was asked for,
    which is then the same for all.
    """
    if not any(patience and patience.because for patience in patiences):
        return table
    at = next(index for index, column in enumerate(table.columns) if column.header == before)
    columns = (*table.columns[:at], Column(_HEADER, right=True, optional=True), *table.columns[at:])
    rows = tuple(
        (*row[:at], Cell("" if patience is None else format_duration(patience.span)), *row[at:])
        for row, patience in zip(table.rows, patiences, strict=True)
    )
    return replace(table, columns=columns, rows=rows)


def largest_first(value: Decimal | timedelta | None) -> tuple[bool, float]:
    """The sort key of a number or a time."""
    if value is None:
        return (True, 0)
    return (False, -(value.total_seconds() if isinstance(value, timedelta) else float(value)))


def owner_order(owner: str | None) -> tuple[bool, str]:
    """The sort key of an owner, whose case does not matter."""
    return (owner is None, (owner or "").lower())

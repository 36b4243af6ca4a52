"""What a command answers, before it is shown: one value for tables, JSON, CSV and markdown alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar, overload

from opskit.core.exceptions import ExitCode, OpskitError, Problem

T = TypeVar("T")


@dataclass(frozen=True)
class LazyRows(Sequence[T], Generic[T]):
    """Rows or records that are made one at a time, as they are shown: an answer of thousands never stands in memory
    in all its forms.
    """

    items: Sequence[Any]
    build: Callable[[Any], T]

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[T]: ...
    def __getitem__(self, at: int | slice) -> T | Sequence[T]:
        return LazyRows(self.items[at], self.build) if isinstance(at, slice) else self.build(self.items[at])


class Style(StrEnum):
    """How a cell feels. Colour only repeats what its text says."""

    PLAIN = "plain"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    DIM = "dim"


@dataclass(frozen=True)
class Cell:
    """A piece of a table."""

    text: str
    style: Style = Style.PLAIN


@dataclass(frozen=True)
class Column:
    """A table's column. ``wrap`` lets a narrow terminal break its text; others keep their width. A terminal of
    fewer than ``from_width`` characters goes without it.
    """

    header: str
    right: bool = False
    wrap: bool = False
    from_width: int = 0


@dataclass(frozen=True)
class Table:
    """Rows for people. Each row has a cell a column."""

    columns: tuple[Column, ...]
    rows: Sequence[tuple[Cell, ...]]
    title: str = ""


@dataclass(frozen=True)
class CommandResult:
    """Everything a command has to say.

    ``data`` is the JSON promise; ``records`` names the list in it that CSV shows (None: ``data`` is the one
    record); ``tables`` and ``notes`` are for people; ``problems`` go to ``errors`` and to standard error.
    """

    data: Mapping[str, Any]
    exit: ExitCode = ExitCode.OK
    problems: tuple[Problem, ...] = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
    records: str | None = None


def error_result(error: OpskitError, data: Mapping[str, Any] | None = None) -> CommandResult:
    """The answer of a command that ended with an error."""
    return CommandResult(data or {}, error.exit, (error.problem,))


@dataclass(frozen=True)
class Envelope:
    """The JSON envelope around an answer, the same for success and failure."""

    command: tuple[str, ...]
    result: CommandResult = field(repr=False)

    def as_json(self) -> dict[str, Any]:
        """The one object that ``-o json`` prints."""
        return {
            "opskit": 1,
            "command": list(self.command),
            "status": _exit_status(self.result.exit),
            "exit": int(self.result.exit),
            "data": dict(self.result.data),
            "errors": [_problem_record(problem) for problem in self.result.problems],
        }


def _exit_status(code: ExitCode) -> str:
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


def _problem_record(problem: Problem) -> dict[str, Any]:
    shown: dict[str, Any] = {"code": problem.code, "message": problem.message, "hint": problem.hint}
    return shown if problem.region is None else {**shown, "region": problem.region}

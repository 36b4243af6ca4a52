"""What a command answers, before it is shown: one value for tables, JSON, CSV and markdown alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar, overload

from opskit.errors import ExitCode, OpskitError, Problem

T = TypeVar("T")


@dataclass(frozen=True)
class Each(Sequence[T], Generic[T]):
    """Rows or records that are made one at a time, as they are shown: an answer of thousands never stands in memory
    in all its forms.
    """

    of: Sequence[Any]
    made: Callable[[Any], T]

    def __len__(self) -> int:
        return len(self.of)

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[T]: ...
    def __getitem__(self, at: int | slice) -> T | Sequence[T]:
        return Each(self.of[at], self.made) if isinstance(at, slice) else self.made(self.of[at])


class Tone(StrEnum):
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
    tone: Tone = Tone.PLAIN


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
class Answer:
    """Everything a command has to say.

    ``data`` is the JSON promise; ``records`` names the list in it that CSV shows (None: ``data`` is the one
    record); ``tables`` and ``notes`` are for people; ``problems`` go to ``errors`` and to standard error.
    """

    data: Mapping[str, Any]
    exit: ExitCode = ExitCode.DONE
    problems: tuple[Problem, ...] = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
    records: str | None = None


def failure(error: OpskitError, data: Mapping[str, Any] | None = None) -> Answer:
    """The answer of a command that ended with an error."""
    return Answer(data or {}, error.exit, (error.problem,))


@dataclass(frozen=True)
class Envelope:
    """The JSON envelope around an answer, the same for success and failure."""

    command: tuple[str, ...]
    answer: Answer = field(repr=False)

    def as_json(self) -> dict[str, Any]:
        """The one object that ``-o json`` prints."""
        return {
            "opskit": 1,
            "command": list(self.command),
            "status": _status(self.answer.exit),
            "exit": int(self.answer.exit),
            "data": dict(self.answer.data),
            "errors": [_problem(problem) for problem in self.answer.problems],
        }


def _status(code: ExitCode) -> str:
    match code:
        case ExitCode.DONE:
            return "ok"
        case ExitCode.REFUSED:
            return "refused"
        case ExitCode.PARTLY:
            return "partial"
        case _:
            return "error"


def _problem(problem: Problem) -> dict[str, Any]:
    shown: dict[str, Any] = {"code": problem.code, "message": problem.message, "hint": problem.hint}
    return shown if problem.region is None else {**shown, "region": problem.region}

"""Puts an answer on the screen or into the pipe. stdout is the answer, stderr is the talk."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from typing import IO, Any, Literal

from opskit.errors import Problem
from opskit.show.answer import Answer, Envelope, Table, Tone

_STYLES = {Tone.PLAIN: "", Tone.GOOD: "green", Tone.WARN: "yellow", Tone.BAD: "bold red", Tone.DIM: "dim"}


_NARROW_COLUMN, _BESIDE = 4, 2
"""Characters of a column that may break, and those that stand beside each column."""


class Output(StrEnum):
    """The forms an answer can take."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"


@dataclass(frozen=True)
class Screen:
    """Where and how to show: the form, whether colour is welcome, whether talk is."""

    output: Output = Output.TABLE
    color: bool = True
    quiet: bool = False
    stdout: IO[str] | None = None
    stderr: IO[str] | None = None

    @property
    def out(self) -> IO[str]:
        """Where the answer goes."""
        return self.stdout or sys.stdout

    @property
    def err(self) -> IO[str]:
        """Where the talk goes."""
        return self.stderr or sys.stderr

    @property
    def columns(self) -> int | None:
        """How wide the terminal is that the answer goes to; None where it goes elsewhere."""
        return shutil.get_terminal_size().columns if self.out.isatty() else None

    def say(self, text: str) -> None:
        """Tell the user something on the way; silent with --quiet."""
        if not self.quiet:
            print(text, file=self.err, flush=True)

    def tell(self, text: str, *, strong: bool = False) -> None:
        """A line of a story that is itself the answer: on stdout, or beside it where stdout holds JSON."""
        stream = self.out if self.output is Output.TABLE else self.err
        if self.quiet:
            return
        bold = strong and self.color and stream.isatty()
        print(f"\033[1m{text}\033[0m" if bold else text, file=stream, flush=True)

    @contextmanager
    def waiting(self, text: str) -> Iterator[None]:
        """Show on a terminal that something goes on."""
        if self.quiet or not self.err.isatty():
            yield
            return
        from rich.console import Console

        with Console(file=self.err, no_color=not self.color).status(text):
            yield

    @contextmanager
    def progress(self) -> Iterator[Callable[[str], None]]:
        """A way to tell how work goes on: on a terminal the newest line beside a spinner, under what came before;
        elsewhere plain lines on standard error; nothing with --quiet.
        """
        if self.quiet or not self.err.isatty():
            yield self.say
            return
        from rich.console import Console
        from rich.text import Text

        console = Console(file=self.err, no_color=not self.color, highlight=False)
        with console.status("looking") as status:

            def tell(line: str) -> None:
                console.print(Text(line))
                status.update(Text(line.strip()[:60]))

            yield tell

    def show(self, command: tuple[str, ...], answer: Answer) -> None:
        """Show an answer in this screen's form."""
        match self.output:
            case Output.JSON:
                whole = Envelope(command, answer).as_json()
                self.out.writelines(_json(whole, ("data", answer.records) if answer.records else ()))
                self._print("\n", end="")
            case Output.CSV:
                self._print(_csv(answer), end="")
            case Output.MARKDOWN:
                self._print("\n\n".join([*(_tabulated(table, "github") for table in answer.tables), *answer.notes]))
            case Output.TABLE:
                self._tables(answer)
        if self.output is not Output.JSON:
            self._problems(answer.problems)

    def _print(self, text: str, end: str = "\n") -> None:
        if text:
            print(text, end=end, file=self.out, flush=True)

    def _tables(self, answer: Answer) -> None:
        for table in answer.tables:
            if self.out.isatty():
                self._rich(table)
            else:
                self._print(_titled(table, _tabulated(table, "simple")))
        for note in answer.notes:
            self._print(note)

    def _rich(self, table: Table) -> None:
        from rich import box
        from rich.console import Console
        from rich.table import Table as RichTable
        from rich.text import Text

        console = Console(file=self.out, no_color=not self.color, highlight=False)
        shown = RichTable(
            box=box.SIMPLE_HEAD, title=table.title or None, title_justify="left", pad_edge=False, padding=(0, 1, 0, 0)
        )
        kept = [at for at, column in enumerate(table.columns) if column.from_width <= console.width]
        is_narrow = _least_width(table, kept) > console.width  # then all may break, rather than some be cut
        for column in (table.columns[at] for at in kept):
            justify: Literal["right", "left"] = "right" if column.right else "left"
            shown.add_column(column.header, justify=justify, no_wrap=not (column.wrap or is_narrow), overflow="fold")
        for row in table.rows:
            shown.add_row(*(Text(row[at].text, style=_STYLES[row[at].tone]) for at in kept))
        console.print(shown)

    def _problems(self, problems: Sequence[Problem]) -> None:
        for problem, following in zip(problems, [*problems[1:], None], strict=False):
            where = f" [{problem.region}]" if problem.region and problem.region not in problem.message else ""
            print(f"opskit: {problem.message}{where}", file=self.err)
            if problem.hint and (following is None or following.hint != problem.hint):  # once for those it helps alike
                print(f"        {problem.hint}", file=self.err, flush=True)


def _least_width(table: Table, kept: Sequence[int]) -> int:
    """The characters that these columns take at least: whole texts, or a few characters where they may break."""
    widths = [
        _NARROW_COLUMN if table.columns[at].wrap else max(map(len, [table.columns[at].header, *_texts(table, at)]))
        for at in kept
    ]
    return sum(widths) + _BESIDE * len(widths) + 1


def _texts(table: Table, at: int) -> list[str]:
    return [row[at].text for row in table.rows]


def _titled(table: Table, text: str) -> str:
    return f"{table.title}\n{text}" if table.title else text


def _tabulated(table: Table, style: str) -> str:
    from tabulate import tabulate

    rows = [[cell.text for cell in row] for row in table.rows]
    align = ["right" if column.right else "left" for column in table.columns]
    headers = [column.header for column in table.columns]
    return tabulate(rows, headers, tablefmt=style, colalign=align if rows else None, disable_numparse=True)


def _json(value: Any, path: Sequence[str]) -> Iterator[str]:
    """A value as JSON, in pieces: what ``path`` leads to an item at a time, so that a long list never stands in
    memory as one text.
    """
    if not path or not value:
        yield _dumped(value)
        return
    for at, (name, each) in enumerate(value.items()):
        yield f"{', ' if at else '{'}{_dumped(name)}: "
        if name == path[0]:
            yield from _json(each, path[1:]) if path[1:] else _items(each)
        else:
            yield _dumped(each)
    yield "}"


def _items(values: Sequence[Any]) -> Iterator[str]:
    yield "["
    for at, value in enumerate(values):
        yield f"{', ' if at else ''}{_dumped(value)}"
    yield "]"


def _dumped(value: Any) -> str:
    return json.dumps(value, default=plain, ensure_ascii=False)


def _csv(answer: Answer) -> str:
    found = [answer.data] if answer.records is None else answer.data.get(answer.records, [])
    records = [each if isinstance(each, Mapping) else {answer.records: each} for each in found]  # or a column of values
    if not records:
        return ""
    sheet = io.StringIO()
    writer = csv.DictWriter(sheet, fieldnames=list(records[0]), lineterminator="\n")
    writer.writeheader()
    for record in records:
        writer.writerow({name: _cell(value) for name, value in record.items()})
    return sheet.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, default=plain, ensure_ascii=False)
    return "" if value is None else value


def plain(value: Any) -> Any:
    """A value JSON knows, for one it does not: times in ISO 8601 UTC, amounts as numbers, names as text."""
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case Decimal():
            return float(value)
        case Enum():
            return value.value
        case _:
            return str(value)

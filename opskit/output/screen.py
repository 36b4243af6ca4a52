"""Prints a result in the requested format. Results go to stdout, messages to stderr."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import IO, Any, Literal

from opskit.core.ascii_json import ascii_json
from opskit.core.exceptions import Problem
from opskit.core.setting_values import OutputFormat
from opskit.output.printing import print_exact, print_text, standard_error, standard_output, visible_line
from opskit.output.result import CommandResult, Envelope, Style, Table

_RICH_STYLES = {Style.PLAIN: "", Style.GOOD: "green", Style.WARN: "yellow", Style.BAD: "bold red", Style.DIM: "dim"}


# Minimum width of a column that may wrap, and the padding of each column, in characters.
_NARROW_COLUMN, _BESIDE = 4, 2
_INDENT = " " * len("opskit: ")


@dataclass(frozen=True)
class Screen:
    """Where and how to print: the format, whether colour is allowed, and whether messages are printed."""

    format: OutputFormat = OutputFormat.TABLE
    color: bool = True
    quiet: bool = False
    stdout: IO[str] | None = None
    stderr: IO[str] | None = None

    @property
    def stdout_stream(self) -> IO[str]:
        """Where the result goes."""
        return self.stdout or standard_output()

    @property
    def stderr_stream(self) -> IO[str]:
        """Where messages go."""
        return self.stderr or standard_error()

    @property
    def terminal_columns(self) -> int | None:
        """The width of the terminal that the result goes to; None if it is not a terminal."""
        return shutil.get_terminal_size().columns if self.stdout_stream.isatty() else None

    def info(self, text: str) -> None:
        """Print a message on stderr; nothing with --quiet."""
        if not self.quiet:
            print_text(text, self.stderr_stream)

    def print_line(self, text: str, *, strong: bool = False) -> None:
        """Print a line of a result that is itself a report: on stdout, or on stderr if stdout holds JSON."""
        stream = self.stdout_stream if self.format.is_table else self.stderr_stream
        if self.quiet:
            return
        print_text(text, stream, strong=strong and self.color and stream.isatty())

    @contextmanager
    def spinner(self, text: str) -> Iterator[None]:
        """Show a spinner while the block runs, on a terminal only."""
        # A spinner redraws its line with cursor movements, which would fill a log file or a pipe with control codes.
        if self.quiet or not self.stderr_stream.isatty():
            yield
            return
        from opskit.output.rich_console import console_on, shown_text

        with console_on(self.stderr_stream, color=self.color).status(shown_text(text)):
            yield

    @contextmanager
    def live_lines(self) -> Iterator[Callable[[str], None]]:
        """A function that prints lines while work goes on: on a terminal with the latest one beside a spinner,
        elsewhere plain lines on stderr; nothing with --quiet.
        """
        if self.quiet or not self.stderr_stream.isatty():
            yield self.info
            return
        from opskit.output.rich_console import console_on, shown_text

        console = console_on(self.stderr_stream, color=self.color)
        with console.status("looking") as status:

            def show_line(line: str) -> None:
                console.print(shown_text(line))
                status.update(shown_text(line.strip()[:60]))

            yield show_line

    def show_result(self, command: tuple[str, ...], result: CommandResult) -> None:
        """Print a result in this screen's format."""
        match self.format:
            case OutputFormat.JSON:
                whole = Envelope(command, result).as_json()
                print_exact(_json_pieces(whole, ("data", result.records) if result.records else ()), self.stdout_stream)
            case OutputFormat.CSV:
                self._write_text(_csv_text(result), end="")
            case OutputFormat.MARKDOWN:
                self._write_text(
                    "\n\n".join([*(_tabulate_table(table, "github") for table in result.tables), *result.notes])
                )
            case OutputFormat.TABLE:
                self._print_tables(result)
        # JSON has the problems in `errors`; on stderr as well a script that merges both streams would not parse it.
        if not self.format.tells_problems:
            self.show_problems(result.problems)

    def _write_text(self, text: str, end: str = "\n") -> None:
        if text:
            print_text(text, self.stdout_stream, end=end)

    def _print_tables(self, result: CommandResult) -> None:
        for table in result.tables:
            if self.stdout_stream.isatty():
                self._print_rich_table(table)
            else:
                self._write_text(_with_title(table, _tabulate_table(table, "simple")))
        for note in result.notes:
            self._write_text(note)

    def _print_rich_table(self, table: Table) -> None:
        from rich import box
        from rich.table import Table as RichTable

        from opskit.output.rich_console import console_on, shown_cell

        console = console_on(self.stdout_stream, color=self.color)
        title = shown_cell(table.title, "italic") if table.title else None
        shown = RichTable(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False, padding=(0, 1, 0, 0))
        shown_columns = [index for index, column in enumerate(table.columns) if column.from_width <= console.width]
        is_narrow = (
            _least_width(table, shown_columns) > console.width
        )  # then every column may wrap, rather than rich cutting some off
        for column in (table.columns[index] for index in shown_columns):
            justify: Literal["right", "left"] = "right" if column.right else "left"
            shown.add_column(
                shown_cell(column.header), justify=justify, no_wrap=not (column.wrap or is_narrow), overflow="fold"
            )
        for row in table.rows:
            shown.add_row(*(shown_cell(row[index].text, _RICH_STYLES[row[index].style]) for index in shown_columns))
        console.print(shown)
        if left_out := [column.header for column in table.columns if column.from_width > console.width]:
            self._write_text(f"Left out at this width: {', '.join(left_out)}.")

    def show_run_problem(self, problem: Problem) -> None:
        """Print on stderr, on one line, what goes wrong beside the command; JSON has it in ``errors``."""
        if not self.format.tells_problems:
            print_text(f"opskit: {visible_line(f'{problem.message} {problem.hint}'.strip())}", self.stderr_stream)

    def show_problems(self, problems: Sequence[Problem]) -> None:
        """Print on stderr what went wrong and what to do."""
        for problem, following in zip(problems, [*problems[1:], None], strict=False):
            where = f" [{problem.region}]" if problem.region and problem.region not in problem.message else ""
            print_text(f"opskit: {_indent_further_lines(problem.message + where)}", self.stderr_stream)
            if problem.hint and (
                following is None or following.hint != problem.hint
            ):  # problems with the same hint share it
                print_text(f"{_INDENT}{_indent_further_lines(problem.hint)}", self.stderr_stream)


def _indent_further_lines(text: str) -> str:
    """A text whose further lines are indented, so that a line from outside cannot pass for one of opskit's own."""
    return text.replace("\n", f"\n{_INDENT}")


def _least_width(table: Table, columns: Sequence[int]) -> int:
    """The minimum width of these columns, in characters: the longest text, or a few characters where they may wrap."""
    widths = [
        _NARROW_COLUMN
        if table.columns[index].wrap
        else max(map(len, [table.columns[index].header, *_column_texts(table, index)]))
        for index in columns
    ]
    return sum(widths) + _BESIDE * len(widths) + 1


def _column_texts(table: Table, index: int) -> list[str]:
    return [visible_line(row[index].text) for row in table.rows]


def _with_title(table: Table, text: str) -> str:
    return f"{visible_line(table.title)}\n{text}" if table.title else text


def _tabulate_table(table: Table, style: str) -> str:
    from tabulate import tabulate

    in_a_cell = _in_markdown if style == "github" else visible_line
    rows = [[in_a_cell(cell.text) for cell in row] for row in table.rows]
    align = ["right" if column.right else "left" for column in table.columns]
    headers = [in_a_cell(column.header) for column in table.columns]
    return tabulate(rows, headers, tablefmt=style, colalign=align if rows else None, disable_numparse=True)


def _in_markdown(text: str) -> str:
    """A text for a cell of a markdown table, which a ``|`` would end."""
    return visible_line(text).replace("|", "&#124;")


def _json_pieces(value: Any, path: Sequence[str]) -> Iterator[str]:
    """A value as JSON, in pieces: the list at ``path`` one item at a time, so that a long list is never in memory as
    one string.
    """
    if not path or not value:
        yield _dump_json(value)
        return
    for index, (name, item) in enumerate(value.items()):
        yield f"{', ' if index else '{'}{_dump_json(name)}: "
        if name == path[0]:
            yield from _json_pieces(item, path[1:]) if path[1:] else _item_pieces(item)
        else:
            yield _dump_json(item)
    yield "}"


def _item_pieces(values: Sequence[Any]) -> Iterator[str]:
    yield "["
    for index, value in enumerate(values):
        yield f"{', ' if index else ''}{_dump_json(value)}"
    yield "]"


def _dump_json(value: Any) -> str:
    return ascii_json(value, plain_value)


def _csv_text(result: CommandResult) -> str:
    items = [result.data] if result.records is None else result.data.get(result.records, [])
    # A list of plain values becomes a column of its own.
    records = [item if isinstance(item, Mapping) else {result.records: item} for item in items]
    if not records:
        return ""
    sheet = io.StringIO()
    writer = csv.writer(sheet, lineterminator="\n")
    names = list(records[0])
    writer.writerow(visible_line(name) for name in names)
    for record in records:
        writer.writerow(_csv_cell(record.get(name)) for name in names)
    return sheet.getvalue()


def _csv_cell(value: Any) -> str:
    if isinstance(value, dict | list | tuple):
        return ascii_json(value, plain_value)
    return "" if value is None else visible_line(str(value))


def plain_value(value: Any) -> Any:
    """A value that JSON knows for one that it does not: times in ISO 8601 UTC, amounts as numbers, enumerations as
    text.
    """
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case Decimal():
            return float(value)
        case Enum():
            return value.value
        case _:
            return str(value)

"""Prints a result in the requested format. Results go to stdout, messages to stderr."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import IO, Any

from opskit.core.exceptions import Problem
from opskit.core.json_text import ascii_json
from opskit.core.redaction import redact_secrets
from opskit.core.setting_values import OutputFormat
from opskit.output.embedded_text import csv_cell, markdown_cell, markdown_paragraph
from opskit.output.printing import (
    print_exact,
    print_text,
    standard_error,
    standard_output,
    visible_line,
)
from opskit.output.result import (
    CommandResult,
    Envelope,
    LazyRows,
    Table,
    problem_without_secrets,
    result_without_secrets,
)

# No table is cut off where nobody's window is; rich wants a number all the same.
_UNBOUNDED_WIDTH = 10_000
_INDENT = " " * len("opskit: ")

result_hook: Callable[[dict[str, Any]], None] | None = None
"""Is given what ``-o json`` would print of each result; the demo reads there what it shows."""


@dataclass(frozen=True)
class Screen:
    """Where and how to print: the format, whether colour is allowed, and whether messages are printed. ``stdout`` and
    ``stderr`` None: those of the process.
    """

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
            print_text(redact_secrets(text), self.stderr_stream)

    def print_line(self, text: str, *, strong: bool = False) -> None:
        """Print a line of a result that is itself a report: on stdout, or on stderr if stdout holds JSON."""
        stream = self.stdout_stream if self.format.is_table else self.stderr_stream
        if self.quiet:
            return
        print_text(redact_secrets(text), stream, strong=strong and self.color and stream.isatty())

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
                line = redact_secrets(line)
                console.print(shown_text(line))
                status.update(shown_text(line.strip()[:60]))

            yield show_line

    def show_result(self, command: tuple[str, ...], result: CommandResult) -> None:
        """Print a result in this screen's format, without secrets."""
        result = result_without_secrets(result)
        if result_hook is not None:
            result_hook(printed_envelope(command, result))
        match self.format:
            case OutputFormat.JSON:
                self._print_json(Envelope(command, result).as_json(), result.records)
            case OutputFormat.CSV:
                self._write_text(_csv_text(result), end="")
            case OutputFormat.MARKDOWN:
                self._write_text(_markdown_text(result))
            case OutputFormat.TABLE:
                self._print_tables(result)
        # JSON has the problems in `errors`; on stderr as well a script that merges both streams would not parse it.
        if not self.format.contains_problems:
            self.show_problems(result.problems)

    def _print_json(self, whole: dict[str, Any], records: str | None) -> None:
        if self.stdout_stream.isatty():  # for people, who cannot read it on one line
            pieces: Iterable[str] = [ascii_json(whole, _plain_or_listed, indent=2)]
        else:
            pieces = _json_pieces(whole, ("data", records) if records else ())
        print_exact(pieces, self.stdout_stream)

    def _write_text(self, text: str, end: str = "\n") -> None:
        if text:
            print_text(text, self.stdout_stream, end=end)

    def _print_tables(self, result: CommandResult) -> None:
        for table in result.tables:
            # FORCE_COLOR asks for colour where no terminal is, as CI systems that show it do.
            is_forced = os.environ.get("FORCE_COLOR", "") not in ("", "0") and not os.environ.get("NO_COLOR")
            if self.stdout_stream.isatty() or (self.color and is_forced):
                self._print_terminal_table(table, paged=result.paged)
            else:
                title = f"{visible_line(table.title)}\n" if table.title else ""
                self._write_text(title + _tabulate_table(table, "simple"))
        for note in result.notes:
            self._write_text(note)

    def _print_terminal_table(self, table: Table, *, paged: bool) -> None:
        from opskit.output.rich_console import console_on
        from opskit.output.terminal_table import print_table

        is_terminal = self.stdout_stream.isatty()
        console = console_on(self.stdout_stream, color=self.color, width=None if is_terminal else _UNBOUNDED_WIDTH)
        with console.pager(styles=self.color) if paged and is_terminal else nullcontext():
            left_out = print_table(console, table)
        if left_out:
            self._write_text(f"Left out at this width: {', '.join(left_out)}.")

    def show_run_problem(self, problem: Problem) -> None:
        """Print on stderr, on one line, what goes wrong beside the command; JSON has it in ``errors``."""
        problem = problem_without_secrets(problem)
        if not self.format.contains_problems:
            print_text(f"opskit: {visible_line(f'{problem.message} {problem.hint}'.strip())}", self.stderr_stream)

    def show_problems(self, problems: Sequence[Problem]) -> None:
        """Print on stderr what went wrong and what to do."""
        times = Counter(map(problem_without_secrets, problems))  # ten equal failures are one line
        problems = tuple(times)
        for problem, following in zip(problems, [*problems[1:], None], strict=False):
            where = f" [{problem.region}]" if problem.region and problem.region not in problem.message else ""
            where += f" ({times[problem]} times)" if times[problem] > 1 else ""
            print_text(f"opskit: {_indent_further_lines(problem.message + where)}", self.stderr_stream)
            if problem.hint and (
                following is None or following.hint != problem.hint
            ):  # problems with the same hint share it
                print_text(f"{_INDENT}{_indent_further_lines(problem.hint)}", self.stderr_stream)


def _indent_further_lines(text: str) -> str:
    """A text whose further lines are indented, so that a line from outside cannot pass for one of opskit's own."""
    return text.replace("\n", f"\n{_INDENT}")


def _markdown_text(result: CommandResult) -> str:
    """A result as markdown."""
    # A pull request shows neither stderr nor the exit code, so what is wrong with what the tables show stands below
    # them too; an error alone is no result.
    problems = dict.fromkeys(f"{each.message} {each.hint}".strip() for each in result.problems)
    is_shown = bool(result.tables or result.notes)
    return "\n\n".join(
        [
            *(_tabulate_table(table, "github") for table in result.tables),
            *map(markdown_paragraph, problems if is_shown else ()),
            *map(markdown_paragraph, result.notes),
        ]
    )


def _tabulate_table(table: Table, style: str) -> str:
    from tabulate import tabulate

    in_a_cell = markdown_cell if style == "github" else visible_line
    rows = [[in_a_cell(cell.text) for cell in row] for row in table.rows]
    align = ["right" if column.right else "left" for column in table.columns]
    headers = [in_a_cell(column.header) for column in table.columns]
    return tabulate(rows, headers, tablefmt=style, colalign=align if rows else None, disable_numparse=True)


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


def _plain_or_listed(value: Any) -> Any:
    return list(value) if isinstance(value, LazyRows) else plain_value(value)


def _dump_json(value: Any) -> str:
    return ascii_json(value, plain_value)


def _csv_text(result: CommandResult) -> str:
    items = [result.data] if result.records is None else result.data.get(result.records, [])
    # A list of plain values becomes a column of its own.
    records: list[Mapping[str, Any]] = [
        item if isinstance(item, Mapping) else {str(result.records): item} for item in items
    ]
    names = list(dict.fromkeys(name for record in records for name in record))
    if not names:
        return ""
    sheet = io.StringIO()
    writer = csv.writer(sheet, lineterminator="\n")
    writer.writerow(csv_cell(name) for name in names)
    for record in records:
        writer.writerow(_csv_cell(record.get(name)) for name in names)
    return sheet.getvalue()


def _csv_cell(value: Any) -> str:
    if isinstance(value, dict | list | tuple):
        return ascii_json(value, plain_value)
    if isinstance(value, str):
        return csv_cell(value)
    return "" if value is None else visible_line(str(value))


def printed_envelope(command: tuple[str, ...], result: CommandResult) -> dict[str, Any]:
    """What ``-o json`` prints of a result, as a value: for those that call a command and print nothing."""
    envelope = Envelope(command, result_without_secrets(result)).as_json()
    printed: dict[str, Any] = json.loads(ascii_json(envelope, _plain_or_listed))
    return printed


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

"""What a cell of a CSV file holds, and what number a built-in algorithm gets for it."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

# What pandas, which writes the training files, reads as a missing value.
MISSING_CELLS = frozenset(
    {
        *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A"),
        *("NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
    }
)
_BOOLEANS = {"true": 1.0, "false": 0.0}
# The algorithms compute with 32-bit floats: a larger number is infinite to them.
_LARGEST = 3.4028235e38
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T]\d{1,2}:\d{2}.*)?")
_LINES = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


class CellKind(StrEnum):
    """What a cell holds."""

    MISSING = "missing"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    WORD = "word"
    INFINITE = "infinite"

    @property
    def is_number(self) -> bool:
        """Whether it is a number that can be computed with."""
        match self:
            case CellKind.NUMBER:
                return True
            case CellKind.MISSING | CellKind.BOOLEAN | CellKind.DATE | CellKind.WORD | CellKind.INFINITE:
                return False

    @property
    def may_name_class(self) -> bool:
        """Whether such a label can be that of a class."""
        match self:
            case CellKind.NUMBER | CellKind.BOOLEAN | CellKind.WORD:
                return True
            case CellKind.MISSING | CellKind.DATE | CellKind.INFINITE:
                return False

    @property
    def is_missing(self) -> bool:
        """Whether the cell has no value."""
        match self:
            case CellKind.MISSING:
                return True
            case CellKind.NUMBER | CellKind.BOOLEAN | CellKind.DATE | CellKind.WORD | CellKind.INFINITE:
                return False


def finite_number(cell: str) -> float | None:
    """The number that a cell, without the spaces around it, holds; None: it holds something else."""
    try:
        number = float(cell)
    except ValueError:
        return None
    # Python's float reads 1_000 as a number, which nothing else that reads CSV does.
    return number if -_LARGEST <= number <= _LARGEST and "_" not in cell else None


def classify_cell(cell: str) -> CellKind:
    """What a cell, without the spaces around it, holds."""
    if finite_number(cell) is not None:
        return CellKind.NUMBER
    if cell in MISSING_CELLS:
        return CellKind.MISSING
    if cell.lower() in _BOOLEANS:
        return CellKind.BOOLEAN
    try:
        number = float(cell)
    except ValueError:
        return CellKind.DATE if _is_date(cell) else CellKind.WORD
    # What is left is no number, or too large, or has an underscore in it.
    return CellKind.INFINITE if abs(number) > _LARGEST and "_" not in cell else CellKind.WORD


def cell_number(cell: str) -> float:
    """The number for a cell: True and False are 1 and 0, a missing one is not a number (nan).

    Raises:
        ValueError: it holds something else.
    """
    text = cell.strip()
    if text in MISSING_CELLS:
        return math.nan
    return _BOOLEANS[text.lower()] if text.lower() in _BOOLEANS else float(text)


def feature_line(numbers: Sequence[float]) -> str:
    """A row of features as a model takes it; what is missing is empty. A model's container finds out from the first
    row what separates the cells. Where there is one cell alone, an empty line is no row to it, and in -1e-05 it takes
    the minus for the separator.
    """
    if len(numbers) == 1:
        return "nan" if math.isnan(numbers[0]) else f"{Decimal(str(numbers[0])):f}"
    return ",".join("" if math.isnan(number) else str(number) for number in numbers)


def class_name(cell: str) -> str:
    """The class that a cell of the target stands for: 1, 1.0 and 01 are one class."""
    text = cell.strip()
    match classify_cell(text):
        case CellKind.NUMBER:
            return _exact_number(text)
        case CellKind.BOOLEAN:
            return text.capitalize()
        case CellKind.MISSING | CellKind.DATE | CellKind.WORD | CellKind.INFINITE:
            return text


def _exact_number(text: str) -> str:
    """A number as short as it can be written without becoming another one."""
    number = float(text)
    if not number.is_integer():
        return repr(number)
    # Whole numbers that a float cannot tell apart are told apart by their digits.
    return str(int(text)) if abs(number) >= 2**53 and text.lstrip("+-").isdecimal() else str(int(number))


def class_order(name: str) -> tuple[int, float, str]:
    """Numbers by their value, then words by the alphabet: the first class is 0."""
    try:
        return (0, float(name), "")
    except ValueError:
        return (1, 0.0, name)


def _is_date(cell: str) -> bool:
    if _DATE.fullmatch(cell):
        return True
    try:
        datetime.fromisoformat(cell)
    except ValueError:
        return False
    return not cell.isdecimal()


@dataclass(frozen=True)
class CsvRow:
    """A row and the number of its last line in the file."""

    line: int
    cells: list[str]


def read_csv_rows(lines: Iterable[str], above: int = 0) -> Iterator[CsvRow]:
    """The rows of a CSV, without those that are empty. So many lines stand ``above`` them in the file.

    Raises:
        csv.Error: it is not CSV; also where a quote is never closed, which Python's reader takes for one long cell.
    """
    pieces: list[str] = []
    reader = csv.reader(_noted_lines(lines, pieces))
    waiting: CsvRow | None = None
    first_line, opened_at = above + 1, 0
    while (cells := _next_cells(reader, pieces, first_line)) is not None:
        if waiting is not None:
            yield waiting
        # Such a row is whole only if others follow.
        opened_at = first_line if _is_open(pieces) else 0
        last_line = above + reader.line_num
        waiting = CsvRow(last_line, cells) if len(cells) > 1 or any(cell.strip() for cell in cells) else None
        first_line, pieces[:] = last_line + 1, []
    if opened_at:
        raise _open_quote(opened_at)
    if waiting is not None:
        yield waiting


def _noted_lines(lines: Iterable[str], pieces: list[str]) -> Iterator[str]:
    for line in lines:
        pieces.append(line)
        yield line


def _next_cells(reader: Iterator[list[str]], pieces: list[str], first_line: int) -> list[str] | None:
    """The next row's cells, None at the end."""
    try:
        return next(reader, None)
    except csv.Error as error:
        # A cell that grows too long.
        raise (_open_quote(first_line) if _is_open(pieces) else error) from None


def _is_open(pieces: list[str]) -> bool:
    """Whether the lines of a row have an odd number of quotes."""
    return len(pieces) > 1 and sum(piece.count('"') for piece in pieces) % 2 == 1


def _open_quote(line: int) -> csv.Error:
    return csv.Error(f'the quote (") that opens in line {line} is not closed')


def csv_rows(text: str, skip_lines: int = 0) -> Iterator[CsvRow]:
    """The rows of a CSV, without those that are empty. Only line ends end a line, as for pandas; str.splitlines knows
    more.

    Raises:
        csv.Error: it is not CSV.
    """
    # Spreadsheets begin UTF-8 files with a byte order mark, which would become part of the first name.
    lines = _LINES.findall(text.removeprefix("\ufeff"))
    yield from read_csv_rows(lines[skip_lines:], skip_lines)


def column_names(cells: list[str]) -> list[str]:
    """The names in a header; a column without one is called as pandas calls it."""
    return [cell.strip() or f"Unnamed: {at}" for at, cell in enumerate(cells)]

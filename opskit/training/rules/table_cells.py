"""What a cell of a CSV file holds, and what number a built-in algorithm gets for it."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
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


def csv_rows(text: str, skip_lines: int = 0) -> Iterator[CsvRow]:
    """The rows of a CSV, without those that are empty. Only line ends end a line, as for pandas; str.splitlines knows
    more.

    Raises:
        csv.Error: it is not CSV.
    """
    # Spreadsheets begin UTF-8 files with a byte order mark, which would become part of the first name.
    lines = _LINES.findall(text.removeprefix("\ufeff"))
    reader = csv.reader(lines[skip_lines:])
    for cells in reader:
        if any(cell.strip() for cell in cells) or len(cells) > 1:
            yield CsvRow(reader.line_num + skip_lines, cells)


def column_names(cells: list[str]) -> list[str]:
    """The names in a header; a column without one is called as pandas calls it."""
    return [cell.strip() or f"Unnamed: {at}" for at, cell in enumerate(cells)]

"""Parses the rows that a user wants predictions for."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence

from opskit.core.exceptions import UsageError


def parse_rows(source: str, text: str, features: Sequence[str]) -> list[str]:
    """The rows of a CSV as the model takes them: numbers only, in the order of the training data. With a header the
    columns may come in any order, with others in between. ``source`` names the text in errors.

    Raises:
        UsageError: there are no rows, or a row has something other than numbers.
    """
    shape = f"A row has the {len(features)} features: {', '.join(features)}."
    lines = [(at, cells) for at, cells in _csv_lines(source, text) if any(cell.strip() for cell in cells)]
    columns, width = list(range(len(features))), len(features)
    if lines and (header := _header_columns(source, lines[0][1], features)):
        columns, width, lines = header, len(lines[0][1]), lines[1:]
    if not lines:
        raise UsageError("file-empty", f"{source} has no rows.", shape)
    return [_parse_row(f"{source}, line {at}", cells, columns, width, shape) for at, cells in lines]


def _csv_lines(source: str, text: str) -> list[tuple[int, list[str]]]:
    # Spreadsheets begin UTF-8 files with a byte order mark, which would become part of the first name.
    reader = csv.reader(text.removeprefix("\ufeff").splitlines())
    try:
        return [(reader.line_num, cells) for cells in reader]
    except csv.Error as error:
        raise UsageError("file-unreadable", f"{source} is not CSV: {error}.") from error


def _header_columns(source: str, cells: Sequence[str], features: Sequence[str]) -> list[int] | None:
    """The column of each feature, by the header; None if the first line is not a header."""
    names, wanted = [cell.strip().lower() for cell in cells], [name.lower() for name in features]
    if not set(names) & set(wanted):
        return None
    missing = [name for name, low in zip(features, wanted, strict=True) if low not in names]
    if missing:
        text = f"{source} has a header, and no column {', '.join(missing)} in it."
        raise UsageError("column-missing", text, f"The features are: {', '.join(features)}.")
    return [names.index(name) for name in wanted]


def _parse_row(where: str, cells: Sequence[str], columns: Sequence[int], width: int, shape: str) -> str:
    if len(cells) != width:
        more = " Leave out the target." if len(cells) == width + 1 else ""
        raise UsageError("bad-row", f"{where} has {len(cells)} values, not {width}.", shape + more)
    return ",".join(str(_parse_feature(where, cells[at].strip(), shape)) for at in columns)


def _parse_feature(where: str, cell: str, shape: str) -> float:
    try:
        number = float(cell)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UsageError("bad-row", f"{where}: '{cell}' is not a number.", shape)
    return number

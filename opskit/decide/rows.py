"""Reads the rows a user wants predictions for."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence

from opskit.errors import UsageProblem


def parse_rows(source: str, text: str, features: Sequence[str]) -> list[str]:
    """The rows of a CSV as the model takes them: numbers alone, in the data's order. A header with the features'
    names may stand above; ``source`` names the text in errors.

    Raises:
        UsageProblem: there are no rows, or one is not a row of numbers.
    """
    shape = f"A row has the {len(features)} features: {', '.join(features)}."
    lines = [(at, cells) for at, cells in _lines(text) if any(cell.strip() for cell in cells)]
    if lines and _is_header(lines[0][1], features):
        lines = lines[1:]
    if not lines:
        raise UsageProblem("file-empty", f"{source} has no rows.", shape)
    return [_row(f"{source}, line {at}", cells, len(features), shape) for at, cells in lines]


def _lines(text: str) -> list[tuple[int, list[str]]]:
    reader = csv.reader(text.removeprefix("\ufeff").splitlines())
    return [(reader.line_num, cells) for cells in reader]


def _is_header(cells: Sequence[str], features: Sequence[str]) -> bool:
    return [cell.strip().lower() for cell in cells] == [name.lower() for name in features]


def _row(where: str, cells: Sequence[str], width: int, shape: str) -> str:
    if len(cells) != width:
        more = " Leave out the target." if len(cells) == width + 1 else ""
        raise UsageProblem("bad-row", f"{where} has {len(cells)} values, not {width}.", shape + more)
    return ",".join(str(_number(where, cell.strip(), shape)) for cell in cells)


def _number(where: str, cell: str, shape: str) -> float:
    try:
        number = float(cell)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UsageProblem("bad-row", f"{where}: '{cell}' is not a number.", shape)
    return number

"""Transforms over CSV records as batch transform's DataProcessing asks for them: pick columns, join, pick again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from opskit.sandbox.errors import validation_error

# The JSONPaths that pick columns: $, $[0], $[1:], $[0,2,5].
_COLUMN_FILTER = re.compile(r"\$(?:\[(?P<inner>-?\d*:-?\d*|-?\d+(?:,-?\d+)*)\])?")


def check_column_filter(path: str | None) -> None:
    """Raise ValidationException for a JSONPath that picks no columns of a CSV record."""
    if path is not None and not _COLUMN_FILTER.fullmatch(path):
        raise validation_error(
            f"The sandbox reads filters over CSV records alone, such as $[1:], $[0] and $[0,2,5]; {path} is none."
        )


def select_columns(line: str, path: str | None) -> str:
    """The columns of a CSV record that a filter names."""
    inner = (_COLUMN_FILTER.fullmatch(path or "$") or {"inner": None})["inner"]
    if inner is None:
        return line
    cells = line.split(",")
    return ",".join(_select_cells(cells, inner))


def _select_cells(cells: Sequence[str], inner: str) -> Iterable[str]:
    if ":" in inner:
        first, last = (int(text) if text else None for text in inner.split(":"))
        return cells[first:last]
    numbers = [int(text) for text in inner.split(",")]
    return [cells[number] for number in numbers if -len(cells) <= number < len(cells)]


def group_payloads(lines: Iterable[str], *, most_bytes: int, single: bool) -> Iterator[list[str]]:
    """Lines in groups that fit into one request; one line each where ``single``."""
    group: list[str] = []
    group_bytes = 0
    for line in lines:
        # One more for the newline that joins the lines of a request.
        line_bytes = len(line.encode()) + 1
        if group and (single or group_bytes + line_bytes > most_bytes):
            yield group
            group, group_bytes = [], 0
        group.append(line)
        group_bytes += line_bytes
    if group:
        yield group

"""Transforms over CSV records as batch transform's DataProcessing asks for them: pick columns, join, pick again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from opskit.sandbox.errors import invalid

_COLUMNS = re.compile(r"\$(?:\[(?P<inner>-?\d*:-?\d*|-?\d+(?:,-?\d+)*)\])?")


def check_filter(path: str | None) -> None:
    """Raise ValidationException for a JSONPath that picks no columns of a CSV record."""
    if path is not None and not _COLUMNS.fullmatch(path):
        raise invalid(
            f"The sandbox reads filters over CSV records alone, such as $[1:], $[0] and $[0,2,5]; {path} is none."
        )


def picked(line: str, path: str | None) -> str:
    """The columns of a CSV record that a filter names."""
    inner = (_COLUMNS.fullmatch(path or "$") or {"inner": None})["inner"]
    if inner is None:
        return line
    cells = line.split(",")
    return ",".join(_chosen(cells, inner))


def _chosen(cells: Sequence[str], inner: str) -> Iterable[str]:
    if ":" in inner:
        first, last = (int(text) if text else None for text in inner.split(":"))
        return cells[first:last]
    numbers = [int(text) for text in inner.split(",")]
    return [cells[number] for number in numbers if -len(cells) <= number < len(cells)]


def payloads(lines: Iterable[str], *, most_bytes: int, single: bool) -> Iterator[list[str]]:
    """Lines in groups that fit into one request; one line each where ``single``."""
    group: list[str] = []
    size = 0
    for line in lines:
        more = len(line.encode()) + 1
        if group and (single or size + more > most_bytes):
            yield group
            group, size = [], 0
        group.append(line)
        size += more
    if group:
        yield group

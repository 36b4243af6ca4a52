"""What lists of idle things share: the column of how long each may be idle, and what rows are sorted by (numbers
largest first, owners by their letters; what is not known comes last).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from opskit.core.grace import Patience
from opskit.core.text import format_duration
from opskit.output.result import Cell, Column, Table

_HEADER = "Patience"


def add_patience_column(table: Table, patiences: Sequence[Patience | None], before: str) -> Table:
    """A table with each row's patience in front of the column ``before``; the same one where a time was asked for,
    which is then the same for all.
    """
    if not any(patience and patience.because for patience in patiences):
        return table
    at = next(index for index, column in enumerate(table.columns) if column.header == before)
    columns = (*table.columns[:at], Column(_HEADER, right=True, optional=True), *table.columns[at:])
    rows = tuple(
        (*row[:at], Cell("" if patience is None else format_duration(patience.span)), *row[at:])
        for row, patience in zip(table.rows, patiences, strict=True)
    )
    return replace(table, columns=columns, rows=rows)


def largest_first(value: Decimal | timedelta | None) -> tuple[bool, float]:
    """The sort key of a number or a time."""
    if value is None:
        return (True, 0)
    return (False, -(value.total_seconds() if isinstance(value, timedelta) else float(value)))


def owner_order(owner: str | None) -> tuple[bool, str]:
    """The sort key of an owner, whose case does not matter."""
    return (owner is None, (owner or "").lower())

"""The column of how long each row's thing may be idle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from opskit.core.durations import format_duration
from opskit.core.patience import Patience
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

"""What a workflow's data hold, column by column, found by reading every cell."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from opskit.training.rules.model import Workflow
from opskit.training.rules.table_cells import (
    CellKind,
    CsvRow,
    class_name,
    class_order,
    classify_cell,
    column_names,
    csv_rows,
    finite_number,
)

# An index has to count up for so many rows to be taken for one.
_FEWEST_COUNTED = 5


@dataclass(frozen=True)
class Sighting:
    """The first cell of a kind in a column."""

    line: int
    value: str


@dataclass
class ColumnFacts:
    """One column: how often each kind of cell was met and where first; the lowest and highest number; whether its
    numbers count up by one from the first row on. ``classes`` counts the values of the target, with their first place.
    """

    name: str
    counts: Counter[CellKind] = field(default_factory=Counter)
    first: dict[CellKind, Sighting] = field(default_factory=dict)
    low: Sighting | None = None
    high: Sighting | None = None
    odd_number: Sighting | None = None
    """The first number that is neither 0 nor 1."""
    counts_up: bool = True
    classes: Counter[str] = field(default_factory=Counter)
    class_lines: dict[str, Sighting] = field(default_factory=dict)
    _lowest: float = math.inf
    _highest: float = -math.inf
    _last: float | None = None

    def note_cell(self, cell: str, line: int, *, is_target: bool) -> None:
        """Take a cell into account."""
        number = finite_number(cell)
        kind = CellKind.NUMBER if number is not None else classify_cell(cell)
        self.counts[kind] += 1
        if kind not in self.first:
            self.first[kind] = Sighting(line, cell)
        if number is None:
            self.counts_up = False
        else:
            self._note_number(number, line, cell)
        if is_target and not kind.is_missing:
            name = class_name(cell)
            self.classes[name] += 1
            if name not in self.class_lines:
                self.class_lines[name] = Sighting(line, cell)

    def _note_number(self, number: float, line: int, cell: str) -> None:
        if number < self._lowest:
            self._lowest, self.low = number, Sighting(line, cell)
        if number > self._highest:
            self._highest, self.high = number, Sighting(line, cell)
        if self.odd_number is None and number not in (0, 1):
            self.odd_number = Sighting(line, cell)
        if self.counts_up:
            self.counts_up = number == int(number) and (self._last is None or number == self._last + 1)
            self._last = number

    @property
    def type_name(self) -> str:
        """What the column holds, in a word: number, boolean, date, word, empty, or several."""
        kinds = sorted(kind.value for kind in self.counts if not kind.is_missing)
        return " and ".join(kinds) or "empty"

    @property
    def is_empty(self) -> bool:
        """Whether there are rows, and none has a value in it."""
        return set(self.counts) == {CellKind.MISSING}

    @property
    def is_index(self) -> bool:
        """Whether it counts the rows."""
        return self.counts_up and self.counts[CellKind.NUMBER] >= _FEWEST_COUNTED


@dataclass(frozen=True)
class RaggedRow:
    """A row with more cells than the header."""

    line: int
    cells: int


@dataclass(frozen=True)
class TableFacts:
    """A table as it was read. ``names`` are all columns, ``columns`` those that are used."""

    names: tuple[str, ...]
    columns: tuple[ColumnFacts, ...]
    rows: int
    header_line: int
    first_line: int
    last_line: int
    ragged: tuple[RaggedRow, ...]

    def column(self, name: str) -> ColumnFacts | None:
        """A column that is used, by its name."""
        return next((column for column in self.columns if column.name == name), None)


def read_header(workflow: Workflow, text: str) -> tuple[str, ...]:
    """The names of all columns; none where there is no header."""
    header = next(csv_rows(text, workflow.skip_lines), None)
    return tuple(column_names(header.cells)) if header else ()


def feature_columns(workflow: Workflow, header: Sequence[str]) -> tuple[str, ...]:
    """The names of the features, in the order the model takes them."""
    left_out = {workflow.target, *workflow.ignore}
    return tuple(name for name in header if name not in left_out)


def read_facts(workflow: Workflow, text: str) -> TableFacts:
    """Read every cell of the table.

    Raises:
        csv.Error: it is not CSV.
    """
    rows = csv_rows(text, workflow.skip_lines)
    header = next(rows, CsvRow(0, []))
    names = column_names(header.cells)
    columns = {at: ColumnFacts(name) for at, name in enumerate(names) if name not in workflow.ignore}
    count, first, last, ragged = 0, 0, header.line, []
    for row in rows:
        count += 1
        first, last = first or row.line, row.line
        if len(row.cells) > len(names):
            ragged.append(RaggedRow(row.line, len(row.cells)))
        _note_row(columns, row, workflow.target)
    return TableFacts(tuple(names), tuple(columns.values()), count, header.line, first, last, tuple(ragged))


def _note_row(columns: dict[int, ColumnFacts], row: CsvRow, target: str) -> None:
    for at, column in columns.items():
        cell = row.cells[at].strip() if at < len(row.cells) else ""
        column.note_cell(cell, row.line, is_target=column.name == target)


def ordered_classes(names: Iterable[str], positive: str | None) -> tuple[str, ...]:
    """The classes in the order of their numbers; a positive one is the last."""
    in_order = sorted(names, key=class_order)
    if positive is not None and class_name(positive) in in_order:
        in_order.sort(key=lambda name: name == class_name(positive))
    return tuple(in_order)

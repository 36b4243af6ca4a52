"""What a workflow's data hold, column by column, found by reading every cell."""

from __future__ import annotations

import math
import re
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

# Of so many rows an index has to be to be taken for one.
_FEWEST_COUNTED = 5
_IDENTIFIER = re.compile(r"(?i:(.*[\s_.-])?(id|idx|index|key|nr|no|number))|.*[a-z]I[Dd]")


@dataclass(frozen=True)
class FirstCell:
    """The first cell of a kind in a column."""

    line: int
    value: str


@dataclass
class ColumnFacts:
    """One column: how often each kind of cell was met and where first; which whole numbers it has, as long as every
    row has another one. ``low`` and ``high`` are the lowest and the highest number; None: it has no number. ``classes``
    counts the values of the target, with their first place.
    """

    name: str
    counts: Counter[CellKind] = field(default_factory=Counter)
    first: dict[CellKind, FirstCell] = field(default_factory=dict)
    low: FirstCell | None = None
    high: FirstCell | None = None
    odd_number: FirstCell | None = None
    """The first number that is neither 0 nor 1; None: there is none."""
    classes: Counter[str] = field(default_factory=Counter)
    class_lines: dict[str, FirstCell] = field(default_factory=dict)
    _lowest: float = math.inf
    _highest: float = -math.inf
    _numbering: set[float] | None = field(default_factory=set)
    """None: some row has no whole number, or one that an earlier row has."""

    def note_cell(self, cell: str, line: int, *, is_target: bool) -> None:
        """Take a cell into account."""
        number = finite_number(cell)
        kind = CellKind.NUMBER if number is not None else classify_cell(cell)
        self.counts[kind] += 1
        if kind not in self.first:
            self.first[kind] = FirstCell(line, cell)
        if number is None:
            self._numbering = None
        else:
            self._note_number(number, line, cell)
        if is_target and not kind.is_missing:
            name = class_name(cell)
            self.classes[name] += 1
            if name not in self.class_lines:
                self.class_lines[name] = FirstCell(line, cell)

    def _note_number(self, number: float, line: int, cell: str) -> None:
        if number < self._lowest:
            self._lowest, self.low = number, FirstCell(line, cell)
        if number > self._highest:
            self._highest, self.high = number, FirstCell(line, cell)
        if self.odd_number is None and number not in (0, 1):
            self.odd_number = FirstCell(line, cell)
        if self._numbering is not None:
            if number.is_integer() and number not in self._numbering:
                self._numbering.add(number)
            else:
                self._numbering = None

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
        """Whether it numbers the rows, in any order: they may have been sorted or shuffled since."""
        rows = len(self._numbering or ())
        return rows >= _FEWEST_COUNTED and self._highest - self._lowest == rows - 1

    @property
    def may_be_identifier(self) -> bool:
        """Whether its name and its numbers, of which every row has another, suggest that it only names the rows."""
        rows = len(self._numbering or ())
        return rows >= _FEWEST_COUNTED and not self.is_index and _IDENTIFIER.fullmatch(self.name) is not None


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
    target_line: int | None = None
    """The first line below the header that has the target's name in it, which the header lacks; None: there is none."""

    def column(self, name: str) -> ColumnFacts | None:
        """A column that is used, by its name."""
        return next((column for column in self.columns if column.name == name), None)


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
    count, first, last, ragged, target_line = 0, 0, header.line, [], None
    is_searched = workflow.target not in names
    for row in rows:
        count += 1
        first, last = first or row.line, row.line
        if len(row.cells) > len(names):
            ragged.append(RaggedRow(row.line, len(row.cells)))
        if is_searched and target_line is None and workflow.target in column_names(row.cells):
            target_line = row.line
        _note_row(columns, row, workflow.target)
    return TableFacts(
        tuple(names), tuple(columns.values()), count, header.line, first, last, tuple(ragged), target_line
    )


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

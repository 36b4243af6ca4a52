"""A table on a terminal. What tells rows apart and why something is so is never left out: where the columns do not fit,
the optional ones go first, and where the rest does not fit either, each row becomes a block of lines. Words, names and
ids are not broken as long as the terminal is as wide as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from rich.cells import cell_len

from opskit.output.printing import visible_line
from opskit.output.result import Cell, Column, Style, Table
from opskit.output.rich_console import ShownText, VisibleConsole, shown_cell, shown_text

_RICH_STYLES = {Style.PLAIN: "", Style.GOOD: "green", Style.WARN: "yellow", Style.BAD: "bold red", Style.DIM: "dim"}
# What a text that may wrap gets at least: sentences in narrower columns are tiring to read, and blocks are not.
_READABLE_WIDTH = 16
_GAP = 2
_BETWEEN_TEXTS = "   "  # of a block, side by side
_EDGES = 2  # rich's box has a space on either side


def print_table(console: VisibleConsole, table: Table) -> list[str]:
    """Print a table that is no wider than the console. Returns the headers of the columns that were left out."""
    least, whole = measure_columns(table)
    shown = fitting_columns(table.columns, least, console.width)
    if shown is None:
        _print_blocks(console, table)
        return []
    room = console.width - _GAP * (len(shown) - 1) - _EDGES
    widths = _share_width([least[index] for index in shown], [whole[index] for index in shown], room)
    _print_columns(console, table, shown, widths)
    return [column.header for index, column in enumerate(table.columns) if index not in shown]


def fitting_columns(columns: Sequence[Column], widths: Sequence[int], width: int) -> list[int] | None:
    """The columns, which need ``widths`` characters each, that fit side by side into ``width``: all of them, or all but
    some optional ones. None: not even those that are not optional fit.
    """
    shown = list(range(len(columns)))
    # From the right: the columns stand in the order of their worth.
    optional = [index for index in reversed(shown) if columns[index].optional]
    while sum(widths[index] for index in shown) + _GAP * (len(shown) - 1) + _EDGES > width:
        if not optional:
            return None
        shown.remove(optional.pop(0))
    return shown


def measure_columns(table: Table) -> tuple[list[int], list[int]]:
    """The width of each column below which it would break words, or be tiring to read, and that of its longest text.
    Reads each row once: there may be thousands, which are built as they are read.
    """
    whole = [cell_len(column.header) for column in table.columns]
    words = [_longest_word(column.header) for column in table.columns]
    for row in table.rows:
        for index, cell in enumerate(row):
            text = visible_line(cell.text)
            whole[index] = max(whole[index], cell_len(text))
            words[index] = max(words[index], _longest_word(text))
    least = [
        max(min(longest, _READABLE_WIDTH), word) if column.wrap else longest
        for column, longest, word in zip(table.columns, whole, words, strict=True)
    ]
    return least, whole


def _longest_word(text: str) -> int:
    return max(map(cell_len, text.split()), default=0)


def _share_width(least: Sequence[int], whole: Sequence[int], room: int) -> list[int]:
    """The width of each column: what all need at least, and what is left for those whose texts are longer, the
    narrowest first. rich would narrow the widest ones, below what they need, and cut others off for it.
    """
    widths = list(least)
    for _ in range(room - sum(least)):
        longer = [index for index, width in enumerate(widths) if width < whole[index]]
        if not longer:
            break
        widths[min(longer, key=widths.__getitem__)] += 1
    return widths


def _print_columns(console: VisibleConsole, table: Table, shown_columns: Sequence[int], widths: Sequence[int]) -> None:
    from rich import box
    from rich.table import Table as RichTable

    title = shown_cell(table.title, "italic") if table.title else None
    shown = RichTable(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False, padding=(0, 1, 0, 0))
    for index, width in zip(shown_columns, widths, strict=True):
        column = table.columns[index]
        justify: Literal["right", "left"] = "right" if column.right else "left"
        shown.add_column(
            shown_cell(column.header), justify=justify, no_wrap=not column.wrap, overflow="fold", width=width
        )
    for row in table.rows:
        shown.add_row(*(shown_cell(row[index].text, _RICH_STYLES[row[index].style]) for index in shown_columns))
    console.print(shown)


def _print_blocks(console: VisibleConsole, table: Table) -> None:
    """Each row as a few lines: what tells rows apart, the short texts side by side, and a line for each sentence."""
    from rich.padding import Padding

    if table.title:
        console.print(shown_cell(table.title, "italic"))
    heading = _heading_columns(table.columns)
    for row in table.rows:
        console.print(shown_cell("  ".join(row[index].text for index in heading if row[index].text), "bold"))
        said = [
            (column, cell)
            for index, (column, cell) in enumerate(zip(table.columns, row, strict=True))
            if index not in heading and cell.text
        ]
        short = [_labelled_text(column, cell) for column, cell in said if not column.wrap]
        lines = _joined_lines(short, console.width - _GAP)
        lines.extend(_labelled_text(column, cell) for column, cell in said if column.wrap)
        for line in lines:
            console.print(Padding(line, (0, 0, 0, _GAP)))


def _joined_lines(texts: Sequence[ShownText], width: int) -> list[ShownText]:
    """The texts side by side, as many in a line as fit into it: rich would break a line within one of them."""
    lines: list[ShownText] = []
    for text in texts:
        joined = shown_text(_BETWEEN_TEXTS).join([lines[-1], text]) if lines else text
        if lines and joined.cell_len <= width:
            lines[-1] = joined
        else:
            lines.append(text)
    return lines


def _labelled_text(column: Column, cell: Cell) -> ShownText:
    """A cell with its header."""
    label = shown_cell(f"{column.header}:", "dim")
    text = shown_cell(cell.text, _RICH_STYLES[cell.style])
    return shown_text(" ").join([label, text])


def _heading_columns(columns: Sequence[Column]) -> list[int]:
    """The columns that tell rows apart; the first where none is marked."""
    return [index for index, column in enumerate(columns) if column.key] or [0]

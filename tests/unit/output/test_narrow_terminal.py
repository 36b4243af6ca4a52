"""On a terminal that is too narrow for a table its texts break; none is cut off."""

from __future__ import annotations

import io
import re

import pytest

from opskit.output.result import Cell, Column, CommandResult, Table
from opskit.output.screen import Screen

TABLE = Table(
    (Column("Would start"), Column("On"), Column("At most"), Column("USD/h", right=True), Column("Why", wrap=True)),
    ((Cell("transform"), Cell("16 x ml.m4.16xlarge"), Cell("86400 s"), Cell("0.28"), Cell("AWS price list")),),
)


class Terminal(io.StringIO):
    """Takes what is shown, and says that somebody looks."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("columns", range(24, 90))
def test_no_text_is_cut_off(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    terminal = Terminal()
    Screen(color=False, stdout=terminal).show_result(("train",), CommandResult({}, tables=(TABLE,)))
    lines = re.sub(r"\x1b\[[0-9;]*m", "", terminal.getvalue()).splitlines()
    assert max(map(len, lines)) <= columns
    shown = sorted(char for line in lines for char in line if char.isalnum())
    told = [*(column.header for column in TABLE.columns), *(cell.text for cell in TABLE.rows[0])]
    assert shown == sorted(char for text in told for char in text if char.isalnum())

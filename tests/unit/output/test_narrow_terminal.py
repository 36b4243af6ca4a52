"""On a terminal that is too narrow for a table, optional columns go first, and then rows become blocks: no text is cut
off and no word, name or id is broken.
"""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace

import pytest
from rich.cells import cell_len

from opskit.core.setting_values import OutputFormat
from opskit.output.result import Cell, Column, CommandResult, LazyRows, Style, Table
from opskit.output.screen import Screen

TABLE = Table(
    (
        Column("Region", key=True),
        Column("Notebook", wrap=True, key=True),
        Column("Type", optional=True),
        Column("Verdict"),
        Column("USD/h", right=True, optional=True),
        Column("Why", wrap=True),
    ),
    (
        (
            Cell("us-east-1"),
            Cell("weekly-retraining-of-the-ranker"),
            Cell("ml.m4.16xlarge"),
            Cell("busy", Style.GOOD),
            Cell("0.28"),
            Cell("a kernel of training/weekly-retraining.ipynb is busy since 2026-11-26"),
        ),
        (Cell("us-east-1"), Cell("b"), Cell("ml.t2.medium"), Cell("idle"), Cell("0.05"), Cell("")),
    ),
)
OWNED = Table(
    (
        Column("Kind"),
        Column("Name", wrap=True, key=True),
        Column("Why", wrap=True),
        Column("Owner", wrap=True),
        Column("So far", right=True),
        Column("Since", right=True, optional=True),
    ),
    (
        (
            Cell("endpoint"),
            Cell("prices"),
            Cell("idleness was not checked (opskit endpoint list)"),
            Cell("arn:aws:iam::123456789012:user/default_user"),
            Cell("268.80"),
            Cell("40d"),
        ),
    ),
)
NEVER_LEFT_OUT = ("us-east-1", "weekly-retraining-of-the-ranker", "busy", "training/weekly-retraining.ipynb")


class Terminal(io.StringIO):
    """Takes what is shown, and says that somebody looks."""

    def isatty(self) -> bool:
        return True


def shown_at(columns: int, monkeypatch: pytest.MonkeyPatch, table: Table = TABLE) -> str:
    monkeypatch.setenv("COLUMNS", str(columns))
    terminal = Terminal()
    Screen(color=False, stdout=terminal).show_result(("notebook", "list"), CommandResult({}, tables=(table,)))
    return re.sub(r"\x1b\[[0-9;]*m", "", terminal.getvalue()).replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize("columns", range(44, 200, 3))
def test_print_table_breaks_no_word_and_drops_no_key_verdict_or_reason(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = shown_at(columns, monkeypatch)
    assert max(map(len, told.splitlines())) <= columns
    assert all(word in told for word in NEVER_LEFT_OUT)
    for header, text in (("Type", "ml.m4.16xlarge"), ("USD/h", "0.28")):
        assert (text in told) != (header in told.partition("Left out at this width: ")[2])


@pytest.mark.parametrize("columns", range(12, 44))
def test_print_table_loses_no_character_on_a_terminal_narrower_than_a_name(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = shown_at(columns, monkeypatch)
    assert max(map(len, told.splitlines())) <= columns
    shown = "".join(told.split())
    assert all("".join(cell.text.split()) in shown for row in TABLE.rows for cell in row)


def test_print_table_puts_what_tells_rows_apart_at_the_head_of_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    told = shown_at(60, monkeypatch)
    assert "us-east-1  weekly-retraining-of-the-ranker\n" in told
    assert "  Type: ml.m4.16xlarge   Verdict: busy   USD/h: 0.28" in told
    assert "\n  Why: a kernel of" in told
    assert told.count("Why:") == 1  # the other row has no reason


@pytest.mark.parametrize("columns", range(50, 200, 3))
def test_a_word_that_is_longer_than_a_share_of_the_width_takes_nothing_from_the_columns_after_it(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = shown_at(columns, monkeypatch, OWNED)
    assert max(map(len, told.splitlines())) <= columns
    assert all(word in told for word in ("prices", "(opskit", "arn:aws:iam::123456789012:user/default_user", "268.80"))
    assert ("40d" in told) != ("Left out at this width: Since." in told)


@pytest.mark.parametrize("columns", range(44, 60))
def test_a_short_text_of_a_block_stands_on_the_line_of_its_header(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = shown_at(columns, monkeypatch).splitlines()
    assert any("Type: ml.m4.16xlarge" in line for line in lines)
    assert any("Verdict: busy" in line for line in lines)
    assert any("USD/h: 0.28" in line for line in lines)


@pytest.mark.parametrize("columns", [40, 60, 80, 100])
def test_characters_that_take_two_columns_are_counted_as_two(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = "\N{HIRAGANA LETTER A}" * 12
    row = OWNED.rows[0]
    told = shown_at(columns, monkeypatch, replace(OWNED, rows=((*row[:3], Cell(owner), *row[4:]),)))
    assert max(cell_len(line) for line in told.splitlines()) <= columns
    assert owner in told
    assert "268.80" in told


def test_print_table_builds_each_row_twice_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[int] = []

    def build(item: int) -> tuple[Cell, ...]:
        built.append(item)
        return TABLE.rows[0]

    shown_at(120, monkeypatch, Table(TABLE.columns, LazyRows(range(50), build)))
    assert len(built) <= 2 * 50


def test_force_color_colours_what_is_piped_and_no_color_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    def piped() -> str:
        pipe = io.StringIO()
        Screen(stdout=pipe).show_result(("notebook", "list"), CommandResult({}, tables=(TABLE,)))
        return pipe.getvalue()

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    assert "\x1b" not in piped()
    monkeypatch.setenv("FORCE_COLOR", "1")
    coloured = piped()
    assert "\x1b[32mbusy" in coloured
    assert all(cell.text in coloured for row in TABLE.rows for cell in row)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in piped()


def test_json_is_indented_on_a_terminal_and_one_line_elsewhere() -> None:
    result = CommandResult({"rows": LazyRows([1, 2], lambda item: {"n": item})}, records="rows")
    terminal, pipe = Terminal(), io.StringIO()
    Screen(OutputFormat.JSON, stdout=terminal).show_result(("x",), result)
    Screen(OutputFormat.JSON, stdout=pipe).show_result(("x",), result)
    assert json.loads(terminal.getvalue()) == json.loads(pipe.getvalue())
    assert '\n      "n": 1' in terminal.getvalue().replace("        ", "      ")
    assert pipe.getvalue().count("\n") == 1

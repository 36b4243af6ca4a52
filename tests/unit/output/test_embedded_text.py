"""What comes from outside stays text in the forms that others render or compute: markdown, HTML in it, spreadsheets."""

from __future__ import annotations

import csv
import html
import io
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from opskit.core.setting_values import OutputFormat
from opskit.output.printing import visible_line
from opskit.output.result import Cell, Column, CommandResult, Table
from opskit.output.screen import Screen

RENDERER = MarkdownIt("gfm-like", {"linkify": False, "html": True})
FORMULAS = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "  =1+1",
    '=HYPERLINK("http://evil.example","x")',
    "＝1+1",
]
MARKUP = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[click](javascript:alert(1))", "![](http://evil/p)",
    "**bold** _it_ ~~no~~", "`code`", "a | b | c", "&lt;b&gt;", "<!-- gone", "[x]: http://evil", "\\", "\\|", "$x$",
    "# head", "> quote", "- item", "+ item", "1. item", "12) item", "===", "---", "    code", "```", "a\n# head\n|x|y|",
    "a\n```\n# head", "<details>", "http://evil.example/<b>", "[ ] task", "\\[x](y)", "`` ` ``", "*", "__init__",
]  # fmt: skip


def shown_as(form: OutputFormat, cell: str, note: str) -> str:
    out = io.StringIO()
    table = Table((Column("Name"), Column("Why")), ((Cell(cell), Cell("why")),))
    result = CommandResult({"rows": [{"name": cell, "why": "why"}]}, tables=(table,), notes=(note,), records="rows")
    Screen(form, stdout=out, stderr=io.StringIO()).show_result((), result)
    return out.getvalue()


def assert_only_text(text: str) -> None:
    """Rendered, a cell and a paragraph are their text: no tag, no link, no other block."""
    page = RENDERER.render(shown_as(OutputFormat.MARKDOWN, text, text))
    tags = set(re.findall(r"</?([a-z0-9]+)", page))
    assert tags <= {"table", "thead", "tbody", "tr", "th", "td", "p", "pre", "code"}, page
    cells = [html.unescape(each) for each in re.findall(r"<td>(.*?)</td>", page, re.DOTALL)]
    assert [" ".join(each.split()) for each in cells] == [" ".join(visible_line(text).split()), "why"], page
    assert page.count("<table>") == 1


@pytest.mark.parametrize("text", MARKUP)
def test_markup_from_outside_is_text(text: str) -> None:
    assert_only_text(text)


@given(st.text(st.sampled_from("ab1 .)|`*_[]()<>&~$!\\#-+=\n\"':/;")))
@example("\\|")
def test_no_markup_is_too_strange(text: str) -> None:
    assert_only_text(text)


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_is_a_formula(formula: str) -> None:
    rows = list(csv.reader(io.StringIO(shown_as(OutputFormat.CSV, formula, ""))))
    assert rows[1][0].lstrip()[:1] not in tuple("=+-@＝＋－＠\t\r"), rows


@given(st.text(min_size=1))
def test_no_text_at_all_is_a_formula(text: str) -> None:
    rows = list(csv.reader(io.StringIO(shown_as(OutputFormat.CSV, text, ""))))
    begin = rows[1][0].lstrip()
    assert begin[:1] not in tuple("=+-@＝＋－＠") or re.fullmatch(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", begin)


def test_numbers_stay_numbers_and_json_stays_exact() -> None:
    out = io.StringIO()
    rows = [{"name": "-1.5", "free": -3, "usd": -0.25}]
    Screen(OutputFormat.CSV, stdout=out).show_result((), CommandResult({"rows": rows}, records="rows"))
    assert out.getvalue().splitlines()[1] == "-1.5,-3,-0.25"
    assert '"=1+1"' in shown_as(OutputFormat.JSON, "=1+1", "")

"""No text can command a terminal, hide in it or break a table's row, whichever form shows it; JSON stays exact."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.core.cost import CostItem
from opskit.core.events import Message, ReadFailed
from opskit.core.exceptions import Problem
from opskit.core.json_text import ascii_json
from opskit.core.live_resources import ResourceKind
from opskit.core.model import InstanceConfig, Unknown, Workload
from opskit.core.setting_values import OutputFormat
from opskit.output.printing import visible_line, visible_text
from opskit.output.result import Cell, Column, CommandResult, Table
from opskit.output.rich_console import save_svg
from opskit.output.screen import Screen
from opskit.training.events import CostEstimated, JobSelected, LogLine, RowsPredicted, RunEvent, StatusChanged, Uploaded
from opskit.training.render.plot import save_plot, terminal_plot
from opskit.training.render.progress import watch_run
from opskit.training.rules.job_names import Create
from opskit.training.workflow import find_workflow
from tests.fakes.hostile_text import EVIL, OWN_COLOURS, assert_harmless, harmful_characters


class Terminal(io.StringIO):
    """Takes what is shown, and says that somebody looks."""

    def isatty(self) -> bool:
        return True


def test_each_is_shown_as_what_it_is() -> None:
    assert visible_text("a\x1b[31mb\x9bc\x7fd\u202ee\u200bf\rg\U000e0041\udc80") == (
        r"a\x1b[31mb\x9bc\x7fd\u202ee\u200bf\rg\U000e0041\udc80"
    )
    assert visible_text("two\r\nlines\tof text") == "two\nlines\tof text"
    assert visible_line("two\r\nlines\tof text") == r"two\r\nlines\tof text"


def test_what_can_be_seen_stays_as_it_is() -> None:
    for text in ("Jürgen", "数据科学", "שלום", "سلام", "हिन्दी", "🚀 α≥β", "┤⠿│", r"C:\temp\x1b", "naïve — “quoted”"):
        assert visible_line(text) == text


def test_no_character_that_is_not_seen_is_left_in_any_plane() -> None:
    for code in range(0x110000):
        if unicodedata.category(chr(code)) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
            assert visible_line(chr(code)).isascii(), hex(code)


@given(st.text(st.characters(exclude_categories=())))
def test_whatever_comes_is_harmless_and_said_once(text: str) -> None:
    shown = visible_text(text)
    assert not harmful_characters(shown)
    assert visible_text(shown) == shown
    assert "\n" not in visible_line(text)


def hostile_result() -> CommandResult:
    """Something from outside in every place that an answer has."""
    table = Table(
        (Column(EVIL), Column("Narrow", optional=True), Column(EVIL, wrap=True, right=True)),
        tuple((Cell(f"{at}{EVIL}"), Cell(EVIL), Cell(EVIL)) for at in range(3)),
        EVIL,
    )
    problems = (Problem(EVIL, EVIL, EVIL, EVIL), Problem("two", f"first\nopskit: {EVIL}", f"see\n{EVIL}", None))
    records = [{"name": EVIL, "tags": {EVIL: [EVIL]}, EVIL: EVIL}, {"name": "plain", "tags": None, EVIL: 1.5}]
    return CommandResult(
        {"rows": records, EVIL: EVIL}, tables=(table,), notes=(EVIL, EVIL), problems=problems, records="rows"
    )


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
@pytest.mark.parametrize("output", list(OutputFormat))
@pytest.mark.parametrize("columns", ["40", "200"])
def test_no_form_lets_anything_through(
    output: OutputFormat, stream: type[io.StringIO], columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    out, err = stream(), stream()
    Screen(output, stdout=out, stderr=err).show_result(("quotas", "check"), hostile_result())
    assert_harmless(out.getvalue(), err.getvalue())
    told = out.getvalue() + err.getvalue()
    assert "evil" in told


def test_printed_table_rows_stay_on_one_line() -> None:
    out = io.StringIO()
    Screen(OutputFormat.TABLE, stdout=out, stderr=io.StringIO()).show_result(
        (), CommandResult({}, tables=hostile_result().tables)
    )
    assert len(out.getvalue().splitlines()) == 1 + 2 + 3  # title, head and line, rows
    out = io.StringIO()
    Screen(OutputFormat.MARKDOWN, stdout=out, stderr=io.StringIO()).show_result(
        (), CommandResult({}, tables=hostile_result().tables)
    )
    lines = out.getvalue().splitlines()
    assert len(lines) == 2 + 3
    assert {line.count("|") for line in lines} == {4}
    out = io.StringIO()
    Screen(OutputFormat.CSV, stdout=out, stderr=io.StringIO()).show_result((), hostile_result())
    assert len(out.getvalue().splitlines()) == 1 + 2
    assert [len(row) for row in csv.reader(io.StringIO(out.getvalue()))] == [3, 3, 3]


def test_no_line_of_a_message_passes_for_one_of_opskit_s() -> None:
    err = io.StringIO()
    Screen(stdout=io.StringIO(), stderr=err).show_result((), hostile_result())
    lines = err.getvalue().splitlines()
    assert sum(line.startswith("opskit: ") for line in lines) == len(hostile_result().problems)
    assert all(line.startswith(("opskit: ", " " * 8)) for line in lines)


def test_json_is_exact_and_plain_ascii() -> None:
    out = io.StringIO()
    Screen(OutputFormat.JSON, stdout=out).show_result((), hostile_result())
    text = out.getvalue()
    assert text.endswith("}\n")
    assert text[:-1].isascii()
    assert text[:-1].isprintable()
    told = json.loads(text)
    assert told["data"]["rows"][0]["tags"] == {EVIL: [EVIL]}
    assert told["errors"][0]["message"] == EVIL


@given(st.recursive(st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(), st.lists))
def test_json_says_exactly_what_it_was_given(value: Any) -> None:
    text = ascii_json(value)
    assert text.isascii()
    assert text.isprintable()
    assert json.loads(text) == value


def test_colours_of_opskit_s_own_still_work() -> None:
    from opskit.output.result import Style

    out = Terminal()
    table = Table((Column("State"),), ((Cell("short", Style.BAD),),))
    screen = Screen(stdout=out, stderr=io.StringIO())
    screen.show_result((), CommandResult({}, tables=(table,), notes=("see https://example.com/a?b=c",)))
    screen.print_line(f"1. {EVIL}", strong=True)
    told = out.getvalue()
    assert re.search(r"\x1b\[[0-9;]*31m *short", told)  # red, and bold
    assert "https://example.com/a?b=c" in told
    assert "\x1b[1m1. " in told
    assert_harmless(told)


def test_a_link_that_rich_draws_is_a_link_still() -> None:
    from rich.text import Text

    from opskit.output.rich_console import console_on

    out = Terminal()
    console_on(out, color=True).print(Text("the console", style="link https://example.com/"))
    assert re.search(r"\x1b\]8;[^;]*;https://example.com/\x1b\\.*the console", out.getvalue())


def test_a_text_that_nobody_made_visible_does_not_get_past_the_console() -> None:
    from rich.console import Group
    from rich.table import Table as RichTable
    from rich.text import Text

    from opskit.output.rich_console import console_on

    table = RichTable(title=Text(EVIL))
    table.add_column(Text(EVIL))
    table.add_row(Text(EVIL))
    out = Terminal()
    console_on(out, color=True).print(Group(Text(EVIL), table), Text(EVIL), soft_wrap=True)
    assert_harmless(out.getvalue())


def hostile_events() -> Iterator[RunEvent]:
    """Everything that can be told on the way, with something from outside wherever there is text."""
    config = InstanceConfig(EVIL, 1, 60)
    yield CostEstimated((CostItem(Workload.TRAINING, config, Unknown(EVIL)),))
    yield JobSelected(ResourceKind.TRAINING_JOB, Create(EVIL, None), config)
    yield Uploaded(EVIL, 10)
    yield StatusChanged(ResourceKind.TRAINING_JOB, EVIL, EVIL)
    yield LogLine(EVIL)
    yield LogLine(f"[3]#011train-rmse{EVIL}:1.0#011validation-rmse\x1b[2J:2.0")
    yield RowsPredicted(1, 2)
    yield ReadFailed(EVIL, EVIL)
    yield Message(EVIL)


def test_every_kind_of_event_is_among_them() -> None:
    from typing import get_args

    assert {type(event) for event in hostile_events()} == set(get_args(RunEvent))


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_what_is_told_on_the_way_is_harmless(stream: type[io.StringIO]) -> None:
    err = stream()
    screen = Screen(stderr=err, stdout=io.StringIO())
    with watch_run(screen, find_workflow("boston")) as emit:
        for event in hostile_events():
            emit(event)
    screen.info(EVIL)
    with screen.live_lines() as say:
        say(EVIL)
    with screen.spinner(EVIL):
        pass
    assert err.getvalue().count("evil") >= len(list(hostile_events()))
    assert_harmless(err.getvalue(), moves=True)


def test_a_plot_s_captions_are_harmless(tmp_path: Path) -> None:
    assert_harmless(terminal_plot(EVIL, (1.0, 2.0), (1.0, 2.0), 80))
    save_plot(tmp_path / "plot.png", f"$\\frac{EVIL}", f"price in $ {EVIL}", (1.0, 2.0), (1.0, 2.0))
    assert (tmp_path / "plot.png").stat().st_size > 1000
    save_svg(tmp_path / "picture.svg", "opskit", ["1. a step", f"$ {EVIL}"])
    assert not harmful_characters((tmp_path / "picture.svg").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "program",
    [
        "import logging; logging.getLogger('botocore.credentials').warning('Refreshing failed: %s', EVIL)",
        "import logging; logging.getLogger('a').error(EVIL, exc_info=RuntimeError(EVIL))",
        "import warnings; warnings.warn(EVIL, stacklevel=1)",
        "raise RuntimeError(EVIL)",
    ],
)
def test_what_libraries_say_goes_the_same_way(program: str) -> None:
    source = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from opskit.output.printing import prepare_streams, redirect_warnings\n"
        f"prepare_streams(); redirect_warnings(); EVIL = {EVIL!r}\n{program}"
    )
    ended = subprocess.run(
        [sys.executable, "-c", source, str(Path(__file__).parents[3])], check=False, capture_output=True
    )
    told = ended.stderr.decode()
    assert "evil" in told
    assert_harmless(told)


def test_what_is_own_is_told_from_what_is_not() -> None:
    assert harmful_characters("\x1b]0;title\x07")
    assert not harmful_characters(OWN_COLOURS.sub("", "\x1b[1;31mred\x1b[0m"))
    assert harmful_characters(OWN_COLOURS.sub("", "\x1b[2J"))

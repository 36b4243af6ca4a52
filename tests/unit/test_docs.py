"""The pages that the code writes say what it says now, and leave nothing out."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from opskit.decide.permissions import CALLS
from opskit.settings import settle

DOCS = Path(__file__).parents[2] / "docs"
GENERATED = runpy.run_path(str(DOCS / "generate.py"))
PAGES: dict[str, str] = GENERATED["pages"]()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_as_the_code_writes_it(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name], "Run `make docs`."


@pytest.mark.parametrize("command", CALLS)
@pytest.mark.parametrize("page", ["commands.md", "iam.md"])
def test_every_command_has_its_place(page: str, command: str) -> None:
    place = PAGES[page].partition(f"## opskit {command}\n")[2].partition("\n## ")[0]
    assert place.strip()


def test_every_flag_says_what_it_is_for() -> None:
    rows = [line for line in PAGES["commands.md"].splitlines() if line.startswith("| `")]
    assert [row for row in rows if row.endswith("|  |") and "--" in row] == []


def test_the_example_can_be_used(tmp_path: Path) -> None:
    file = tmp_path / "opskit.toml"
    file.write_text(GENERATED["_EXAMPLE"])
    assert len(settle({}, file, {}).get("watch")) == 2


@pytest.mark.parametrize("room", ["flows", "decide"])
def test_the_floor_plan_shows_every_file_of_the_wide_rooms_once(room: str) -> None:
    column = {"flows": 2, "decide": 3}[room]
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    table = page.partition("## Which file")[2].partition("\n## ")[0]
    rows = [row.split("|") for row in table.splitlines() if row.startswith("| **")]
    shown = [name for row in rows for name in row[column].split("`")[1::2]]
    assert sorted(shown) == sorted(file.stem for file in (DOCS.parent / "opskit" / room).glob("[!_]*.py"))

"""The pages that the code writes say what it says now, and leave nothing out."""

from __future__ import annotations

import runpy
import shutil
import subprocess
from pathlib import Path

import pytest

from opskit.access.rules.permissions import API_CALLS
from opskit.core.settings import load_settings

DOCS = Path(__file__).parents[2] / "docs"
GENERATED = runpy.run_path(str(DOCS / "generate.py"))
PAGES: dict[str, str] = GENERATED["pages"]()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_as_the_code_writes_it(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name], "Run `make docs`."


@pytest.mark.parametrize("command", API_CALLS)
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
    assert len(load_settings({}, file, {}).get("watch")) == 2


def test_every_command_has_a_man_page() -> None:
    names = {name.removeprefix("man/") for name in PAGES if name.startswith("man/")}
    assert names == {"opskit.1", *(f"opskit-{command.replace(' ', '-')}.1" for command in API_CALLS)}
    assert {path.name for path in (DOCS / "man").iterdir()} == names  # none of a command that is gone


@pytest.mark.skipif(shutil.which("groff") is None, reason="there is no groff")
def test_groff_finds_nothing_wrong_with_a_man_page(tmp_path: Path) -> None:
    pages = [str(path) for path in sorted((DOCS / "man").iterdir())]
    ran = subprocess.run(["groff", "-man", "-Tascii", "-ww", *pages], capture_output=True, text=True, check=True)
    assert not ran.stderr
    assert "opskit quotas check" in ran.stdout

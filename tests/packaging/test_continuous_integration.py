"""What continuous integration runs: a copy of .ci/run, with targets that only say that they were made."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TARGETS = "lint:\n\t@echo looked for mistakes; exit $(LINT)\ntest:\n\t@echo 2 passed; exit $(TEST)\n"


@pytest.fixture
def ci_checkout(tmp_path: Path) -> Path:
    """A checkout that has .ci/run and, in place of what is slow, words."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    (tmp_path / "Makefile").write_text(TARGETS)
    return tmp_path


@pytest.mark.parametrize(("lint", "test"), [(0, 0), (1, 0), (0, 1), (1, 1)])
def test_ci_lints_then_tests_and_fails_where_either_does(ci_checkout: Path, lint: int, test: int) -> None:
    # A make above this one, such as that of `make test`, would have the inner one name the folders it enters.
    outer = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    environment = {**outer, "LINT": str(lint), "TEST": str(test)}
    command = ["bash", str(ci_checkout / ".ci" / "run")]
    ran = subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, check=False)
    assert ran.stdout.splitlines() == ["looked for mistakes", "2 passed"]
    assert (ran.returncode == 0) == (lint == test == 0)


def test_ci_tests_by_the_command_that_the_readme_names() -> None:
    assert "`make test` runs all the tests" in " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert re.search(r"^make test\b", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE)


def test_what_it_looks_for_is_style_types_and_contracts() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = makefile.partition("\nlint:")[2].partition("\n\n")[0]
    for tool in ("ruff check", "ruff format --check", "mypy", "lint-imports"):
        assert f"$(BIN)/{tool}\n" in f"{recipe}\n"


def test_ci_can_be_run_by_its_path() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)

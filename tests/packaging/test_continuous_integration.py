"""What continuous integration runs: a copy of .ci/run, with targets that only say that they were made."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TARGETS = "lint:\n\t@echo looked for mistakes; exit $(LINT)\ntest:\n\t@echo 2 passed; exit $(TEST)\n"


def without_outer_make() -> dict[str, str]:
    """The environment without a make above, such as that of `make test`: ours would name the folders that it enters."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}


@pytest.fixture
def ci_checkout(tmp_path: Path) -> Path:
    """A checkout that has .ci/run and, in place of what is slow, words."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    (tmp_path / "Makefile").write_text(TARGETS)
    return tmp_path


@pytest.mark.parametrize(("lint", "test"), [(0, 0), (1, 0), (0, 1), (1, 1)])
def test_ci_lints_then_tests_and_fails_where_either_does(ci_checkout: Path, lint: int, test: int) -> None:
    environment = {**without_outer_make(), "LINT": str(lint), "TEST": str(test)}
    command = ["bash", str(ci_checkout / ".ci" / "run")]
    ran = subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, check=False)
    assert ran.stdout.splitlines() == ["looked for mistakes", "2 passed"]
    assert (ran.returncode == 0) == (lint == test == 0)


def test_ci_tests_by_the_command_that_the_readme_names() -> None:
    assert "`make test` runs all the tests" in " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert re.search(r"^make test\b", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.fixture
def lint_tools(tmp_path: Path) -> Path:
    """A virtual environment that is up to date, and whose programs say what they are called with; some fail."""
    program = '#!/bin/sh\nwords="${0##*/} $*"\necho "$words"\ncase "$words" in $FAILING) exit 3;; esac\n'
    (tmp_path / "bin").mkdir()
    for name in ("ruff", "mypy", "lint-imports", "python"):
        (tmp_path / "bin" / name).write_text(program)
        (tmp_path / "bin" / name).chmod(0o755)
    for stamp in (".uv-installed", ".extras-installed", ".dev-installed"):
        (tmp_path / stamp).touch()
    return tmp_path


@pytest.mark.parametrize("failing", ["nothing", "ruff check*", "python -m tools.command_rows*", "*"])
def test_lint_runs_style_types_contracts_and_our_checks_and_fails_where_any_does(
    lint_tools: Path, failing: str
) -> None:
    command = ["make", "--silent", "lint", f"VENV={lint_tools}"]
    environment = {**without_outer_make(), "FAILING": failing}
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    checks = [line.strip() for line in ran.stdout.splitlines()]
    ours = [f"tools.{name}" for name in ("one_writer opskit", "closed_choices opskit", "whole_tables", "command_rows")]
    assert checks == [
        "ruff check",
        "ruff format --check",
        "mypy",
        "lint-imports",
        *(f"python -m {each}" for each in ours),
    ]
    failed = [check for check in checks if fnmatch(check, failing)]
    assert (ran.returncode == 0) == (failed == [])
    assert (f"make lint failed in: {'; '.join(failed)}\n" in ran.stderr) == (failed != [])


def test_ci_can_be_run_by_its_path() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)

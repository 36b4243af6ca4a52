"""Help is instant because it loads nothing that a command only needs when it runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import typer

from opskit.cli.command_tree import COMMAND_GROUPS, load_all, load_for
from opskit.core.model import Workload
from tests.prefork import start_forkserver

HEAVY = {"boto3", "botocore", "rich", "pandas", "numpy", "sagemaker", "sklearn", "matplotlib", "requests", "tabulate"}
OURS_THAT_WAIT = {"opskit.aws.client", "opskit.core.model", "opskit.sandbox", "opskit.output.screen"}

_RUN = """
import sys
from opskit.cli import main
try:
    main()
finally:
    print("LOADED", *sys.modules, file=sys.stderr)
"""


def command_paths(command: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command and group of the tree, by the words that lead to it."""
    yield path
    for name, child in getattr(command, "commands", {}).items():
        yield from command_paths(child, (*path, name))


EVERY_HELP = [[*path, "--help"] for path in command_paths(typer.main.get_command(load_all()))]


class Ran(NamedTuple):
    """A run's exit code, what it printed, and which modules it had loaded in the end."""

    code: int
    out: str
    loaded: set[str]


Run = Callable[[list[str]], Ran]


@pytest.fixture
def run_measured(tmp_path: Path) -> Run:
    """Runs opskit in a process that had loaded Typer, and nothing else that is not Python's own."""
    script = tmp_path / "run.py"
    script.write_text(_RUN)

    def run(arguments: list[str]) -> Ran:
        code, out, errors = start_forkserver("typer").run([str(script), *arguments], tmp_path, os.environ)
        return Ran(code, out, set(errors.rpartition("LOADED")[2].split()))

    return run


def test_no_module_of_opskit_was_loaded_before_help(tmp_path: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text("import sys; print(*sys.modules)")
    loaded = set(start_forkserver("typer").run([str(script)], tmp_path, os.environ)[1].split())
    assert "typer" in loaded
    assert not loaded & HEAVY
    assert not {name for name in loaded if name.startswith("opskit")}


@pytest.mark.parametrize("arguments", [["--version"], *EVERY_HELP], ids=" ".join)
def test_help_loads_nothing_heavy(arguments: list[str], run_measured: Run) -> None:
    code, out, loaded = run_measured(arguments)
    assert code == 0
    assert out
    assert "opskit.cli.command_tree" in loaded
    assert not loaded & (HEAVY | OURS_THAT_WAIT)


def test_the_help_of_for_names_every_usage(run_measured: Run) -> None:
    unwrapped = "".join(run_measured(["quotas", "check", "--help"]).out.split())  # help breaks its lines at hyphens too
    missing = [workload.value for workload in Workload if workload.value not in unwrapped]
    assert missing == [], "add them to the help of --for in opskit/quotas/cli.py"


def test_the_menu_tells_of_each_word_what_its_own_help_begins_with() -> None:
    grown = typer.main.get_command(load_all())
    assert {name: command_group.help for name, command_group in COMMAND_GROUPS.items()} == {
        name: (child.help or "").partition("\n")[0] for name, child in getattr(grown, "commands", {}).items()
    }


def test_no_line_of_the_menu_is_cut_off(run_measured: Run) -> None:
    assert "..." not in run_measured(["--help"]).out.partition("Commands:")[2]


@pytest.mark.parametrize("words", [["--help"], [], ["qoutas", "check"], ["--version"]])
def test_what_needs_no_command_loads_none(words: list[str], run_measured: Run) -> None:
    loaded = {
        name for name in run_measured(words).loaded if re.match(r"opskit\.(\w+\.)*(cli\.|cli$|sandbox_cli)", name)
    }
    assert not loaded - {"opskit.cli", "opskit.cli.command_tree"}


def test_a_command_line_loads_its_own_branch_alone(run_measured: Run) -> None:
    _, _, loaded = run_measured(["quotas", "check", "--help"])
    assert "opskit.quotas.cli" in loaded
    assert not loaded & {"opskit.notebooks.cli.app", "opskit.increases.cli", "opskit.explain.cli"}
    assert "check" in getattr(typer.main.get_command(load_for(["quotas"])), "commands", {})["quotas"].commands


@pytest.mark.parametrize("words", [["quotas", "--help"], ["quotas", "--help", "check"], ["quotas", "chekc"]])
def test_what_names_no_command_of_a_group_loads_them_all(words: list[str], run_measured: Run) -> None:
    assert {"opskit.quotas.cli", "opskit.increases.cli", "opskit.explain.cli"} <= run_measured(words).loaded


def test_commands_are_listed_in_one_order_whichever_was_loaded_first(run_measured: Run) -> None:
    script = "from opskit.cli.command_tree import load_for; load_for(['notebook', 'stop']); load_for(['notebook'])"
    ran = subprocess.run(
        [sys.executable, "-c", f"{script}; from opskit.cli import main; main(['notebook', '--help'])"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == run_measured(["notebook", "--help"]).out

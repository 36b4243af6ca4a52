"""Help is instant because it loads nothing that a command only needs when it runs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
import typer

from opskit.cli.tree import BRANCHES, tree_for, whole_tree
from opskit.model import Usage

HEAVY = {"boto3", "botocore", "rich", "pandas", "numpy", "sagemaker", "sklearn", "matplotlib", "requests", "tabulate"}
OURS_THAT_WAIT = {"opskit.aws", "opskit.model", "opskit.sandbox", "opskit.show.render"}

_RUN = """
import sys
from opskit.cli import main
try:
    main({arguments!r})
finally:
    print("LOADED", *sys.modules, file=sys.stderr)
"""


def paths(command: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command and group of the tree, by the words that lead to it."""
    yield path
    for name, child in getattr(command, "commands", {}).items():
        yield from paths(child, (*path, name))


EVERY_HELP = [[*path, "--help"] for path in paths(typer.main.get_command(whole_tree()))]


def run(arguments: list[str]) -> tuple[subprocess.CompletedProcess[str], set[str]]:
    script = _RUN.format(arguments=arguments)
    ended = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True)
    return ended, set(ended.stderr.rpartition("LOADED")[2].split())


@pytest.mark.parametrize("arguments", [["--version"], *EVERY_HELP], ids=" ".join)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    ended, loaded = run(arguments)
    assert ended.returncode == 0
    assert ended.stdout
    assert "opskit.cli.app" in loaded
    assert not loaded & (HEAVY | OURS_THAT_WAIT)


def test_the_help_of_for_names_every_usage() -> None:
    ended, _ = run(["quotas", "check", "--help"])
    unwrapped = "".join(ended.stdout.split())  # help breaks its lines at hyphens too
    assert all(usage.value in unwrapped for usage in Usage)


def test_the_menu_tells_of_each_word_what_its_own_help_begins_with() -> None:
    grown = typer.main.get_command(whole_tree())
    assert {name: each.help for name, each in BRANCHES.items()} == {
        name: (child.help or "").partition("\n")[0] for name, child in getattr(grown, "commands", {}).items()
    }


def test_no_line_of_the_menu_is_cut_off() -> None:
    ended, _ = run(["--help"])
    assert "..." not in ended.stdout.partition("Commands:")[2]


@pytest.mark.parametrize("words", [["--help"], [], ["qoutas", "check"], ["--version"]])
def test_what_needs_no_command_loads_none(words: list[str]) -> None:
    _, loaded = run(words)
    assert not {name for name in loaded if name.startswith("opskit.cli.")} - {"opskit.cli.app", "opskit.cli.tree"}


def test_a_command_line_loads_its_own_branch_alone() -> None:
    _, loaded = run(["quotas", "check", "--help"])
    assert "opskit.cli.quotas" in loaded
    assert "opskit.cli.notebook" not in loaded
    assert "check" in getattr(typer.main.get_command(tree_for(["quotas"])), "commands", {})["quotas"].commands

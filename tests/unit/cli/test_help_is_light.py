"""Help is instant because it loads nothing that a command only needs when it runs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
import typer

from opskit.cli.tree import app
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


EVERY_HELP = [[*path, "--help"] for path in paths(typer.main.get_command(app))]


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

"""Every command has its rows, and a new one is told by name in which files to add them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from opskit.access.rules.grants import CHANGE, grants_of_commands
from opskit.access.rules.permissions import API_CALLS, FLAGS
from tests.journeys.swept_commands import NOT_SWEPT, SWEPT
from tools.command_help import all_commands
from tools.command_rows import CommandTable, command_names, find_gaps, find_unloaded, main, package_tables

COMMANDS = command_names()
NEW_COMMAND = """
from opskit.cli.command import register_command
from opskit.notebooks.cli.app import notebook_app

@register_command(notebook_app, "notebook", "invented")
def list_ages(ctx):
    "List ages."
"""


def test_every_command_has_its_rows(capsys: pytest.CaptureFixture[str]) -> None:
    assert main() == 0, capsys.readouterr().out


def test_every_command_that_calls_aws_is_swept() -> None:
    calling = {command for command, calls in API_CALLS.items() if calls}
    row = "what it is run with while each action is left out (or the reason why it is not, to NOT_SWEPT)"
    table = CommandTable("SWEPT in tests/journeys/swept_commands.py", row, SWEPT.keys() | NOT_SWEPT.keys(), calling)
    assert list(find_gaps(COMMANDS, [table])) == []
    assert not SWEPT.keys() & NOT_SWEPT.keys()


def test_a_new_command_is_told_of_each_file() -> None:
    files = (
        *("opskit/cli/command_tree.py", "opskit/cli/command_examples.py", "opskit/access/rules/permissions.py"),
        "pages of docs/",
    )
    gaps = list(find_gaps([*COMMANDS, "invented"], package_tables([*COMMANDS, "invented"])))
    assert all(gap.startswith("`opskit invented` is missing in ") and ": add " in gap for gap in gaps)
    assert [file for file in files if not any(file in gap for gap in gaps)] == []


@pytest.mark.parametrize("table", package_tables(COMMANDS), ids=lambda table: table.place)
def test_a_row_that_is_missing_is_named_with_its_file(table: CommandTable) -> None:
    wanted = COMMANDS if table.wanted is None else table.wanted
    gone = sorted(wanted)[0]
    less = CommandTable(table.place, table.row, set(table.rows) - {gone}, table.wanted)
    (gap,) = find_gaps(COMMANDS, [less])
    assert gap.startswith(f"`opskit {gone}` is missing in {table.place}: add ")


def test_a_row_of_a_command_that_is_gone_is_named() -> None:
    (gap,) = find_gaps(["costs"], [CommandTable("EXAMPLES in examples.py", "examples", ["costs", "bills"])])
    assert gap.startswith("EXAMPLES in examples.py has a row for `opskit bills`")


def test_a_module_that_nothing_loads_is_named(tmp_path: Path) -> None:
    file = tmp_path / "opskit/notebooks/cli/invented.py"
    file.parent.mkdir(parents=True)
    file.write_text(NEW_COMMAND)
    (gap,) = find_unloaded(tmp_path / "opskit", COMMANDS)
    assert gap.startswith(
        "`opskit notebook invented` is registered in opskit/notebooks/cli/invented.py, and no command line"
    )
    assert "COMMAND_GROUPS in opskit/cli/command_tree.py" in gap


def changed_actions(command: str) -> set[str]:
    """What a command may change, apart from telling somebody of its result."""
    grants = grants_of_commands([command], FLAGS)
    return {grant.action for grant in grants if grant.kind == CHANGE} - {"sns:Publish"}


@pytest.mark.parametrize("command", [command for command in COMMANDS if changed_actions(command)])
def test_a_command_that_changes_something_shows_its_plan_first(command: str) -> None:
    if command == "cron run":  # it runs another, whose flags it takes
        return
    options = {name for option in all_commands()[tuple(command.split())].params for name in option.opts}
    assert "--dry-run" in options, f"`opskit {command}` changes {changed_actions(command)}: add --dry-run to it"


@pytest.mark.parametrize(
    ("added", "told"),
    [
        (f"{NEW_COMMAND}\nload_all()", "`opskit notebook invented` is registered, and not listed: add the module"),
        (
            "command_group('invented')",
            "There is no group 'invented': add the module that registers it, and its word, to ",
        ),
    ],
    ids=["a word", "a group"],
)
def test_what_the_tree_does_not_list_fails_with_what_to_add(added: str, told: str) -> None:
    source = f"from opskit.cli.command_tree import command_group, load_all\n{added}"
    ran = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False)
    assert told in ran.stderr
    assert "COMMAND_GROUPS in opskit/cli/command_tree.py" in ran.stderr

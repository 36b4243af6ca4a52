"""The examples in the help of every command."""

from __future__ import annotations

import re
import shlex

import pytest

from opskit.cli.command_examples import EXAMPLES
from tools.command_help import all_commands

COMMANDS = {" ".join(path): command for path, command in all_commands().items()}


def test_every_command_has_an_example_in_its_help() -> None:
    assert all((command.epilog or "").startswith("\b\nExamples:") for command in COMMANDS.values())


@pytest.mark.parametrize(("path", "line"), [(path, line) for path, lines in EXAMPLES.items() for line in lines])
def test_an_example_is_a_command_line_that_parses(path: str, line: str) -> None:
    inner = re.search(r"opskit [^|>)]*[^|>) ]", line[line.index(f"opskit {path}") :])
    assert inner
    words = shlex.split(inner.group())[1:]
    assert words[: len(path.split())] == path.split()
    command = COMMANDS[path]
    context = command.make_context(path, words[len(path.split()) :])  # raises where a flag or an argument is wrong
    assert not context.args


def test_no_summary_of_a_command_is_cut_off() -> None:
    for path, command in COMMANDS.items():
        first = " ".join(command.help.strip().partition("\n\n")[0].split())
        assert command.get_short_help_str(limit=45) == first, path

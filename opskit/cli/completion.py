"""``opskit completion``: what a shell needs to complete command lines. The script asks opskit itself, each time;
``opskit.cli.command_tree`` hears of it by an environment variable.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.command import CommandContext, register_command
from opskit.cli.command_tree import COMPLETE_VARIABLE, app

if TYPE_CHECKING:
    from opskit.output.result import CommandResult


class Shell(StrEnum):
    """The shells that opskit completes in."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


@register_command(app, "completion")
def completion_command(
    ctx: CommandContext, shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")]
) -> CommandResult:
    """Print the completion script for a shell.

    bash and zsh: put the line of the example into ~/.bashrc or ~/.zshrc (in zsh after compinit).
    """
    from typer._completion_shared import get_completion_script

    from opskit.output.result import CommandResult

    script = get_completion_script(prog_name="opskit", complete_var=COMPLETE_VARIABLE, shell=shell.value)
    return CommandResult({"shell": shell.value, "script": script}, notes=(script,))

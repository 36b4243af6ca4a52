"""``opskit settings``: every value, and where it came from; and which folders' files count."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.command import CommandContext, register_command
from opskit.cli.command_tree import app
from opskit.core.settings import search_paths

if TYPE_CHECKING:
    from opskit.output.result import CommandResult


class SettingsAction(StrEnum):
    """What to do with the settings."""

    SHOW = "show"
    TRUST = "trust"
    DISTRUST = "distrust"


@register_command(app, "settings")
def settings_command(
    ctx: CommandContext,
    action: Annotated[
        SettingsAction,
        typer.Argument(
            metavar="[show|trust|distrust]",
            help="show; trust: let every setting of the folder's opskit.toml count, until the file changes.",
        ),
    ] = SettingsAction.SHOW,
    folder: Annotated[Path, typer.Argument(metavar="[FOLDER]", help="The folder to trust.")] = Path(),
) -> CommandResult:
    """Show each setting and its source.

    That is a flag, a variable, a file, or the default. In the opskit.toml of the folder you stand in, only what
    narrows a run counts (a lower max-usd or limit, a longer after), output and the watch list, until you trust it.
    """
    from opskit.access.flows.settings import all_settings, distrust_folder, trust_folder
    from opskit.access.render.settings import distrust_result, settings_result, trust_result
    from opskit.cli.common_options import left_out_problem

    match action:
        case SettingsAction.SHOW:
            return settings_result(
                all_settings(ctx.settings), ctx.settings, search_paths(os.environ), left_out_problem(ctx.settings)
            )
        case SettingsAction.TRUST:
            return trust_result(trust_folder(folder))
        case SettingsAction.DISTRUST:
            return distrust_result(*distrust_folder(folder))

"""``opskit demo``: the full workflow, run by the real commands on a sandbox of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.command import CommandContext, register_command
from opskit.cli.command_tree import app

if TYPE_CHECKING:
    from opskit.output.result import CommandResult


@register_command(app, "demo")
def demo_command(
    ctx: CommandContext,
    keep: Annotated[
        Path | None,
        typer.Option("--keep", metavar="FOLDER", help="Keep the files of the run (data, plot) in this folder."),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", metavar="FILE", help="Save the output as an SVG image.")
    ] = None,
) -> CommandResult:
    """Run the full workflow end to end against a local AWS.

    Quotas are asked for, a model trains and predicts, an idle notebook is stopped.
    """
    from opskit.demo.runner import run_demo

    return run_demo(ctx, keep, picture)

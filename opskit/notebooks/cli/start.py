"""``opskit notebook start``: start notebooks if their quotas allow it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.command import CommandContext, register_command
from opskit.notebooks.cli.app import WaitOption, complete_notebook_name, notebook_app

if TYPE_CHECKING:
    from opskit.output.result import CommandResult


@register_command(notebook_app, "notebook", "start")
def start_notebooks_command(
    ctx: CommandContext,
    names: Annotated[list[str], typer.Argument(metavar="NAME...", autocompletion=complete_notebook_name)],
    no_guard: Annotated[bool, typer.Option("--no-guard", help="Skip the quota check.")] = False,
    wait: WaitOption = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan, change nothing.")] = False,
) -> CommandResult:
    """Start notebooks if their quotas allow it."""
    from opskit.core.clock import system_clock
    from opskit.notebooks.flows.start import plan_starts, start_notebooks, wait_for_all
    from opskit.notebooks.render.start import start_result
    from opskit.output.progress import watch_progress

    ctx.heed_end_from_outside()
    clock, client = system_clock(), ctx.client()
    starts = plan_starts(client, names, clock, guard=not no_guard)
    if not dry_run:
        starts = start_notebooks(client, starts, clock)
    if wait and not dry_run:
        with watch_progress(ctx.screen) as emit:
            starts = wait_for_all(client, starts, clock, emit)
    return start_result(starts, client.region)

"""``opskit notebook start``: start notebooks if their quotas allow it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.command import CommandContext, register_command
from opskit.notebooks.cli.app import (
    MatchOption,
    NamesArgument,
    OwnerOption,
    TagOption,
    WaitOption,
    notebook_app,
)

if TYPE_CHECKING:
    from opskit.output.result import CommandResult


@register_command(notebook_app, "notebook", "start")
def start_notebooks_command(
    ctx: CommandContext,
    names: NamesArgument = None,
    match: MatchOption = "*",
    tag: TagOption = None,
    owner: OwnerOption = None,
    no_guard: Annotated[bool, typer.Option("--no-guard", help="Skip the quota check.")] = False,
    wait: WaitOption = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan, change nothing.")] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Start those that --match, --tag or --owner choose without asking.")
    ] = False,
) -> CommandResult:
    """Start notebooks if their quotas allow it: by name, or all that --match, --tag or --owner choose."""
    from opskit.core.clock import Clock
    from opskit.notebooks.flows.inspect import select_names
    from opskit.notebooks.flows.start import plan_starts, start_notebooks, wait_for_all
    from opskit.notebooks.render.start import confirm_starts_text, start_result
    from opskit.notebooks.rules.notebook_filter import select_notebooks
    from opskit.output.progress import watch_progress
    from opskit.output.result import result_with_error

    ctx.treat_sigterm_as_interrupt()
    clock, client = Clock(), ctx.client()
    meant = select_notebooks(names, match, tag, owner)
    starts = plan_starts(client, select_names(client, meant), clock, guard=not no_guard)
    if asking := meant.is_narrow and confirm_starts_text(starts):
        what = "This starts notebooks that were not named,"
        if dry_run:
            return result_with_error(start_result(starts, client.region), ctx.missing_consent(yes=yes, what=what))
        ctx.confirm(asking, yes=yes, what=what)
    if not dry_run:
        starts = start_notebooks(client, starts, clock)
    if wait and not dry_run:
        with watch_progress(ctx.screen) as emit:
            starts = wait_for_all(client, starts, clock, emit)
    return start_result(starts, client.region)

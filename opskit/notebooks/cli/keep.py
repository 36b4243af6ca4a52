"""``opskit notebook keep`` and ``unkeep``: a notebook that must not be stopped for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.command import CommandContext, register_command
from opskit.core.setting_values import parse_duration
from opskit.notebooks.cli.app import NameArgument, notebook_app

if TYPE_CHECKING:
    from opskit.output.result import CommandResult


DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show the plan, change nothing.")]


@register_command(notebook_app, "notebook", "keep")
def keep_notebook_command(
    ctx: CommandContext,
    name: NameArgument,
    span: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="How long, such as 36h (default: without end).")
    ] = None,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Reason, shown to anyone who tries to stop it.")
    ] = "",
    dry_run: DryRunOption = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Also shorten the time that it is protected.")] = False,
) -> CommandResult:
    """Protect a notebook from being stopped."""
    from opskit.core.clock import system_clock
    from opskit.notebooks.flows.keep import keep_notebook, plan_keep
    from opskit.notebooks.render.keep import confirm_shortening_text, keep_result
    from opskit.notebooks.rules.keep import build_keep_tags
    from opskit.output.result import result_with_error

    clock, client = system_clock(), ctx.client()
    plan = plan_keep(
        client, name, build_keep_tags(None if span is None else parse_duration(span), reason, clock.now()), clock
    )
    what = f"This may shorten the time that {name} is protected,"
    if dry_run:
        missing = ctx.missing_consent(yes=yes, what=what) if plan.may_shorten else None
        return result_with_error(keep_result(plan, dry_run=True), missing)
    if plan.may_shorten:
        ctx.confirm(confirm_shortening_text(plan), yes=yes, what=what)
    keep_notebook(client, plan, clock)
    return keep_result(plan)


@register_command(notebook_app, "notebook", "unkeep")
def unkeep_notebook_command(ctx: CommandContext, name: NameArgument, dry_run: DryRunOption = False) -> CommandResult:
    """Remove a notebook's protection from being stopped."""
    from opskit.core.clock import system_clock
    from opskit.notebooks.flows.keep import unkeep_notebook
    from opskit.notebooks.render.keep import unkeep_result

    done = unkeep_notebook(ctx.client(), name, system_clock(), dry_run=dry_run)
    return unkeep_result(*done, dry_run=dry_run)

"""``opskit notebook keep`` and ``unkeep``: a notebook that must not be stopped for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.command import CommandContext, register_command
from opskit.core.setting_values import parse_duration
from opskit.notebooks.cli.app import MatchOption, NameArgument, NamesArgument, OwnerOption, TagOption, notebook_app

if TYPE_CHECKING:
    from opskit.output.result import CommandResult


DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show the plan, change nothing.")]


@register_command(notebook_app, "notebook", "keep")
def keep_notebook_command(
    ctx: CommandContext,
    names: NamesArgument = None,
    match: MatchOption = "*",
    tag: TagOption = None,
    owner: OwnerOption = None,
    span: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="How long, such as 36h (default: without end).")
    ] = None,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Reason, shown to anyone who tries to stop it.")
    ] = "",
    dry_run: DryRunOption = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Also shorten the time that it is protected.")] = False,
) -> CommandResult:
    """Protect notebooks from being stopped: by name, or all that --match, --tag or --owner choose."""
    from opskit.core.clock import system_clock
    from opskit.notebooks.flows.keep import keep_all, keep_notebook, plan_keep
    from opskit.notebooks.flows.select import select_names
    from opskit.notebooks.render.keep import confirm_shortening_text, keep_all_result, keep_result
    from opskit.notebooks.rules.keep import build_keep_tags
    from opskit.notebooks.rules.notebook_filter import select_notebooks
    from opskit.output.result import result_with_error

    clock, client = system_clock(), ctx.client()
    tags = build_keep_tags(None if span is None else parse_duration(span), reason, clock.now())
    meant = select_notebooks(names, match, tag, owner)
    plans = [plan_keep(client, name, tags, clock) for name in select_names(client, meant)]
    shortened = [plan for plan in plans if plan.may_shorten]
    what = f"This may shorten the time that {', '.join(plan.notebook.name for plan in shortened)} is protected,"
    is_one = len(plans) == 1 and not meant.is_narrow
    if dry_run:
        missing = ctx.missing_consent(yes=yes, what=what) if shortened else None
        result = keep_result(plans[0], dry_run=True) if is_one else keep_all_result(plans, dry_run=True)
        return result_with_error(result, missing)
    if shortened:
        ctx.confirm("\n".join(map(confirm_shortening_text, shortened)), yes=yes, what=what)
    if not is_one:
        return keep_all_result(plans, keep_all(client, plans, clock))
    keep_notebook(client, plans[0], clock)
    return keep_result(plans[0])


@register_command(notebook_app, "notebook", "unkeep")
def unkeep_notebook_command(ctx: CommandContext, name: NameArgument, dry_run: DryRunOption = False) -> CommandResult:
    """Remove a notebook's protection from being stopped."""
    from opskit.core.clock import system_clock
    from opskit.notebooks.flows.keep import unkeep_notebook
    from opskit.notebooks.render.keep import unkeep_result

    done = unkeep_notebook(ctx.client(), name, system_clock(), dry_run=dry_run)
    return unkeep_result(*done, dry_run=dry_run)

"""``opskit notebook keep`` and ``unkeep``: a notebook that must not be stopped for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.command import CommandContext, register_command
from opskit.core.setting_values import parse_duration
from opskit.notebooks.cli.app import notebook_app

if TYPE_CHECKING:
    from opskit.output.result import CommandResult


@register_command(notebook_app, "notebook", "keep")
def keep_notebook_command(
    ctx: CommandContext,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    span: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="How long, such as 36h; for ever unless said.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for whoever wants to stop it.")] = "",
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Also where it is then kept for less long than now.")
    ] = False,
) -> CommandResult:
    """Let nobody stop a notebook for a while."""
    from opskit.core.clock import system_clock
    from opskit.notebooks.flows.keep import keep_notebook, plan_keep
    from opskit.notebooks.render.keep import confirm_shortening_text, keep_result
    from opskit.notebooks.rules.keep import build_keep_tags

    clock, client = system_clock(), ctx.client()
    plan = plan_keep(
        client, name, build_keep_tags(None if span is None else parse_duration(span), reason, clock.now()), clock
    )
    if plan.may_shorten:
        ctx.confirm(
            confirm_shortening_text(plan), yes=yes, what=f"This may keep {name} for less long than it is kept now,"
        )
    keep_notebook(client, plan, clock)
    return keep_result(plan)


@register_command(notebook_app, "notebook", "unkeep")
def unkeep_notebook_command(ctx: CommandContext, name: Annotated[str, typer.Argument(metavar="NAME")]) -> CommandResult:
    """Let an idle notebook be stopped again."""
    from opskit.core.clock import system_clock
    from opskit.notebooks.flows.keep import unkeep_notebook
    from opskit.notebooks.render.keep import unkeep_result

    return unkeep_result(*unkeep_notebook(ctx.client(), name, system_clock()))

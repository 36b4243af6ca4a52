"""``opskit notebook keep`` and ``unkeep``: a notebook that must not be stopped for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opskit.cli.command import CommandContext, register_command
from opskit.keeps.cli import (
    KeepDryRunOption,
    KeepForOption,
    KeepReasonOption,
    KeepUntilOption,
    KeepYesOption,
    read_keep_tags,
    run_keep,
)
from opskit.notebooks.cli.app import MatchOption, NameArgument, NamesArgument, OwnerOption, TagOption, notebook_app

if TYPE_CHECKING:
    from opskit.output.result import CommandResult


@register_command(notebook_app, "notebook", "keep")
def keep_notebook_command(
    ctx: CommandContext,
    names: NamesArgument = None,
    match: MatchOption = "*",
    tag: TagOption = None,
    owner: OwnerOption = None,
    span: KeepForOption = None,
    until: KeepUntilOption = None,
    reason: KeepReasonOption = "",
    dry_run: KeepDryRunOption = False,
    yes: KeepYesOption = False,
) -> CommandResult:
    """Protect notebooks from being stopped: by name, or all that --match, --tag or --owner choose."""
    from opskit.core.clock import Clock
    from opskit.notebooks.flows.inspect import select_names
    from opskit.notebooks.flows.keep import KEPT_NOTEBOOKS
    from opskit.notebooks.rules.notebook_filter import select_notebooks

    clock, client = Clock(), ctx.client()
    keep = read_keep_tags(span, until, reason, clock)
    meant = select_notebooks(names, match, tag, owner)
    chosen = select_names(client, meant)
    return run_keep(
        ctx, client, KEPT_NOTEBOOKS, chosen, keep, clock, is_chosen=meant.is_narrow, dry_run=dry_run, yes=yes
    )


@register_command(notebook_app, "notebook", "unkeep")
def unkeep_notebook_command(
    ctx: CommandContext, name: NameArgument, dry_run: KeepDryRunOption = False
) -> CommandResult:
    """Remove a notebook's protection from being stopped."""
    from opskit.core.clock import Clock
    from opskit.keeps.flows import unkeep_resource
    from opskit.keeps.render import unkeep_result
    from opskit.notebooks.flows.keep import KEPT_NOTEBOOKS

    return unkeep_result(unkeep_resource(ctx.client(), KEPT_NOTEBOOKS, name, Clock(), dry_run=dry_run))

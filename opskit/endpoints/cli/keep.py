"""``opskit endpoint keep`` and ``unkeep``: an endpoint that must not be stopped for being idle for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.command import CommandContext, register_command
from opskit.core.exceptions import UsageError
from opskit.core.setting_values import parse_tag_filter
from opskit.endpoints.cli.app import EndpointMatchOption, EndpointOwnerOption, EndpointTagOption, endpoint_app
from opskit.keeps.cli import (
    KeepDryRunOption,
    KeepForOption,
    KeepReasonOption,
    KeepUntilOption,
    KeepYesOption,
    read_keep_tags,
    run_keep,
)

if TYPE_CHECKING:
    from opskit.output.result import CommandResult


@register_command(endpoint_app, "endpoint", "keep")
def keep_endpoint_command(
    ctx: CommandContext,
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...")] = None,
    match: EndpointMatchOption = "*",
    tag: EndpointTagOption = None,
    owner: EndpointOwnerOption = None,
    span: KeepForOption = None,
    until: KeepUntilOption = None,
    reason: KeepReasonOption = "",
    dry_run: KeepDryRunOption = False,
    yes: KeepYesOption = False,
) -> CommandResult:
    """Protect endpoints from being stopped for being idle: by name, or all that --match, --tag or --owner choose."""
    from opskit.core.clock import Clock
    from opskit.endpoints.flows.inspect import EndpointFilter
    from opskit.endpoints.flows.keep import KEPT_ENDPOINTS, choose_endpoint_names

    clock, client = Clock(), ctx.client()
    keep = read_keep_tags(span, until, reason, clock)
    meant = EndpointFilter(names or (), match, parse_tag_filter(tag), owner)
    if not (meant.names or meant.is_narrow):
        text = "Give endpoint names, or --match, --tag or --owner."
        raise UsageError("which-endpoints", text, "`opskit endpoint list` shows them.")
    chosen = choose_endpoint_names(client, meant)
    return run_keep(
        ctx, client, KEPT_ENDPOINTS, chosen, keep, clock, is_chosen=meant.is_narrow, dry_run=dry_run, yes=yes
    )


@register_command(endpoint_app, "endpoint", "unkeep")
def unkeep_endpoint_command(
    ctx: CommandContext, name: Annotated[str, typer.Argument(metavar="NAME")], dry_run: KeepDryRunOption = False
) -> CommandResult:
    """Remove an endpoint's protection from being stopped."""
    from opskit.core.clock import Clock
    from opskit.endpoints.flows.keep import KEPT_ENDPOINTS
    from opskit.keeps.flows import unkeep_resource
    from opskit.keeps.render import unkeep_result

    return unkeep_result(unkeep_resource(ctx.client(), KEPT_ENDPOINTS, name, Clock(), dry_run=dry_run))

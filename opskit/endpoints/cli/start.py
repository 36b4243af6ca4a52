"""``opskit endpoint start``: bring a stopped endpoint back, from any machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.command import CommandContext, register_command
from opskit.endpoints.cli.app import endpoint_app

if TYPE_CHECKING:
    from opskit.output.result import CommandResult


@register_command(endpoint_app, "endpoint", "start")
def start_endpoint_command(
    ctx: CommandContext,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    no_guard: Annotated[bool, typer.Option("--no-guard", help="Skip the quota check.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan, change nothing.")] = False,
) -> CommandResult:
    """Bring back an endpoint that `opskit endpoint stop` stopped, and wait until it is in service.

    It is made from the same configuration, with the instance counts, weights, tags and scaling that it had. What brings
    it back is read from the configuration's tags, so any machine can do it; running it again goes on where it ended.
    """
    from opskit.core.clock import Clock
    from opskit.core.exceptions import AwsError, GuardRefused, UnreadableState
    from opskit.endpoints.flows.start import (
        check_planned_quota,
        plan_endpoint_start,
        planned_start,
        refused_start,
        start_endpoint,
    )
    from opskit.endpoints.render.start import endpoint_start_result
    from opskit.output.progress import watch_progress

    ctx.treat_sigterm_as_interrupt()
    client, clock = ctx.client(), Clock()
    try:
        plan = plan_endpoint_start(client, name, clock)
        if dry_run:
            check_planned_quota(client, plan, clock, guard=not no_guard)
            return endpoint_start_result(planned_start(plan), client.region)
        with watch_progress(ctx.screen) as emit:
            return endpoint_start_result(start_endpoint(client, plan, clock, emit, guard=not no_guard), client.region)
    except (AwsError, GuardRefused, UnreadableState) as failure:
        return endpoint_start_result(refused_start(name, failure), client.region)

"""``opskit endpoint list``: every endpoint, how it is used, what it costs; and those that can be brought back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.account_options import AccountUse
from opskit.cli.command import CommandContext, register_command
from opskit.core.setting_values import parse_tag_filter
from opskit.endpoints.cli.app import (
    EndpointAfterOption,
    EndpointMatchOption,
    EndpointOwnerOption,
    EndpointPatienceOption,
    EndpointTagOption,
    endpoint_app,
    read_endpoint_policy,
)
from opskit.endpoints.rules.enums import EndpointOrder

if TYPE_CHECKING:
    from opskit.output.result import CommandResult


@register_command(endpoint_app, "endpoint", "list", accounts=AccountUse.READS)
def list_endpoints_command(
    ctx: CommandContext,
    after: EndpointAfterOption = None,
    patience_usd: EndpointPatienceOption = None,
    match: EndpointMatchOption = "*",
    tag: EndpointTagOption = None,
    owner: EndpointOwnerOption = None,
    who: Annotated[
        bool, typer.Option("--who", help="Where no tag names an owner, ask CloudTrail who created the endpoint.")
    ] = False,
    sort: Annotated[
        EndpointOrder, typer.Option("--sort", help="Sort by name, price per hour, idle time or owner.")
    ] = EndpointOrder.NAME,
) -> CommandResult:
    """List endpoints, whether they are idle, what they cost, and those that can be brought back."""
    from opskit.core.clock import Clock
    from opskit.endpoints.flows.inspect import EndpointFilter, inspect_endpoints
    from opskit.endpoints.flows.owners import find_endpoint_owners
    from opskit.endpoints.render.list import endpoint_list_result

    policy = read_endpoint_policy(ctx.settings, after, patience_usd)
    meant = EndpointFilter(glob=match, tag=parse_tag_filter(tag), owner=owner)
    inspection = inspect_endpoints(ctx.clients(), policy, now := Clock().now(), meant, with_stopped=True)
    return endpoint_list_result(find_endpoint_owners(inspection, now) if who else inspection, sort)

"""``opskit fleet``: quotas, idle notebooks and costs over many accounts; the body of each runs in one of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.account_options import AccountUse, ExternalIdOption, RoleNameOption
from opskit.cli.command import CommandContext, register_command
from opskit.cli.command_tree import command_group
from opskit.quotas.cli import ForOption

if TYPE_CHECKING:
    from opskit.output.result import CommandResult

fleet_app = command_group("fleet")


@register_command(fleet_app, "fleet", "check", accounts=AccountUse.READS)
def check_fleet_command(
    ctx: CommandContext,
    types: Annotated[
        list[str] | None, typer.Argument(metavar="[INSTANCE_TYPE]...", help="Instance types, such as ml.m4.xlarge.")
    ] = None,
    usages: ForOption = None,
    need: Annotated[int, typer.Option("--need", min=1, metavar="N", help="Instances needed of each type.")] = 1,
) -> CommandResult:
    """Check quotas in many accounts, as `opskit quotas check` does in one."""
    from opskit.quotas.flows.check import check_quotas
    from opskit.quotas.render.check import quota_check_result
    from opskit.quotas.rules.requirements import check_requirements

    requirements = check_requirements(types or (), usages or (), need, every_usage=False)
    return quota_check_result(check_quotas(ctx.clients(), requirements, datetime.now(UTC)), None)


@register_command(fleet_app, "fleet", "idle", accounts=AccountUse.READS)
def idle_fleet_command(
    ctx: CommandContext,
    after: Annotated[
        str | None,
        typer.Option("--after", metavar="TIME", help="Idle means TIME without activity (default 1h)."),
    ] = None,
) -> CommandResult:
    """List the notebooks of many accounts and whether they are idle, as `opskit notebook list` does. It stops none."""
    from opskit.notebooks.flows.inspect import inspect_all
    from opskit.notebooks.render.list import notebook_list_result
    from opskit.notebooks.rules.idleness import IdlePolicy

    span, usd = ctx.settings.resolve_patience("notebook", after, None)
    now, policy = datetime.now(UTC), IdlePolicy(span, patience_usd=usd)
    return notebook_list_result(inspect_all(ctx.clients(), policy, now), now)


@register_command(fleet_app, "fleet", "costs", accounts=AccountUse.READS)
def costs_fleet_command(
    ctx: CommandContext,
    trail: Annotated[
        bool, typer.Option("--cloudtrail", help="Ask CloudTrail for owners that no tag names: two calls a second.")
    ] = False,
) -> CommandResult:
    """List what bills now in many accounts, as `opskit costs` does in one."""
    from opskit.bills.flows import read_current_costs
    from opskit.bills.render.costs import costs_result
    from opskit.endpoints.rules.idleness import EndpointPolicy

    now, policy = datetime.now(UTC), EndpointPolicy(production=ctx.settings.get("endpoint.production"))
    return costs_result(read_current_costs(ctx.clients(), now, policy, trail=trail), now, None, None)


@register_command(fleet_app, "fleet", "role")
def fleet_role_command(
    ctx: CommandContext,
    commands: Annotated[
        list[str] | None,
        typer.Argument(metavar="[COMMAND]...", help="Commands to allow (default: quotas check, notebook list, costs)."),
    ] = None,
    role_name: RoleNameOption = "opskit",
    external_id: ExternalIdOption = None,
) -> CommandResult:
    """Print the CloudFormation template of the role to assume, for a StackSet over the accounts.

    Without a command the role may only read. `opskit fleet role notebook stop` also allows what that command does.
    """
    from opskit.access.rules.command_words import parse_commands
    from opskit.access.rules.policy import Scope, build_policy
    from opskit.fleet.render import role_result
    from opskit.fleet.rules.role_template import role_template

    allowed = parse_commands(commands) if commands else ("quotas check", "notebook list", "costs")
    policy = build_policy(allowed, Scope(), frozenset())
    trusted = ctx.session().identity().account
    return role_result(role_template(role_name, trusted, external_id, policy or {}))

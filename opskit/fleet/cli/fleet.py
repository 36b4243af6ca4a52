"""``opskit fleet``: quotas, idle notebooks and costs over many accounts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.command import CommandContext, register_command
from opskit.cli.command_tree import command_group
from opskit.core.setting_values import parse_tag
from opskit.quotas.cli import For

if TYPE_CHECKING:
    from opskit.fleet.flows.account_commands import CommandOptions
    from opskit.fleet.rules.reports import FleetCommand
    from opskit.output.result import CommandResult

fleet_app = command_group("fleet")

Accounts = Annotated[
    Path | None,
    typer.Option(
        "--accounts",
        metavar="FILE",
        help="A CSV (account,name,role_arn,regions), or JSON as AWS lists accounts.",
    ),
]
Organization = Annotated[bool, typer.Option("--org", help="All active accounts of the organization.")]
Units = Annotated[
    list[str] | None,
    typer.Option("--ou", metavar="OU", help="Only accounts of this organizational unit, by ID or name; repeatable."),
]
RoleName = Annotated[str, typer.Option("--role-name", metavar="NAME", help="The role to assume in each account.")]
ExternalId = Annotated[
    str | None, typer.Option("--external-id", metavar="ID", help="The external ID that the roles' trust asks for.")
]
SessionTags = Annotated[
    list[str] | None, typer.Option("--session-tag", metavar="K=V", help="A tag of the assumed session; repeatable.")
]
Concurrency = Annotated[
    int, typer.Option("--concurrency", min=1, max=64, metavar="N", help="Accounts looked at at the same time.")
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Do not look again at accounts that the last, interrupted run has looked at.")
]


@register_command(fleet_app, "fleet", "check")
def check_fleet_command(
    ctx: CommandContext,
    types: Annotated[
        list[str] | None, typer.Argument(metavar="[INSTANCE_TYPE]...", help="Instance types, such as ml.m4.xlarge.")
    ] = None,
    usages: For = None,
    need: Annotated[int, typer.Option("--need", min=1, metavar="N", help="Instances needed of each type.")] = 1,
    *,
    accounts: Accounts = None,
    org: Organization = False,
    units: Units = None,
    role_name: RoleName = "opskit",
    external_id: ExternalId = None,
    session_tag: SessionTags = None,
    concurrency: Concurrency = 8,
    resume: Resume = False,
) -> CommandResult:
    """Check quotas in many accounts, as `opskit quotas check` does in one."""
    from opskit.fleet.flows.account_commands import CommandOptions
    from opskit.fleet.rules.reports import FleetCommand
    from opskit.quotas.rules.requirements import check_requirements

    requirements = tuple(check_requirements(types or (), usages or (), need, every_usage=False))
    choice = _AccountChoice(accounts, org, units, role_name, external_id, session_tag, concurrency, resume)
    return _run_fleet(ctx, FleetCommand.CHECK, CommandOptions(requirements), choice)


@register_command(fleet_app, "fleet", "idle")
def idle_fleet_command(
    ctx: CommandContext,
    *,
    after: Annotated[
        str | None,
        typer.Option("--after", metavar="TIME", help="Idle means TIME without activity (default 1h)."),
    ] = None,
    accounts: Accounts = None,
    org: Organization = False,
    units: Units = None,
    role_name: RoleName = "opskit",
    external_id: ExternalId = None,
    session_tag: SessionTags = None,
    concurrency: Concurrency = 8,
    resume: Resume = False,
) -> CommandResult:
    """List the notebooks of many accounts and whether they are idle, as `opskit notebook list` does. It stops none."""
    from opskit.fleet.flows.account_commands import CommandOptions
    from opskit.fleet.rules.reports import FleetCommand

    span, usd = ctx.settings.resolve_patience("notebook", after, None)
    options = CommandOptions(idle_after=span, patience_usd=usd)
    choice = _AccountChoice(accounts, org, units, role_name, external_id, session_tag, concurrency, resume)
    return _run_fleet(ctx, FleetCommand.IDLE, options, choice)


@register_command(fleet_app, "fleet", "costs")
def costs_fleet_command(
    ctx: CommandContext,
    *,
    cloudtrail: Annotated[
        bool, typer.Option("--cloudtrail", help="Ask CloudTrail for owners that no tag names: two calls a second.")
    ] = False,
    accounts: Accounts = None,
    org: Organization = False,
    units: Units = None,
    role_name: RoleName = "opskit",
    external_id: ExternalId = None,
    session_tag: SessionTags = None,
    concurrency: Concurrency = 8,
    resume: Resume = False,
) -> CommandResult:
    """List what bills now in many accounts, as `opskit costs` does in one."""
    from opskit.fleet.flows.account_commands import CommandOptions
    from opskit.fleet.rules.reports import FleetCommand

    choice = _AccountChoice(accounts, org, units, role_name, external_id, session_tag, concurrency, resume)
    options = CommandOptions(trail=cloudtrail, production=ctx.settings.get("endpoint.production"))
    return _run_fleet(ctx, FleetCommand.COSTS, options, choice)


@register_command(fleet_app, "fleet", "role")
def fleet_role_command(
    ctx: CommandContext,
    role_name: RoleName = "opskit",
    external_id: ExternalId = None,
) -> CommandResult:
    """Print the CloudFormation template of the role to assume, for a StackSet over the accounts. It only reads."""
    from opskit.access.rules.policy import Scope, build_policy
    from opskit.fleet.render.role import role_result
    from opskit.fleet.rules.role_template import role_template

    policy = build_policy(("quotas check", "notebook list", "costs"), Scope(), frozenset())
    trusted = ctx.session().identity().account
    return role_result(role_template(role_name, trusted, external_id, policy or {}))


@dataclass(frozen=True)
class _AccountChoice:
    """The flags that say which accounts, and how."""

    accounts: Path | None
    org: bool
    units: list[str] | None
    role_name: str
    external_id: str | None
    session_tags: list[str] | None
    concurrency: int
    resume: bool


def _run_fleet(
    ctx: CommandContext, command: FleetCommand, options: CommandOptions, choice: _AccountChoice
) -> CommandResult:
    from opskit.fleet.flows.choose_accounts import choose_accounts, run_key
    from opskit.fleet.flows.run_accounts import FleetRun, RoleOptions
    from opskit.fleet.render.accounts import fleet_result, progress_text
    from opskit.fleet.rules.reports import AccountReport
    from opskit.fleet.store.finished import FinishedReports

    now, roles = datetime.now(UTC), RoleOptions(choice.external_id, tuple(map(parse_tag, choice.session_tags or ())))
    base = ctx.session()
    units = tuple(choice.units or ())
    accounts = choose_accounts(
        base,
        choice.accounts,
        org=choice.org or bool(units),
        units=units,
        role_arns=ctx.role_arns,
        role_name=choice.role_name,
    )
    regions = ctx.settings.get("regions") or ()
    store = FinishedReports(run_key(base, command, options, accounts, regions))
    finished = store.load_reports(now) if choice.resume else []
    if not choice.resume:
        store.forget_reports()

    def note_report(report: AccountReport, ended: int) -> None:
        store.add_report(report, now)
        ctx.screen.info(progress_text(report, ended, len(accounts)))

    run = FleetRun(base, command, options, regions, roles, now, note_report)
    reports = run.run_in_accounts(accounts, finished, choice.concurrency)
    store.forget_reports()
    return fleet_result(command, reports)

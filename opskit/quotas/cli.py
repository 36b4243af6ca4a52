"""``opskit quotas check`` and ``opskit quotas list``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.account_options import AccountUse
from opskit.cli.command import CommandContext, register_command
from opskit.cli.command_tree import command_group
from opskit.core.exceptions import UsageError
from opskit.notifications.cli import UNATTENDED

if TYPE_CHECKING:
    from opskit.output.result import CommandResult
    from opskit.quotas.rules.listing import UtilizationSource

quotas_app = command_group("quotas")

# About a screen: a Region has some 2,000 quotas, of which few are used.
_SHOWN_ON_TERMINAL = 20


def complete_instance_type(incomplete: str) -> list[str]:
    """The instance types that have a quota, for completion in a shell. It asks nobody."""
    from opskit.quotas.reads.code_cache import bundled_codes

    types = {name.partition(" ")[0] for name in bundled_codes() if name.startswith("ml.")}
    return sorted(name for name in types if name.startswith(incomplete))


def complete_workload(incomplete: str) -> list[str]:
    """The words that --for takes, for completion in a shell."""
    from opskit.core.model import Workload

    return [word for word in Workload if word.startswith(incomplete)]


ForOption = Annotated[
    list[str] | None,
    typer.Option(
        "--for",
        metavar="USAGE",
        autocompletion=complete_workload,
        # Written out, since help loads no model; a test holds it against ``Workload``.
        help="Workload to check (repeatable): training, spot-training, transform, endpoint, notebook, processing, "
        "warm-pool, studio-jupyterlab, studio-codeeditor, studio-kernelgateway, cluster.",
    ),
]


@register_command(quotas_app, "quotas", "check", wrapper=UNATTENDED, accounts=AccountUse.READS)
def check_quotas_command(
    ctx: CommandContext,
    types: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[INSTANCE_TYPE]...",
            help="Instance types, such as ml.m4.xlarge.",
            autocompletion=complete_instance_type,
        ),
    ] = None,
    usages: ForOption = None,
    need: Annotated[int, typer.Option("--need", min=1, metavar="N", help="Instances needed of each type.")] = 1,
    every: Annotated[bool, typer.Option("--all", help="Check every workload of the types.")] = False,
) -> CommandResult:
    """Check quotas: the applied value, what is in use, and whether there is room.

    Without an instance type: the watch list of the settings, or what the Boston workflow and the course need. An
    instance type without --for is checked for training, transform jobs and endpoints.
    """
    from opskit.quotas.flows.check import check_clients
    from opskit.quotas.flows.watch_list import resolve_watch_list
    from opskit.quotas.render.check import quota_check_result
    from opskit.quotas.rules.requirements import check_requirements

    requirements = check_requirements(types or (), usages or (), need, every_usage=every)
    if (types, usages, need, every) == (None, None, 1, False) and ctx.settings.get("watch"):
        per_region = resolve_watch_list(ctx.settings, ctx.clients)
    else:
        per_region = [(client, requirements) for client in ctx.clients()]
    check = check_clients(per_region, datetime.now(UTC), suggest=True)
    return quota_check_result(check, None if ctx.settings.get("regions") else ctx.session().default_region)


@register_command(quotas_app, "quotas", "list", accounts=AccountUse.READS)
def list_quotas_command(
    ctx: CommandContext,
    match: Annotated[
        str,
        typer.Option(
            "--match", metavar="TEXT", help="Only quotas whose name or code contains TEXT (wildcards * and ?)."
        ),
    ] = "",
    usages: ForOption = None,
    used: Annotated[bool, typer.Option("--used", help="Only quotas of which something is in use.")] = False,
    short: Annotated[
        bool, typer.Option("--short", help="Only quotas with no capacity left for one more instance.")
    ] = False,
    defaults: Annotated[
        bool, typer.Option("--defaults", help="Show AWS's default values, also on a narrow terminal.")
    ] = False,
    live: Annotated[
        bool,
        typer.Option("--live", help="Count what is in use now, instead of reading CloudWatch metrics of the last day."),
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="Show all quotas; a terminal shows the 20 most urgent.")] = False,
    pager: Annotated[bool, typer.Option("--pager", help="Show all quotas through $PAGER, on a terminal.")] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Take the usage from AWS's quota utilization report, where it has one.")
    ] = False,
) -> CommandResult:
    """List SageMaker quotas with value, default, usage and open request, most urgent first.

    The usage is what AWS last published in CloudWatch, with its time; what AWS did not publish is unknown.
    """
    from opskit.core.clock import Clock
    from opskit.quotas.flows.list import list_quotas
    from opskit.quotas.render.list import quota_list_result
    from opskit.quotas.rules.listing import QuotaFilter
    from opskit.quotas.rules.requirements import parse_workload

    use_from = _utilization_source(live=live, report=report)
    choice = QuotaFilter(match, tuple(map(parse_workload, usages or ())), used, short)
    clients = ctx.clients()
    with ctx.screen.spinner("Reading every quota"):
        listing = list_quotas(clients, choice, use_from, Clock())
    shown = None if every or pager or ctx.screen.terminal_columns is None else _SHOWN_ON_TERMINAL
    return quota_list_result(listing, with_defaults=defaults, shown=shown, paged=pager)


def _utilization_source(*, live: bool, report: bool) -> UtilizationSource:
    from opskit.quotas.rules.listing import UtilizationSource

    if live and report:
        raise UsageError("one-source", "--live and --report are two sources of the same number.", "Give one of them.")
    return UtilizationSource.LIVE if live else UtilizationSource.REPORT if report else UtilizationSource.METRICS

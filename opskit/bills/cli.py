"""``opskit costs``: everything in SageMaker that bills now."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.account_options import AccountUse
from opskit.cli.command import CommandContext, register_command
from opskit.cli.command_tree import app
from opskit.core.exceptions import UsageError
from opskit.core.setting_values import USD
from opskit.notifications.cli import UNATTENDED

if TYPE_CHECKING:
    from opskit.bills.rules.items import Grouping
    from opskit.output.result import CommandResult


@register_command(app, "costs", wrapper=UNATTENDED, accounts=AccountUse.READS)
def costs_command(
    ctx: CommandContext,
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="KEY", help="Sum by owner, kind, region, account or tag:KEY."),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            "--budget", metavar="USD", help="Exit with 3 if what runs now costs more than USD by the end of this month."
        ),
    ] = None,
    trail: Annotated[
        bool,
        typer.Option("--cloudtrail/--no-cloudtrail", help="Ask CloudTrail for owners that no tag names."),
    ] = True,
    metrics: Annotated[
        bool,
        typer.Option("--metrics", help="Ask CloudWatch which endpoints are idle (0.01 USD per 1,000 metrics)."),
    ] = False,
    billing: Annotated[
        bool,
        typer.Option("--billing/--no-billing", help="--billing, the month's bill, is not there yet and is refused."),
    ] = False,
) -> CommandResult:
    """List what SageMaker bills now, who owns it, and how to stop it.

    Prices are AWS's on-demand prices of today, without discounts. The month is estimated from what runs now: what has
    ended already is not in it.
    """
    from opskit.bills.flows import read_current_costs
    from opskit.bills.render.costs import costs_result
    from opskit.endpoints.cli.app import read_endpoint_policy

    if billing:
        text = "opskit does not read the month's bill yet."
        raise UsageError("no-billing", text, "Leave out --billing: the month is then estimated from what runs now.")
    grouping = _parse_by(by)
    limit = None if budget is None else USD.parse(budget)
    now = datetime.now(UTC)
    policy = read_endpoint_policy(ctx.settings)
    costs = read_current_costs(ctx.clients(), now, policy, trail=trail, metrics=metrics)
    return costs_result(costs, now, grouping, limit)


def _parse_by(text: str | None) -> Grouping | None:
    from opskit.bills.rules.items import parse_grouping

    if text is None:
        return None
    grouping = parse_grouping(text)
    if grouping is None:
        text = f"--by does not take '{text}'."
        raise UsageError("bad-by", text, "It takes owner, kind, region, account or tag:KEY.")
    return grouping

"""``opskit history``: what opskit changed, when, why, as whom, and how it ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.account_options import AccountUse
from opskit.cli.command import CommandContext, register_command
from opskit.cli.command_tree import app
from opskit.core.setting_values import parse_duration

if TYPE_CHECKING:
    from opskit.output.result import CommandResult


@register_command(app, "history", accounts=AccountUse.READS)
def history_command(
    ctx: CommandContext,
    since: Annotated[str, typer.Option("--since", metavar="TIME", help="How far back, such as 30d.")] = "30d",
    action: Annotated[
        str | None,
        typer.Option("--action", metavar="TEXT", help="Only actions whose name contains TEXT, such as stop."),
    ] = None,
    owner: Annotated[
        str | None,
        typer.Option(
            "--owner", metavar="NAME", help="Only changes by NAME: the end of the caller's ARN, or all of it."
        ),
    ] = None,
    everywhere: Annotated[
        bool, typer.Option("--all", help="Also changes in other accounts and at other endpoint URLs.")
    ] = False,
) -> CommandResult:
    """Show what opskit changed, and what its stops saved.

    It lists and sums what belongs to the present account and endpoint; others are summed apart, and listed with --all.
    A stop saves until the next start: by opskit's journal, else by AWS's word, else until now. A stop whose price is
    not known is not counted. With --state dynamodb://TABLE these are the changes of everybody who uses that table.
    """
    from opskit.history.flows import filter_history, read_history
    from opskit.history.render import history_result

    # However far back somebody looks, there is an answer: all that there is.
    history = read_history(parse_duration(since, longest=timedelta.max), datetime.now(UTC), ctx.session)
    regions = ctx.settings.get("regions") if ctx.settings.values["regions"].source == "--region" else ()
    return history_result(filter_history(history, action, regions, owner), everywhere=everywhere)

"""``opskit history``: what opskit changed, when, why, as whom, and how it ended."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.app import app
from opskit.cli.command import Here, command
from opskit.settings import duration

if TYPE_CHECKING:
    from opskit.show.answer import Answer


@command(app, "history")
def history(
    here: Here,
    since: Annotated[str, typer.Option("--since", metavar="TIME", help="How far back, such as 30d.")] = "30d",
    action: Annotated[
        str | None, typer.Option("--action", metavar="TEXT", help="Only actions with this in them, such as stop.")
    ] = None,
    everywhere: Annotated[
        bool, typer.Option("--all", help="Also what was changed in other accounts and at other endpoints.")
    ] = False,
) -> Answer:
    """Show what opskit changed, and what its stops saved.

    It lists and sums what belongs to the present account and endpoint; others are summed apart, and listed with --all.
    A stop saves until the next start: by opskit's journal, else by AWS's word, else until now. A stop whose price is
    not known is not counted.
    """
    from opskit.flows.history import history as read
    from opskit.flows.history import narrowed
    from opskit.show.history import history as shown

    told = read(duration(since), datetime.now(UTC), here.connection)
    regions = here.settings.get("regions") if here.settings.values["regions"].source == "--region" else ()
    return shown(narrowed(told, action, regions), everywhere=everywhere)

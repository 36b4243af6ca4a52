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
) -> Answer:
    """Show what opskit changed, and what its stops saved.

    A stop saves until the next start: by opskit's journal, else by AWS's word, else until now. A stop whose price is
    not known is not counted.
    """
    from opskit.flows.history import history as read
    from opskit.show.history import history as shown

    return shown(read(duration(since), datetime.now(UTC), here.connection))

"""``opskit mcp``: a server for coding agents and other assistants."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from opskit.cli.command import CommandContext, register_command
from opskit.cli.command_tree import app
from opskit.core.exceptions import MissingExtra

if TYPE_CHECKING:
    from opskit.output.result import CommandResult


@register_command(app, "mcp")
def serve_assistants_command(ctx: CommandContext) -> CommandResult:
    """Serve coding agents and other assistants (Model Context Protocol).

    An assistant starts this command by itself, once it is registered there, and talks to it over standard input and
    output. Its tools check quotas, requests and plans, explain errors and list what bills. They only read: what would
    change something is returned as a command for a person. It ends when its standard input ends.
    """
    from opskit.output.result import CommandResult

    try:
        from opskit.assistants.cli.mcp_server import build_server
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in ("mcp", "mcp_types", "pydantic"):
            raise
        raise MissingExtra("mcp", "The server for assistants") from error
    from opskit.assistants.cli.tool_answers import ToolAnswers

    if sys.stdin.isatty():
        ctx.screen.info("An assistant starts this command, and talks to it. Press Ctrl-D to end it.")
    build_server(ToolAnswers(ctx.settings)).run("stdio")
    return CommandResult({})

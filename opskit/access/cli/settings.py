"""``opskit settings``: every value, and where it came from."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from opskit.cli.app import app
from opskit.cli.command import CommandContext, register_command
from opskit.core.settings import search_paths

if TYPE_CHECKING:
    from opskit.output.result import CommandResult


@register_command(app, "settings")
def settings_command(ctx: CommandContext) -> CommandResult:
    """Show each setting and its source.

    That is a flag, a variable, a file, or the default.
    """
    from opskit.access.flows.settings import all_settings
    from opskit.access.render.settings import settings_result

    return settings_result(all_settings(ctx.settings), ctx.settings.file, search_paths(os.environ))

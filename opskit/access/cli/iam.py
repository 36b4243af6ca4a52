"""``opskit iam``: what opskit must be allowed to do, as a policy to hand to whoever grants it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.command import CommandContext, register_command
from opskit.cli.command_tree import command_group
from opskit.core.s3_layout import ANY_DEFAULT_BUCKET

if TYPE_CHECKING:
    from opskit.output.result import CommandResult

iam_app = command_group("iam")


@register_command(iam_app, "iam", "policy", context_settings={"ignore_unknown_options": True})
def policy_command(
    ctx: CommandContext,
    words: Annotated[list[str] | None, typer.Argument(metavar="[COMMAND]...", show_default=False)] = None,
) -> CommandResult:
    """Print the least IAM policy for commands, such as `opskit iam policy quotas check notebook stop`.

    Without a command: for all of them; a noun such as notebook is all of its commands. Reads and changes stand in
    statements of their own. --region, and the settings bucket and execution-role, narrow it. AWS is not asked.
    """
    from opskit.access.render.iam import policy_result
    from opskit.access.rules.permissions import parse_commands
    from opskit.access.rules.policy import Scope, build_policy

    settings = ctx.settings
    scope = Scope(
        settings.get("regions") or (), settings.get("bucket") or ANY_DEFAULT_BUCKET, settings.get("execution-role")
    )
    commands = parse_commands(words or ())
    return policy_result(commands, build_policy(commands, scope))

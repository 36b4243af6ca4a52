"""``opskit iam``: what opskit must be allowed to do, as a policy to hand to whoever grants it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.command import CommandContext, register_command
from opskit.cli.command_tree import command_group
from opskit.core.aws_names import ANY_DEFAULT_BUCKET
from opskit.core.exceptions import UsageError

if TYPE_CHECKING:
    from opskit.output.result import CommandResult

iam_app = command_group("iam")


@register_command(iam_app, "iam", "policy", context_settings={"ignore_unknown_options": True})
def policy_command(
    ctx: CommandContext,
    words: Annotated[list[str] | None, typer.Argument(metavar="[COMMAND]...", show_default=False)] = None,
) -> CommandResult:
    """Print the least IAM policy for commands, such as `opskit iam policy quotas check notebook stop`.

    Without a command: for all of them; a command group such as `notebook` means all its commands. Reads and changes
    are separate statements. --region, --role ARN, and the settings bucket and execution-role, narrow it; with
    --state it allows the table of opskit's state too. No AWS call is made.

    What only a flag needs is in the policy if the flag is named: `train --request-increase`, `quotas increase --via
    support`, `notebook stop --evidence logs`, `notebook create --wait`, `cron run --resume --notify`. `cron run JOB`
    is what that job needs, such as `cron run stop-idle-endpoints`; without a job, what the jobs that are installed
    unnamed need, and `costs`. Creating a role
    is as good as being an administrator, so `notebook create --role-boundary ARN` alone has it, within that boundary.
    """
    from opskit.access.render.iam import policy_result
    from opskit.access.rules.command_words import check_flag_values, expand_cron_jobs, parse_commands, split_flags
    from opskit.access.rules.grants import grants_of_commands
    from opskit.access.rules.policy import Scope, build_policy
    from opskit.aws.session import find_default_region
    from opskit.core.setting_values import parse_state_place

    if any(not word.strip() for word in words or ()):  # a script's variable without a value is not the wish for all
        text = "An empty text names no command."
        raise UsageError("no-command", text, "Leave it out for the policy of all commands.")
    settings = ctx.settings
    left, flags = split_flags(expand_cron_jobs(words or ()))
    check_flag_values(flags)
    # An ARN names its partition, which the Region that boto3 would use tells where none is named.
    home = None if settings.get("regions") else find_default_region(settings.get("profile"))
    scope = Scope(
        settings.get("regions") or (),
        settings.get("bucket") or ANY_DEFAULT_BUCKET,
        flags.get("--role") or settings.get("execution-role"),
        flags.get("--role-boundary") or None,
        untagged="--no-owner" in flags,
        home=home[0] if home else None,
        state=parse_state_place(settings.get("state")),
    )
    commands = parse_commands(left)
    grants = grants_of_commands(commands, flags)
    return policy_result(commands, build_policy(commands, scope, flags), grants, scope)

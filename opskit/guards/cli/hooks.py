"""``opskit guard install``, ``remove`` and ``status``: the guard that is on without being typed.

``opskit guard`` itself is a command that takes another one, so these words have a tree of their own, which is taken
where one of them follows ``guard``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.command import CommandContext, register_command
from opskit.cli.command_tree import new_group, new_root
from opskit.core.exceptions import UsageError

if TYPE_CHECKING:
    from opskit.aws.client import AwsClient
    from opskit.output.result import CommandResult

hooks_root = new_root()
hooks_group = new_group("Put a guard on SageMaker calls by default, or take it away.")
hooks_root.add_typer(hooks_group, name="guard")

TargetsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="ipython|python|claude-code|cursor|codex...",
        help="ipython: each shell and Jupyter kernel of yours. python: each program of this Python that has "
        "OPSKIT_GUARD set. claude-code, cursor, codex: the shell commands of that coding agent.",
    ),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show the plan, change nothing.")]


@register_command(hooks_group, "guard", "install")
def install_guard_command(
    ctx: CommandContext,
    targets: TargetsArgument,
    max_usd: Annotated[
        str | None, typer.Option("--max-usd", metavar="X", help="The most that one call may cost, in USD.")
    ] = None,
    max_usd_hour: Annotated[
        str | None,
        typer.Option("--max-usd-hour", metavar="X", help="The most an hour for what has no end, in USD."),
    ] = None,
    hours: Annotated[
        str | None, typer.Option("--hours", metavar="H", help="Hours of what has no end to count.")
    ] = None,
    on_unknown: Annotated[
        str | None,
        typer.Option("--on-unknown", metavar="refuse|warn", help="What happens to a call that cannot be judged."),
    ] = None,
    dry_run: DryRunOption = False,
) -> CommandResult:
    """Put a guard on by default: write a start-up file (idempotent).

    For Python the arguments are in the variable: OPSKIT_GUARD=1, or OPSKIT_GUARD=max_usd=5,on_unknown=warn.
    """
    from opskit.guards.flows.start_hooks import install_hooks
    from opskit.guards.render.start_hooks import hooks_result
    from opskit.guards.rules.call_budget import parse_policy
    from opskit.guards.rules.start_hooks import GuardArguments, parse_targets

    parse_policy(max_usd, max_usd_hour, hours or 24, on_unknown or "refuse")
    arguments = GuardArguments(max_usd, max_usd_hour, hours, on_unknown)
    return hooks_result(install_hooks(parse_targets(targets), arguments, dry_run=dry_run))


@register_command(hooks_group, "guard", "remove")
def remove_guard_command(ctx: CommandContext, targets: TargetsArgument, dry_run: DryRunOption = False) -> CommandResult:
    """Take the guard away again: remove the start-up file."""
    from opskit.guards.flows.start_hooks import remove_hooks
    from opskit.guards.render.start_hooks import hooks_result
    from opskit.guards.rules.start_hooks import parse_targets

    return hooks_result(remove_hooks(parse_targets(targets), dry_run=dry_run))


@register_command(hooks_group, "guard", "status")
def guard_status_command(ctx: CommandContext) -> CommandResult:
    """Say where a guard is on by default."""
    from opskit.guards.flows.start_hooks import find_hooks
    from opskit.guards.render.start_hooks import hooks_result
    from opskit.guards.rules.start_hooks import HookTarget

    return hooks_result(find_hooks(HookTarget))


@register_command(hooks_group, "guard", "hook")
def guard_hook_command(
    ctx: CommandContext,
    max_usd: Annotated[
        str | None, typer.Option("--max-usd", metavar="X", help="The most that one command may cost, in USD.")
    ] = None,
    max_usd_hour: Annotated[
        str | None,
        typer.Option("--max-usd-hour", metavar="X", help="The most an hour for what has no end, in USD."),
    ] = None,
    hours: Annotated[
        str | None, typer.Option("--hours", metavar="H", help="Hours of what has no end to count (24).")
    ] = None,
    on_unknown: Annotated[
        str,
        typer.Option("--on-unknown", metavar="refuse|warn", help="What happens to a command that cannot be judged."),
    ] = "refuse",
    agent: Annotated[
        str | None,
        typer.Option(
            "--agent",
            metavar="claude-code|cursor|codex",
            help="Answer as this agent expects it. Cursor takes JSON, with exit code 0 for a no too.",
        ),
    ] = None,
) -> CommandResult:
    """Judge the shell command in a coding agent's hook event on standard input.

    Commands of the AWS CLI that start something in SageMaker are judged by the request that they would send. 0: it may
    run, or has nothing to do with SageMaker; 3: it may not; 4 or 5: that cannot be told.
    """
    from dataclasses import replace

    from opskit.core.exceptions import ExitCode, OpskitError
    from opskit.guards.render.plan import agent_answer
    from opskit.guards.rules.agent_settings import CodingAgent
    from opskit.guards.rules.call_budget import OnUnknown
    from opskit.output.result import error_result

    if agent is not None and agent not in list(CodingAgent):
        raise UsageError(
            "bad-agent", f"'{agent}' is not an agent that opskit knows.", f"One of: {', '.join(CodingAgent)}."
        )
    try:
        result = _judge_event(ctx, max_usd, max_usd_hour, hours, on_unknown)
    except OpskitError as error:
        result = error_result(error)
        # What cannot be judged; what was typed wrong is said whatever happens to that.
        if error.exit is ExitCode.PARTIAL and on_unknown == OnUnknown.WARN:
            result = replace(result, exit=ExitCode.OK)
    return agent_answer(result) if agent is not None and CodingAgent(agent).reads_json else result


def _judge_event(
    ctx: CommandContext, max_usd: str | None, max_usd_hour: str | None, hours: str | None, on_unknown: str
) -> CommandResult:
    import sys
    from functools import cache

    from opskit.aws.session import open_session
    from opskit.core.clock import Clock
    from opskit.core.json_text import load_outside_json
    from opskit.guards.flows.agent_hook import judge_shell_command, shell_command_of
    from opskit.guards.render.plan import hook_result
    from opskit.guards.rules.call_budget import parse_policy

    budget = ctx.settings.resolve("max-usd", max_usd)
    policy = parse_policy(budget, max_usd_hour, hours or 24, on_unknown)
    try:
        event = load_outside_json(sys.stdin.read())
    except ValueError as error:
        raise UsageError("bad-event", f"Standard input is not a hook event: {error}.") from error
    command, folder = shell_command_of(event)

    @cache
    def open_client(profile: str | None, region: str | None) -> AwsClient:
        return open_session(profile=profile or ctx.settings.get("profile"), region=region).client()

    return hook_result(judge_shell_command(command, folder, policy, open_client, Clock()), policy)

"""``opskit guard``: run any command if quotas and budget allow the instances it will start.

opskit does not start the command as a child process: it execs it. Signals, terminal, output and exit code are then the
command's own, with nothing to forward and nothing that could get lost.
"""

from __future__ import annotations

import math
import os
import shutil
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from opskit.cli.command import CommandContext, register_command
from opskit.cli.command_tree import app
from opskit.core.exceptions import CommandNotRunnable, ExitCode, UsageError
from opskit.core.file_errors import file_error_text
from opskit.core.setting_values import parse_duration

if TYPE_CHECKING:
    from opskit.core.model import Requirement
    from opskit.guards.flows.conditions import GuardConditions
    from opskit.output.result import CommandResult

Instances = list[str] | None


@register_command(app, "guard", context_settings={"allow_interspersed_args": False})
def guard_command(
    ctx: CommandContext,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="-- COMMAND...", help="The command and its arguments.")
    ] = None,
    training: Annotated[
        Instances,
        typer.Option(
            "--training",
            metavar="TYPE=N",
            help="Training instances that the command starts, such as ml.p3.2xlarge=4; repeatable.",
        ),
    ] = None,
    transform: Annotated[
        Instances, typer.Option("--transform", metavar="TYPE=N", help="Transform instances that it starts.")
    ] = None,
    endpoint: Annotated[
        Instances, typer.Option("--endpoint", metavar="TYPE=N", help="Endpoint instances that it starts.")
    ] = None,
    processing: Annotated[
        Instances, typer.Option("--processing", metavar="TYPE=N", help="Processing instances that it starts.")
    ] = None,
    notebook: Annotated[
        Instances, typer.Option("--notebook", metavar="TYPE=N", help="Notebook instances that it starts.")
    ] = None,
    spot: Annotated[bool, typer.Option("--spot", help="The training jobs use managed spot training.")] = False,
    max_usd: Annotated[
        str | None,
        typer.Option("--max-usd", metavar="X", help="Refuse if the estimated cost over --hours exceeds X USD."),
    ] = None,
    hours: Annotated[
        str | None, typer.Option("--hours", metavar="H", help="How long the instances may run, in hours.")
    ] = None,
    wait: Annotated[str, typer.Option("--wait", metavar="TIME", help="How long to wait for quota, such as 2h.")] = "0s",
    plan: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="Check what a file will start, - for standard input: a SageMaker request, what `terraform show -json` "
            "prints, a CloudFormation template, a cdk.out, the definition of a state machine or of a pipeline.",
        ),
    ] = None,
    operation: Annotated[
        str | None,
        typer.Option("--operation", metavar="NAME", help="What the request in --from is for: create-training-job."),
    ] = None,
    parameters: Annotated[
        list[str] | None,
        typer.Option("--parameter", metavar="NAME=VALUE", help="A parameter of the plan in --from; repeatable."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check only; do not run the command.")] = False,
) -> CommandResult:
    """Run a command only if quotas and budget allow its instances.

    opskit then becomes the command, which owns the terminal and the exit code. If quota or budget is insufficient, the
    command does not run and the exit code is 3; if they could not be read, it is 4 or 5. With --from the instances are
    those that a file will start, and without a command it is only checked: what the file does not settle is 5.
    """
    words = words or []
    from opskit.core.clock import Clock
    from opskit.guards.flows.conditions import check_conditions
    from opskit.guards.render.guard import approval_message, guard_result

    others = {"transform": transform, "endpoint": endpoint, "processing": processing, "notebook": notebook}
    if spot and not training:
        raise UsageError("spot-alone", "--spot requires --training.", "Add --training.")
    if plan is not None:
        _require_plan_alone(any(others.values()) or bool(training), parse_duration(wait))
        return _guard_plan(ctx, words, PlanFlags(plan, operation, parameters or []), (max_usd, hours), dry_run=dry_run)
    if operation or parameters:
        flag = "--operation" if operation else "--parameter"
        raise UsageError("from-missing", f"{flag} is about the file in --from.", "Add --from FILE.")
    if not words:
        text = "There is no command to run."
        raise UsageError("no-command", text, "Write it like: opskit guard --training ml.m5.xlarge=2 -- python train.py")
    requirements = _parse_demands({"spot-training" if spot else "training": training, **others})
    conditions = _guard_conditions(ctx, requirements, max_usd, hours, parse_duration(wait))
    # Before the quota reads, which may wait for hours with --wait.
    program = _find_program(words[0])
    client = ctx.client()
    with ctx.screen.live_lines() as emit:
        done = check_conditions(client, conditions, Clock(), emit)
    if done.blockers or dry_run:
        return guard_result(done, conditions, words[0], None if ctx.settings.get("regions") else client.region)
    ctx.screen.info(approval_message(done, conditions, words[0]))
    return _exec_command(program, words, _command_environment(ctx))


@dataclass(frozen=True)
class PlanFlags:
    """What was typed about a plan. ``operation`` None: none was, so that the file says it."""

    path: str
    operation: str | None
    parameters: Sequence[str]


def _require_plan_alone(has_instances: bool, wait: timedelta) -> None:
    if has_instances:
        text = "--from says which instances are started; --training and the like say it too."
        raise UsageError("from-and-types", text, "Use one of them.")
    if wait:
        raise UsageError("from-and-wait", "--wait does not apply to a plan.", "Leave out --wait.")


def _guard_plan(
    ctx: CommandContext, words: Sequence[str], flags: PlanFlags, budget: tuple[str | None, str | None], *, dry_run: bool
) -> CommandResult:
    from opskit.core.clock import Clock
    from opskit.guards.flows.plan_check import check_plan, read_planned_calls
    from opskit.guards.reads.plan_files import read_plan_file
    from opskit.guards.render.plan import plan_result
    from opskit.guards.rules.call_budget import CallPolicy
    from opskit.guards.rules.planned_calls import check_operation

    max_usd, hours = budget
    length = Decimal(24) if hours is None else Decimal(_hours_to_seconds(hours)) / 3600
    policy = CallPolicy(ctx.settings.resolve("max-usd", max_usd), hours=length)
    program = _find_program(words[0]) if words else ""
    operation = check_operation(flags.operation) if flags.operation else None
    document, values = read_plan_file(flags.path), _parse_parameters(flags.parameters)
    client = ctx.client()
    found = check_plan(client, read_planned_calls(document, client.region, operation, values), policy, Clock())
    if not words or dry_run or not found.exit_code.is_ok:
        return plan_result(found, None if ctx.settings.get("regions") else client.region)
    ctx.screen.info(f"There is room for what the plan starts: running {words[0]}.")
    return _exec_command(program, words, _command_environment(ctx))


def _parse_parameters(words: Sequence[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not (name and equals):
            raise UsageError("bad-parameter", f"'{word}' is not a parameter and its value.", "Write it like Env=prod.")
        values[name] = value
    return values


def _parse_demands(wanted: dict[str, Instances]) -> tuple[Requirement, ...]:
    from opskit.core.model import Workload
    from opskit.guards.rules.refusals import parse_type_counts

    requirements = tuple(
        requirement for use, words in wanted.items() for requirement in parse_type_counts(words or (), Workload(use))
    )
    if not requirements:
        hint = "Write it like: opskit guard --training ml.m5.xlarge=2 -- python train.py"
        raise UsageError("nothing-to-guard", "Nothing says which instances the command will start.", hint)
    return requirements


def _guard_conditions(
    ctx: CommandContext, requirements: tuple[Requirement, ...], max_usd: str | None, hours: str | None, wait: timedelta
) -> GuardConditions:
    from opskit.guards.flows.conditions import GuardConditions

    budget = ctx.settings.resolve("max-usd", max_usd)
    if budget is not None and hours is None:
        source = ctx.settings.values["max-usd"].source if max_usd is None else "--max-usd"
        text = f"Cannot enforce the budget of {budget} USD ({source}) without a duration."
        raise UsageError("no-hours", text, "Add --hours, such as --hours 6.")
    return GuardConditions(requirements, None if hours is None else _hours_to_seconds(hours), budget, wait)


def _hours_to_seconds(hours: str) -> int:
    try:
        seconds = math.ceil(float(hours) * 3600)
    except (ValueError, OverflowError):
        seconds = 0
    if seconds <= 0:
        raise UsageError("bad-hours", f"'{hours}' is not a number of hours.", "Write it like 6 or 0.5.")
    return seconds


def _find_program(word: str) -> str:
    """The path of a program, as a shell would find it: checked first, so that nobody waits for quota in vain."""
    path = shutil.which(word)
    if path:
        return path
    if shutil.which(word, os.F_OK) or ("/" in word and Path(word).exists()):
        raise CommandNotRunnable(word, "it is not executable", ExitCode.NOT_RUNNABLE)
    raise CommandNotRunnable(word, "there is no such command", ExitCode.NOT_FOUND)


def _command_environment(ctx: CommandContext) -> dict[str, str]:
    """The environment, with the Region and profile that were checked if they were named: otherwise the command could
    start its instances where nothing was checked.
    """
    environment, profile = dict(os.environ), ctx.settings.get("profile")
    if ctx.settings.get("regions"):
        environment |= dict.fromkeys(("AWS_REGION", "AWS_DEFAULT_REGION"), ctx.client().region)
    if profile:
        # These take precedence over a profile.
        keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        environment = {name: value for name, value in environment.items() if name not in keys}
        environment["AWS_PROFILE"] = profile
    return environment


def _exec_command(program: str, words: Sequence[str], environment: dict[str, str]) -> NoReturn:
    """Replace this process with the command.

    Raises:
        CommandNotRunnable: the system does not let it run.
    """
    from opskit.output.printing import flush_output

    # exec replaces the process without running Python's exit handlers, so buffered output would be lost.
    flush_output()
    for name in ("SIGPIPE", "SIGXFSZ"):  # Python ignores them, and a command would inherit that
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    try:
        os.execve(program, list(words), environment)  # noqa: S606 - the user's own command, which opskit becomes
    except OSError as error:
        raise CommandNotRunnable(words[0], file_error_text(error), ExitCode.NOT_RUNNABLE) from error

"""``opskit quotas increase``, ``quotas requests`` and ``quotas wait``."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.account_options import AccountUse
from opskit.cli.command import CommandContext, register_command
from opskit.core.exceptions import UsageError
from opskit.core.setting_values import parse_duration
from opskit.increases.rules.channel import Channel
from opskit.notifications.cli import UNATTENDED
from opskit.quotas.cli import ForOption, complete_instance_type, quotas_app

if TYPE_CHECKING:
    from opskit.increases.flows.plan import BlockingTotal
    from opskit.increases.rules.increase import Increase, IncreaseTarget
    from opskit.output.result import CommandResult


_DEFAULT_CHANNEL = Channel.AUTO
# The highest value that Service Quotas takes in a request. A larger number would be rounded on its way.
_HIGHEST_VALUE = 10_000_000_000
ToOption = Annotated[
    int | None,
    typer.Option("--to", min=1, max=_HIGHEST_VALUE, metavar="N", help="Desired value of the quota."),
]
TypeArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[INSTANCE_TYPE]",
        help="Instance type, such as ml.m4.xlarge, or total.",
        autocompletion=complete_instance_type,
    ),
]


@register_command(quotas_app, "quotas", "increase", wrapper=UNATTENDED)
def increase_command(
    ctx: CommandContext,
    instance_type: TypeArgument = None,
    usages: ForOption = None,
    to: ToOption = None,
    resume: Annotated[bool, typer.Option("--resume", help="Submit increases that opskit queued earlier.")] = False,
    via: Annotated[Channel, typer.Option("--via", help="How to submit the request.")] = _DEFAULT_CHANNEL,
    why: Annotated[
        str, typer.Option("--why", metavar="TEXT", help="Use case, sent to AWS Support with the request.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan, change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
) -> CommandResult:
    """Request a quota increase. Duplicate requests are never sent."""
    from opskit.increases.render.increase import increase_result

    if resume:
        if instance_type or usages or to or via != _DEFAULT_CHANNEL or why:
            hint = "Leave out type, --for, --to, --via and --why."
            raise UsageError("resume-alone", "--resume submits queued increases as they were requested.", hint)
        resumed = _resume_queued(ctx, dry_run=dry_run)
        if not resumed and ctx.screen.stdout_stream.isatty():  # not without a terminal: cron mails all output
            ctx.screen.info("No increase is queued.")
        return increase_result(resumed)
    targets = _parse_targets(instance_type, usages, to)
    return increase_result(*_plan_and_submit(ctx, targets, via, why, dry_run=dry_run, yes=yes), why=why)


def _resume_queued(ctx: CommandContext, *, dry_run: bool) -> list[Increase]:
    """Submit the queued increases."""
    from opskit.core.clock import Clock
    from opskit.increases.flows.plan import queued_increases
    from opskit.increases.flows.submit import submit_increases

    queued = queued_increases(ctx.clients(), datetime.now(UTC), everywhere=not ctx.settings.get("regions"))
    if dry_run:
        return [increase for _, increase, _ in queued]
    return [
        done
        for client, increase, why in queued
        # Whoever queued them has confirmed that, so there is no prompt.
        for done in submit_increases([client], [increase], why, Clock(), ctx.screen.info)
    ]


def _plan_and_submit(
    ctx: CommandContext, targets: list[IncreaseTarget], channel: Channel, why: str, *, dry_run: bool, yes: bool
) -> tuple[tuple[Increase, ...], tuple[BlockingTotal, ...]]:
    """Plan, ask for confirmation if something would be sent, and send it."""
    from opskit.core.clock import Clock
    from opskit.increases.flows.plan import plan_with_totals
    from opskit.increases.flows.submit import submit_increases
    from opskit.increases.render.increase import plan_prompt

    now, clients = datetime.now(UTC), ctx.clients()
    increases, totals = plan_with_totals(clients, targets, channel, now)
    if dry_run:
        return increases, totals
    planned = [increase for increase in increases if increase.will_send]
    if planned:
        ctx.confirm(plan_prompt(planned), yes=yes)
    return submit_increases(clients, increases, why, Clock(), ctx.screen.info), totals


@register_command(quotas_app, "quotas", "requests", accounts=AccountUse.READS)
def list_requests_command(
    ctx: CommandContext,
    only_open: Annotated[bool, typer.Option("--open", help="Only requests that AWS has not decided yet.")] = False,
) -> CommandResult:
    """Show increase requests, their status, and whether the new value is in effect."""
    from opskit.increases.flows.list import list_and_remember_requests
    from opskit.increases.render.requests import request_list_result

    listed = list_and_remember_requests(ctx.clients(), datetime.now(UTC), only_open=only_open)
    return request_list_result(listed, only_open=only_open)


@register_command(quotas_app, "quotas", "wait")
def wait_quota_command(
    ctx: CommandContext,
    instance_type: TypeArgument = None,
    usages: ForOption = None,
    to: ToOption = None,
    timeout: Annotated[
        str, typer.Option("--timeout", metavar="TIME", help="Longest time to wait, such as 72h.")
    ] = "72h",
) -> CommandResult:
    """Wait until the applied value is at least --to."""
    from opskit.core.clock import Clock
    from opskit.increases.flows.wait import wait_for_targets
    from opskit.increases.render.requests import wait_result

    targets, longest, started_at = _parse_targets(instance_type, usages, to), parse_duration(timeout), time.monotonic()
    clients = ctx.clients()
    with ctx.screen.live_lines() as emit:
        results = wait_for_targets(clients, targets, longest, emit, Clock())
    return wait_result(results, time.monotonic() - started_at)


def _parse_targets(instance_type: str | None, usages: list[str] | None, to: int | None) -> list[IncreaseTarget]:
    from opskit.increases.rules.increase import IncreaseTarget
    from opskit.quotas.rules.requirements import parse_type_or_total, parse_workload

    if not instance_type or not usages or to is None:
        example = "opskit quotas increase ml.m4.xlarge --for training --to 1"
        raise UsageError("incomplete", "An instance type, --for and --to are needed.", f"Write it like: {example}")
    workloads = tuple(dict.fromkeys(parse_workload(word) for word in usages))
    parsed_type = parse_type_or_total(instance_type, workloads)
    return [IncreaseTarget(parsed_type, workload, to) for workload in workloads]

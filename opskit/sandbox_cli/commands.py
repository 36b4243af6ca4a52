"""``opskit sandbox``: start the local AWS. The only module of opskit that imports it; the rest uses HTTP."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opskit.cli.command import CommandContext, register_command
from opskit.cli.command_tree import command_group
from opskit.core.exceptions import ExitCode, MissingExtra, UsageError
from opskit.core.setting_values import parse_duration
from opskit.sandbox_cli.child_command import SignalWaiter, run_child_command, with_own_commands
from opskit.sandbox_cli.options import (
    AccountsOption,
    ApproveAfterOption,
    DenyOption,
    FaultOption,
    HistoryOption,
    LagChoice,
    LagOption,
    LatencyOption,
    PolicyOption,
    PortOption,
    QuotasOption,
    RateChoice,
    RatesOption,
    ScenarioName,
    ScenarioOption,
    SeedOption,
    SupportPlanOption,
    parse_denied_actions,
    parse_faults,
)

if TYPE_CHECKING:
    from opskit.output.result import CommandResult
    from opskit.sandbox.server import Sandbox

sandbox_app = command_group("sandbox")


@register_command(sandbox_app, "sandbox", "start")
def start_sandbox_command(
    ctx: CommandContext,
    *,
    port: PortOption = 0,
    scenario: ScenarioOption = ScenarioName.FRESH,
    approve_after: ApproveAfterOption = "30s",
    latency: LatencyOption = "0s",
    rates: RatesOption = RateChoice.AWS,
    lag: LagOption = LagChoice.SOMETIMES,
    seed: SeedOption = 0,
    support_plan: SupportPlanOption = False,
    quotas: QuotasOption = 0,
    history: HistoryOption = 0,
    accounts: AccountsOption = 1,
    deny: DenyOption = None,
    policy: PolicyOption = None,
    fault: FaultOption = None,
) -> CommandResult:
    """Serve a local AWS until Ctrl-C, and print the export lines that lead any AWS client to it."""
    from opskit.output.result import CommandResult

    ended, outside = SignalWaiter(), dict(os.environ)
    options: dict[str, Any] = {"port": port, "scenario": scenario.value, "support_plan": support_plan, "quotas": quotas}
    options |= {"rates": rates.value, "lag": lag.value, "seed": seed, "history": history, "accounts": accounts}
    options |= {"denied": parse_denied_actions(deny or []), "faults": parse_faults(fault or [])}
    options |= {"policy": str(policy.resolve()) if policy else ""}
    with _running_sandbox(approve_after, latency, options) as served:
        environment = served.client_environment() | _home_region_variables(ctx)
        data = {"url": served.url, "scenario": scenario.value, "environment": environment}
        lines = tuple(_export_lines(environment, outside))
        ctx.screen.show_result(("sandbox", "start"), CommandResult(data, notes=lines, holds_keys=True))
        ctx.screen.info(f"A local AWS ({scenario.value}) listens at {served.url}. Paste the lines above into another")
        ctx.screen.info("terminal, and every AWS client there talks to it. Ctrl-C ends it and leaves nothing behind.")
        ended.wait_for_signal()
    sys.exit(ExitCode.INTERRUPTED if ended.signal_number() == signal.SIGINT else ExitCode.OK)


@register_command(sandbox_app, "sandbox", "run", context_settings={"allow_interspersed_args": False})
def run_in_sandbox_command(
    ctx: CommandContext,
    words: Annotated[list[str], typer.Argument(metavar="-- COMMAND...", help="The command and its arguments.")],
    *,
    port: PortOption = 0,
    scenario: ScenarioOption = ScenarioName.FRESH,
    approve_after: ApproveAfterOption = "30s",
    latency: LatencyOption = "0s",
    rates: RatesOption = RateChoice.AWS,
    lag: LagOption = LagChoice.SOMETIMES,
    seed: SeedOption = 0,
    support_plan: SupportPlanOption = False,
    quotas: QuotasOption = 0,
    history: HistoryOption = 0,
    accounts: AccountsOption = 1,
    deny: DenyOption = None,
    policy: PolicyOption = None,
    fault: FaultOption = None,
) -> CommandResult:
    """Run one command (opskit, the AWS CLI, a script) inside a sandbox of its own and exit with its code."""
    ended = SignalWaiter()
    options: dict[str, Any] = {"port": port, "scenario": scenario.value, "support_plan": support_plan, "quotas": quotas}
    options |= {"rates": rates.value, "lag": lag.value, "seed": seed, "history": history, "accounts": accounts}
    options |= {"denied": parse_denied_actions(deny or []), "faults": parse_faults(fault or [])}
    options |= {"policy": str(policy.resolve()) if policy else ""}
    with _running_sandbox(approve_after, latency, options) as served:
        code = run_child_command(
            words, with_own_commands(served.isolated_environment(os.environ) | _home_region_variables(ctx)), ended
        )
    sys.exit(code)


@register_command(sandbox_app, "sandbox", "differences")
def differences_command(ctx: CommandContext) -> CommandResult:
    """List the known differences from AWS."""
    from opskit.output.result import Cell, Column, CommandResult, Table
    from opskit.sandbox.differences import DIFFERENCES

    rows = tuple((Cell(difference.area), Cell(difference.text)) for difference in DIFFERENCES)
    listed = [{"area": difference.area, "text": difference.text} for difference in DIFFERENCES]
    table = Table((Column("Where"), Column("What is not like AWS", wrap=True)), rows)
    return CommandResult({"differences": listed}, tables=(table,), records="differences")


@contextmanager
def _running_sandbox(approve_after: str, latency: str, options: dict[str, Any]) -> Iterator[Sandbox]:
    """A running sandbox; ``options`` are the server's, but for those that are times.

    Raises:
        MissingExtra: moto is not installed.
        UsageError: the port is taken, or a time is none.
    """
    waiting, slower = parse_duration(approve_after).total_seconds(), parse_duration(latency).total_seconds()
    try:
        from opskit.sandbox.account.policy_file import BadPolicy, PolicyFile
        from opskit.sandbox.lag import LagMode
        from opskit.sandbox.rate_limits import RateMode
        from opskit.sandbox.server import PortTaken, SandboxOptions, run_sandbox
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("opskit"):
            raise
        raise MissingExtra("sandbox", "The sandbox") from error
    options |= {"rates": RateMode(options["rates"]), "lag": LagMode(options["lag"])}
    try:
        PolicyFile(Path(options["policy"])).statements() if options["policy"] else ()
    except BadPolicy as error:
        hint = "`opskit iam policy COMMAND` prints one that the sandbox can enforce."
        raise UsageError("bad-policy", f"This is not a policy to enforce: {error}.", hint) from error
    serving = run_sandbox(SandboxOptions(approve_after_seconds=waiting, latency_seconds=slower, **options))
    try:
        served = serving.__enter__()
    except PortTaken as error:
        raise _port_error(options["port"], error) from error
    try:
        yield served
    finally:
        serving.__exit__(None, None, None)


def _home_region_variables(ctx: CommandContext) -> dict[str, str]:
    """The Region the user named, as the home of the clients; a scenario has one of its own."""
    names = [name for name in ctx.settings.get("regions") or () if name != "all"]
    return {"AWS_DEFAULT_REGION": names[0], "AWS_REGION": names[0]} if names else {}


def _port_error(port: int, error: OSError) -> UsageError:
    hint = "Choose another with --port, or leave --port out to get a free one."
    return UsageError("port-taken", f"The sandbox cannot listen on port {port}: {error}.", hint)


def _export_lines(environment: dict[str, str], outside: dict[str, str]) -> Iterator[str]:
    """Lines for a shell; what would lead its clients elsewhere is unset, if it has that ``outside``."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        if name in outside:
            yield f"unset {name}"
    for name, value in environment.items():
        yield f"export {name}={shlex.quote(value)}"

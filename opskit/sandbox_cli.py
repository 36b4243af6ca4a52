"""``opskit sandbox``: start the local AWS. The only module of opskit that imports it; the rest uses HTTP."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opskit.cli.command import CommandContext, register_command
from opskit.cli.command_tree import command_group
from opskit.core.exceptions import ExitCode, MissingExtra, UsageError
from opskit.core.setting_values import parse_duration

if TYPE_CHECKING:
    from opskit.output.result import CommandResult
    from opskit.sandbox.server import Sandbox

sandbox_app = command_group("sandbox")

_SIGNAL_CHECK_SECONDS = 0.5
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_FAULT_KINDS = ("empty", "fail", "throttle")
_ACTION = re.compile(r"[a-z0-9-]+:[A-Za-z0-9*?]+")
_NOT_FOUND = 127
_NOT_ALLOWED = 126
_SIGNALLED = 128


class ScenarioName(StrEnum):
    """The accounts a sandbox can start as."""

    FRESH = "fresh"
    CLASSROOM = "classroom"
    FULL = "full"
    ENDPOINTS = "endpoints"
    BILL = "bill"


class RateChoice(StrEnum):
    """How a sandbox throttles calls."""

    OFF = "off"
    AWS = "aws"
    SLOW = "slow"


class LagChoice(StrEnum):
    """How often a sandbox's reads lag behind writes."""

    SOMETIMES = "sometimes"
    ALWAYS = "always"
    NEVER = "never"


Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")]
Scenario = Annotated[
    ScenarioName,
    typer.Option(
        "--scenario",
        help="fresh: a new account, every ml.* quota 0; classroom: what the course needs just fits, with "
        "notebooks; full: the quotas are there and used up; endpoints: some idle, some busy, two of which predict; "
        "bill: one of each kind that bills.",
    ),
]
ApproveAfter = Annotated[
    str, typer.Option("--approve-after", metavar="TIME", help="Time until a quota increase is approved, such as 30s.")
]
Latency = Annotated[
    str, typer.Option("--latency", metavar="TIME", help="Extra latency added to every call, such as 50ms.")
]
Rates = Annotated[
    RateChoice,
    typer.Option(
        "--rates",
        help="Throttle calls. aws: at the published rates, and at estimates of the others; slow: at a quarter of them.",
    ),
]
Lag = Annotated[
    LagChoice,
    typer.Option(
        "--lag",
        help="How often reads return outdated results for up to 5 s after a write, where AWS's do; sometimes: 1 in 10.",
    ),
]
Seed = Annotated[int, typer.Option("--seed", help="Seed that decides which reads lag, and for how long.")]
SupportPlan = Annotated[bool, typer.Option("--support-plan", help="Give the account a paid AWS Support plan.")]
Quotas = Annotated[
    int,
    typer.Option(
        "--quotas", min=0, max=5000, help="Pad each Region to N quotas with made-up ones, like a mature account."
    ),
]
Denied = Annotated[
    list[str] | None,
    typer.Option(
        "--deny",
        metavar="ACTION,...",
        help="Deny IAM actions, such as sagemaker:StopNotebookInstance or servicequotas:*, as if no policy "
        "allowed them; repeatable.",
    ),
]
Policy = Annotated[
    Path | None, typer.Option("--policy", metavar="FILE", help="IAM policy to enforce; read again when it changes.")
]
Faults = Annotated[
    list[str] | None,
    typer.Option(
        "--fault",
        metavar="KIND:ACTION,...",
        help="Return faulty responses for IAM actions, such as empty:sagemaker:ListEndpoints. Kinds: empty (success "
        "without content), fail (HTTP 500), throttle; repeatable.",
    ),
]
Accounts = Annotated[
    int,
    typer.Option(
        "--accounts", min=1, max=500, help="Make an organization of N accounts, with a role 'opskit' in most of them."
    ),
]
History = Annotated[
    int,
    typer.Option(
        "--history",
        min=0,
        max=1_000_000,
        help="Number of training, transform and processing jobs each that ended within the last two years.",
    ),
]


@register_command(sandbox_app, "sandbox", "start")
def start_sandbox_command(
    ctx: CommandContext,
    *,
    port: Port = 0,
    scenario: Scenario = ScenarioName.FRESH,
    approve_after: ApproveAfter = "30s",
    latency: Latency = "0s",
    rates: Rates = RateChoice.AWS,
    lag: Lag = LagChoice.SOMETIMES,
    seed: Seed = 0,
    support_plan: SupportPlan = False,
    quotas: Quotas = 0,
    history: History = 0,
    accounts: Accounts = 1,
    deny: Denied = None,
    policy: Policy = None,
    fault: Faults = None,
) -> CommandResult:
    """Serve a local AWS until Ctrl-C, and print the export lines that lead any AWS client to it."""
    from opskit.output.result import CommandResult

    ended, outside = _SignalWaiter(), dict(os.environ)
    options: dict[str, Any] = {"port": port, "scenario": scenario.value, "support_plan": support_plan, "quotas": quotas}
    options |= {"rates": rates.value, "lag": lag.value, "seed": seed, "history": history, "accounts": accounts}
    options |= {"denied": _parse_denied_actions(deny or []), "faults": _parse_faults(fault or [])}
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
    port: Port = 0,
    scenario: Scenario = ScenarioName.FRESH,
    approve_after: ApproveAfter = "30s",
    latency: Latency = "0s",
    rates: Rates = RateChoice.AWS,
    lag: Lag = LagChoice.SOMETIMES,
    seed: Seed = 0,
    support_plan: SupportPlan = False,
    quotas: Quotas = 0,
    history: History = 0,
    accounts: Accounts = 1,
    deny: Denied = None,
    policy: Policy = None,
    fault: Faults = None,
) -> CommandResult:
    """Run one command (opskit, the AWS CLI, a script) inside a sandbox of its own and exit with its code."""
    ended = _SignalWaiter()
    options: dict[str, Any] = {"port": port, "scenario": scenario.value, "support_plan": support_plan, "quotas": quotas}
    options |= {"rates": rates.value, "lag": lag.value, "seed": seed, "history": history, "accounts": accounts}
    options |= {"denied": _parse_denied_actions(deny or []), "faults": _parse_faults(fault or [])}
    options |= {"policy": str(policy.resolve()) if policy else ""}
    with _running_sandbox(approve_after, latency, options) as served:
        code = _run_inside(
            words, _with_own_commands(served.isolated_environment(os.environ) | _home_region_variables(ctx)), ended
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


def _parse_denied_actions(texts: list[str]) -> tuple[str, ...]:
    """The actions of every ``--deny``. Raises UsageError for one that is none: it would deny nothing, in silence."""
    actions = tuple(action.strip() for text in texts for action in text.split(","))
    for action in actions:
        if not _is_action(action):
            hint = "Name them as a policy does: sagemaker:CreateTrainingJob, servicequotas:*, s3:PutObject."
            raise UsageError("bad-action", f"'{action}' is not an IAM action that can be denied.", hint)
    return actions


def _parse_faults(texts: list[str]) -> tuple[tuple[str, str], ...]:
    """The kind and the action of every ``--fault``. Raises UsageError for one that is none."""
    faults = []
    for text in (part.strip() for each in texts for part in each.split(",")):
        kind, _, action = text.partition(":")
        if kind not in _FAULT_KINDS or not _is_action(action):
            hint = "Name a kind and an action: empty:sagemaker:ListEndpoints, fail:servicequotas:*."
            raise UsageError(
                "bad-fault", f"'{text}' is not a kind of fault. The kinds are {', '.join(_FAULT_KINDS)}.", hint
            )
        faults.append((kind, action))
    return tuple(faults)


def _is_action(text: str) -> bool:
    return bool(_ACTION.fullmatch(text)) and not text.startswith("service-quotas:")


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


class _SignalWaiter:
    """Remembers the signal that asked the sandbox to end, and passes it on to the command that runs inside.

    Nothing is raised from the signal itself, so that cleaning up cannot be interrupted half-way.
    """

    def __init__(self) -> None:
        self._by: int | None = None
        self.child: subprocess.Popen[bytes] | None = None
        self._asked = threading.Event()
        for number in _ENDING:
            signal.signal(number, self._note_signal)

    def signal_number(self) -> int | None:
        """The signal that came, None as long as none did."""
        return self._by

    def wait_for_signal(self) -> None:
        """Wait for a signal."""
        # A signal that comes just before the wait begins, or to another thread, does not end it: its handler runs
        # when the main thread wakes next.
        while not self._asked.wait(_SIGNAL_CHECK_SECONDS):
            pass

    def _note_signal(self, number: int, frame: FrameType | None) -> None:
        self._by = number
        self._asked.set()
        if self.child and not (number == signal.SIGINT and _terminal_tells_children()):
            self.child.send_signal(number)


def _terminal_tells_children() -> bool:
    """Whether Ctrl-C reaches the child without us: the terminal signals every process in the foreground."""
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return False


def _with_own_commands(environment: dict[str, str]) -> dict[str, str]:
    """Who runs ``.venv/bin/opskit`` finds ``opskit`` and ``aws`` inside as well, after all that is on the PATH."""
    import sysconfig

    own = sysconfig.get_path("scripts")
    return {**environment, "PATH": os.pathsep.join([environment.get("PATH", os.defpath), own])}


def _run_inside(words: list[str], environment: dict[str, str], ended: _SignalWaiter) -> int:
    if asked := ended.signal_number():
        return _SIGNALLED + asked
    try:
        ended.child = subprocess.Popen(words, env=environment)
    except FileNotFoundError:
        return _report_not_runnable(words[0], "there is no such command", _NOT_FOUND)
    except OSError as error:
        return _report_not_runnable(words[0], error.strerror or str(error), _NOT_ALLOWED)
    if asked := ended.signal_number():  # it came while the command was being started
        ended.child.send_signal(asked)
    code = ended.child.wait()
    return _SIGNALLED - code if code < 0 else code


def _report_not_runnable(word: str, why: str, code: int) -> int:
    from opskit.output.printing import print_text, standard_error

    print_text(f"opskit: Cannot run '{word}': {why}.", standard_error())
    return code

"""The stage of ``opskit demo``: every step is the command a user would type, run as a process of its own against a
local AWS. Its JSON answer is read, and the story goes on only when what the step promises truly happened.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from opskit.cli.command import CommandContext
from opskit.core.exceptions import MissingExtra, OpskitError
from opskit.demo.steps import DEMO_STEPS, DemoStep, StepFailed
from opskit.output.result import CommandResult
from opskit.output.svg import save_svg

_ACCOUNTS = {"fresh": ("--approve-after", "3s"), "classroom": ()}
# Several sandboxes start at once, and a busy machine takes longer for their first answers than AWS ever does.
_PATIENT = {"OPSKIT_READ_TIMEOUT": "10m"}


class _DemoError(OpskitError):
    """A step of the story did not truly happen."""


def run_demo(ctx: CommandContext, keep: Path | None, picture: Path | None) -> CommandResult:
    """Play the story. ``keep`` is the folder for what it writes, ``picture`` an SVG of what it tells.

    Raises:
        MissingExtra: what it needs is not installed.
        OpskitError: a step did not truly happen.
    """
    _check_extras()
    started = time.monotonic()
    ctx.screen.print_line("Everything below is real but AWS itself: a local one answers, and no account is touched.")
    with ExitStack() as stack:
        folder = (
            keep.resolve() if keep else Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="opskit-demo-")))
        )
        folder.mkdir(parents=True, exist_ok=True)
        accounts = _start_accounts(stack, folder)
        told = [
            _run_and_describe(ctx, number, step, accounts[step.account], folder)
            for number, step in enumerate(DEMO_STEPS, 1)
        ]
    seconds = round(time.monotonic() - started, 1)
    closing = f"\nAll {len(told)} steps completed in {seconds:g} s. Next: the same commands on your own account."
    if picture:
        save_svg(
            picture, "opskit demo", [*(line for each in told for line in _shown_lines(each)), *closing.split("\n")]
        )
    return CommandResult({"steps": told, "seconds": seconds}, notes=(closing,), records="steps")


def _check_extras() -> None:
    from importlib.util import find_spec

    if not all(find_spec(name) for name in ("moto", "xgboost", "jupyter_server", "sagemaker", "sklearn")):
        raise MissingExtra("all", "The demo")


def _start_accounts(stack: ExitStack, folder: Path) -> dict[str, dict[str, str]]:
    """The environment of each account of the story. They start side by side; each ends with ``stack``."""
    serving = {name: stack.enter_context(_start_sandbox(name, options, folder)) for name, options in _ACCOUNTS.items()}
    return {name: _account_environment(process, folder / f".{name}") for name, process in serving.items()}


@contextmanager
def _start_sandbox(scenario: str, options: tuple[str, ...], folder: Path) -> Iterator[subprocess.Popen[str]]:
    command_line = [sys.executable, "-m", "opskit", "sandbox", "start", "-q", "-o", "json", "--scenario", scenario]
    process = subprocess.Popen(
        [*command_line, *options], stdout=subprocess.PIPE, text=True, cwd=folder, stdin=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _account_environment(process: subprocess.Popen[str], state: Path) -> dict[str, str]:
    """What a command needs to talk to a sandbox, and a state folder of its own: the user's own stays as it is."""
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise _DemoError("sandbox-ended", "The sandbox did not start.", "`opskit sandbox start` says why.")
    # The user's AWS_ and OPSKIT_ variables would lead a step to the real account.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "OPSKIT_"))}
    own = {f"XDG_{kind}_HOME": str(state / kind.lower()) for kind in ("STATE", "CACHE", "CONFIG")}
    given: dict[str, str] = json.loads(line)["data"]["environment"]
    return inherited | given | own | _PATIENT


def _run_and_describe(
    ctx: CommandContext, number: int, step: DemoStep, environment: dict[str, str], folder: Path
) -> dict[str, Any]:
    typed = shlex.join(("opskit", *step.command))
    ctx.screen.print_line(f"\n{number:2}. {step.title}", strong=True)
    ctx.screen.print_line(f"    $ {typed}")
    envelope = _run_step(ctx, step, environment, folder)
    try:
        lines = step.describe(envelope["data"])
    except (StepFailed, LookupError, TypeError) as error:
        raise _step_error(step, f"{error}", envelope) from error
    lines.append(f"Cost on AWS: {step.cost(envelope['data'])}.")
    for line in lines:
        ctx.screen.print_line(f"    {line}")
    return {"step": number, "title": step.title, "command": typed, "exit": envelope["exit"], "told": lines}


def _shown_lines(response: dict[str, Any]) -> list[str]:
    return [
        "",
        f"{response['step']:2}. {response['title']}",
        f"    $ {response['command']}",
        *(f"    {line}" for line in response["told"]),
    ]


def _run_step(ctx: CommandContext, step: DemoStep, environment: dict[str, str], folder: Path) -> dict[str, Any]:
    """Run a step's command and return its JSON envelope."""
    command_line = [sys.executable, "-m", "opskit", *step.command, "-o", "json"]
    with ctx.screen.spinner("working"):
        ended = subprocess.run(
            command_line,
            check=False,
            env=environment,
            cwd=folder,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
    try:
        envelope: dict[str, Any] = json.loads(ended.stdout)
    except ValueError as error:
        raise _DemoError("demo-no-answer", f"'{step.title}' gave no answer.", ended.stderr[-2000:]) from error
    if ended.returncode != step.exit:
        raise _step_error(step, f"it exited with {ended.returncode}, not {step.exit}", envelope)
    return envelope


def _step_error(step: DemoStep, why: str, envelope: dict[str, Any]) -> _DemoError:
    messages = "; ".join(problem["message"] for problem in envelope["errors"])
    return _DemoError("demo-untrue", f"'{step.title}' did not happen as told: {why}.", messages)

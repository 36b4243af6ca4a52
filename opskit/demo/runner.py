"""The stage of ``opskit demo``: every step is the command a user would type, run as a process of its own against a
local AWS, on a terminal of its own. What it prints is shown; what it would print with ``-o json`` is read, and the
story goes on only when what the step promises truly happened.
"""

from __future__ import annotations

import errno
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
from typing import IO, Any

from opskit.cli.command import CommandContext
from opskit.core.exceptions import MissingExtra, OpskitError, UsageError
from opskit.core.file_errors import file_error_text
from opskit.demo.steps import DEMO_STEPS, DemoStep, StepFailed
from opskit.output.result import CommandResult
from opskit.output.rich_console import save_svg

_ACCOUNTS = {"fresh": ("--approve-after", "3s"), "classroom": ()}
# Several sandboxes start at once, and a busy machine takes longer for their first answers than AWS ever does.
_READ_TIMEOUT = {"OPSKIT_READ_TIMEOUT": "10m"}
# The picture in README.md is so wide. A terminal may be narrower.
_MAX_WIDTH = 100
_INDENT = " " * 4
_MAX_LINES, _LAST_LINES = 28, 3


_NEXT = """On your own account, begin with
    opskit doctor          who you are, and what you may do
    opskit quotas check    whether there is room for the course"""


class _DemoError(OpskitError):
    """A step of the story did not truly happen."""


def run_demo(ctx: CommandContext, keep: Path | None, picture: Path | None) -> CommandResult:
    """Play the story. ``keep`` is the folder for what it writes, ``picture`` an SVG of what it tells.

    Raises:
        MissingExtra: what it needs is not installed.
        OpskitError: a step did not truly happen.
    """
    _check_extras()
    _check_places(keep, picture)
    started = time.monotonic()
    ctx.screen.print_line("Everything below is real but AWS itself: a local one answers, and no account is touched.")
    with ExitStack() as stack:
        folder = (
            keep.resolve() if keep else Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="opskit-demo-")))
        )
        accounts = _start_accounts(stack, folder)
        told = [
            _run_and_describe(ctx, number, step, accounts[step.account], folder)
            for number, step in enumerate(DEMO_STEPS, 1)
        ]
    seconds = round(time.monotonic() - started, 1)
    closing = f"\nAll {len(told)} steps completed in {seconds:g} s. {_NEXT}"
    if picture:
        pictured = [each for each, step in zip(told, DEMO_STEPS, strict=True) if step.is_pictured]
        save_svg(
            picture, "opskit demo", [*(line for each in pictured for line in _shown_lines(each)), *closing.split("\n")]
        )
    return CommandResult({"steps": told, "seconds": seconds}, notes=(closing,), records="steps")


def _check_places(keep: Path | None, picture: Path | None) -> None:
    """Make the folder, and see that the picture has one, before a minute is spent.

    Raises:
        UsageError: a place cannot be written.
    """
    if picture and (picture.is_dir() or not picture.resolve().parent.is_dir()):
        text = f"--picture {picture}: the directory does not exist, or it is not a regular file."
        raise UsageError("files-not-written", text, "Make the folder, or name another file.")
    if not keep:
        return
    try:
        keep.resolve().mkdir(parents=True, exist_ok=True)
    except OSError as error:
        text = f"--keep {keep}: the folder cannot be made: {file_error_text(error)}."
        raise UsageError("files-not-written", text, "Name another folder.") from error


def _check_extras() -> None:
    from importlib.util import find_spec

    if not all(find_spec(name) for name in ("moto", "xgboost", "jupyter_server", "sagemaker", "sklearn")):
        raise MissingExtra("all", "The demo")


def _start_accounts(stack: ExitStack, folder: Path) -> dict[str, dict[str, str]]:
    """The environment of each account of the story; each ends with ``stack``."""
    # All are started before the first is waited for, so that they come up side by side.
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
    return inherited | given | own | _READ_TIMEOUT


def _run_and_describe(
    ctx: CommandContext, number: int, step: DemoStep, environment: dict[str, str], folder: Path
) -> dict[str, Any]:
    typed = shlex.join(("opskit", *step.command))
    ctx.screen.print_line(f"\n{number:2}. {step.title}", strong=True)
    ctx.screen.print_line(f"    $ {typed}")
    envelope, shown = _run_step(ctx, step, environment, folder)
    try:
        lines = [*shown, step.describe(envelope["data"])]
        lines.append(f"Cost on AWS: {step.cost(envelope['data'])}.")
    except (StepFailed, LookupError, TypeError) as error:
        raise _step_error(step, f"{error}", envelope) from error
    for line in lines:
        ctx.screen.print_line(f"{_INDENT}{line}")
    return {"step": number, "title": step.title, "command": typed, "exit": envelope["exit"], "told": lines}


def _shown_lines(response: dict[str, Any]) -> list[str]:
    return [
        "",
        f"{response['step']:2}. {response['title']}",
        f"    $ {response['command']}",
        *(f"{_INDENT}{line}" for line in response["told"]),
    ]


def _run_step(
    ctx: CommandContext, step: DemoStep, environment: dict[str, str], folder: Path
) -> tuple[dict[str, Any], list[str]]:
    """Run a step's command. Returns its JSON envelope and the lines that it printed."""
    file = folder / f".{step.account}" / "envelope.json"
    file.parent.mkdir(exist_ok=True)
    file.unlink(missing_ok=True)
    words = [sys.executable, "-m", "opskit.demo.step_process", str(file), *step.command, "--no-color"]
    with ctx.screen.spinner("working"):
        columns = min((ctx.screen.terminal_columns or _MAX_WIDTH + len(_INDENT)) - len(_INDENT), _MAX_WIDTH)
        code, printed, said = _run_on_terminal(words, environment, folder, columns)
    try:
        envelope: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _DemoError("demo-no-answer", f"'{step.title}' gave no answer.", said[-2000:]) from error
    if code != step.exit:
        raise _step_error(step, f"it exited with {code}, not {step.exit}", envelope)
    refusal = said[said.find("opskit: ") :] if code and "opskit: " in said else ""
    lines = [line.rstrip() for text in (printed, refusal) for line in text.strip("\r\n").splitlines()]
    return envelope, _shorten_lines(lines)


def _shorten_lines(lines: list[str]) -> list[str]:
    """The first and the last lines of a long output."""
    if len(lines) <= _MAX_LINES:
        return lines
    first, last = lines[: _MAX_LINES // 2], lines[-_LAST_LINES:]
    return [*first, f"… {len(lines) - len(first) - len(last)} more lines …", *last]


def _run_on_terminal(words: list[str], environment: dict[str, str], folder: Path, columns: int) -> tuple[int, str, str]:
    """Run a command whose result goes to a terminal. Returns its exit code, what it printed there, and its messages."""
    import fcntl
    import pty
    import struct
    import termios

    ours, its = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as reading, tempfile.TemporaryFile() as messages:
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen(
            words,
            env={**environment, "COLUMNS": str(columns), "LINES": "24", "TERM": "dumb"},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=its,
            stderr=messages,
        )
        # The child has it: as long as this process holds it too, reading ours does not end with the child.
        os.close(its)
        printed = b"".join(_terminal_output(reading))
        code = process.wait()
        messages.seek(0)
        return code, printed.decode(errors="replace"), messages.read().decode(errors="replace")


def _terminal_output(reading: IO[bytes]) -> Iterator[bytes]:
    """What comes from the other end of a terminal until it is closed, which Linux tells as an error."""
    while True:
        try:
            piece = reading.read(65_536)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return
        if not piece:
            return
        yield piece


def _step_error(step: DemoStep, why: str, envelope: dict[str, Any]) -> _DemoError:
    messages = "; ".join(problem["message"] for problem in envelope["errors"])
    return _DemoError("demo-untrue", f"'{step.title}' did not happen as told: {why}.", messages)

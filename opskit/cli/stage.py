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

from opskit.cli.command import Here
from opskit.cli.story import STORY, NotSo, Step
from opskit.errors import ExtraMissing, OpskitError
from opskit.show.answer import Answer
from opskit.show.picture import save_svg

_ACCOUNTS = {"fresh": ("--approve-after", "3s"), "classroom": ()}
_PATIENT = {"OPSKIT_READ_TIMEOUT": "10m"}
"""Several sandboxes start at once, and a busy machine takes longer for their first answers than AWS ever does."""


class _Untrue(OpskitError):
    """A step of the story did not truly happen."""


def perform(here: Here, keep: Path | None, picture: Path | None) -> Answer:
    """Play the story. ``keep`` is the folder for what it writes, ``picture`` an SVG of what it tells.

    Raises:
        ExtraMissing: what it needs is not installed.
        OpskitError: a step did not truly happen.
    """
    _check_installed()
    started = time.monotonic()
    here.screen.tell("Everything below is real but AWS itself: a local one answers, and no account is touched.")
    with ExitStack() as stack:
        folder = (
            keep.resolve() if keep else Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="opskit-demo-")))
        )
        folder.mkdir(parents=True, exist_ok=True)
        accounts = _accounts(stack, folder)
        told = [_tell(here, number, step, accounts[step.account], folder) for number, step in enumerate(STORY, 1)]
    seconds = round(time.monotonic() - started, 1)
    closing = f"\nAll {len(told)} steps truly happened, in {seconds:g} s. Next: the same commands on your own account."
    if picture:
        save_svg(picture, "opskit demo", [*(line for each in told for line in _as_shown(each)), *closing.split("\n")])
    return Answer({"steps": told, "seconds": seconds}, notes=(closing,), records="steps")


def _check_installed() -> None:
    from importlib.util import find_spec

    if not all(find_spec(name) for name in ("moto", "xgboost", "jupyter_server", "sagemaker", "sklearn")):
        raise ExtraMissing("all", "The demo")


def _accounts(stack: ExitStack, folder: Path) -> dict[str, dict[str, str]]:
    """The environment of each account of the story. They start side by side; each ends with ``stack``."""
    serving = {name: stack.enter_context(_sandbox(name, options, folder)) for name, options in _ACCOUNTS.items()}
    return {name: _environment(process, folder / f".{name}") for name, process in serving.items()}


@contextmanager
def _sandbox(scenario: str, options: tuple[str, ...], folder: Path) -> Iterator[subprocess.Popen[str]]:
    command_line = [sys.executable, "-m", "opskit", "sandbox", "start", "-q", "-o", "json", "--scenario", scenario]
    process = subprocess.Popen(
        [*command_line, *options], stdout=subprocess.PIPE, text=True, cwd=folder, stdin=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _environment(process: subprocess.Popen[str], state: Path) -> dict[str, str]:
    """What a command needs to talk to a sandbox, and a state folder of its own: the user's own stays as it is."""
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise _Untrue("sandbox-ended", "The sandbox did not start.", "`opskit sandbox start` says why.")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "OPSKIT_"))}
    own = {f"XDG_{kind}_HOME": str(state / kind.lower()) for kind in ("STATE", "CACHE", "CONFIG")}
    given: dict[str, str] = json.loads(line)["data"]["environment"]
    return inherited | given | own | _PATIENT


def _tell(here: Here, number: int, step: Step, environment: dict[str, str], folder: Path) -> dict[str, Any]:
    typed = shlex.join(("opskit", *step.command))
    here.screen.tell(f"\n{number:2}. {step.title}", strong=True)
    here.screen.tell(f"    $ {typed}")
    envelope = _run(here, step, environment, folder)
    try:
        lines = step.tell(envelope["data"])
    except (NotSo, LookupError, TypeError) as error:
        raise _untrue(step, f"{error}", envelope) from error
    lines.append(f"Cost on AWS: {step.cost(envelope['data'])}.")
    for line in lines:
        here.screen.tell(f"    {line}")
    return {"step": number, "title": step.title, "command": typed, "exit": envelope["exit"], "told": lines}


def _as_shown(told: dict[str, Any]) -> list[str]:
    return [
        "",
        f"{told['step']:2}. {told['title']}",
        f"    $ {told['command']}",
        *(f"    {line}" for line in told["told"]),
    ]


def _run(here: Here, step: Step, environment: dict[str, str], folder: Path) -> dict[str, Any]:
    """Run a step's command and return its JSON envelope."""
    command_line = [sys.executable, "-m", "opskit", *step.command, "-o", "json"]
    with here.screen.waiting("working"):
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
        raise _Untrue("demo-no-answer", f"'{step.title}' gave no answer.", ended.stderr[-2000:]) from error
    if ended.returncode != step.exit:
        raise _untrue(step, f"it exited with {ended.returncode}, not {step.exit}", envelope)
    return envelope


def _untrue(step: Step, why: str, envelope: dict[str, Any]) -> _Untrue:
    said = "; ".join(problem["message"] for problem in envelope["errors"])
    return _Untrue("demo-untrue", f"'{step.title}' did not happen as told: {why}.", said)

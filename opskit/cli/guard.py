"""``opskit guard``: any command, once there is room for what it will start.

opskit does not start the command as a child: it becomes the command. Its signals, terminal, output and exit code are
then its own, with nothing to pass on and nothing that could get lost.
"""

from __future__ import annotations

import math
import os
import shutil
import signal
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from opskit.cli.app import app
from opskit.cli.command import Here, command
from opskit.errors import CannotRun, ExitCode, UsageProblem
from opskit.settings import duration

if TYPE_CHECKING:
    from opskit.flows.guard import Terms
    from opskit.model import Demand
    from opskit.show.answer import Answer

Instances = list[str] | None


@command(app, "guard", context_settings={"allow_interspersed_args": False})
def guard(
    here: Here,
    words: Annotated[list[str], typer.Argument(metavar="-- COMMAND...", help="The command and its arguments.")],
    training: Annotated[
        Instances,
        typer.Option(
            "--training",
            metavar="TYPE=N",
            help="Training instances it will start, such as ml.p3.2xlarge=4; repeatable.",
        ),
    ] = None,
    transform: Annotated[
        Instances, typer.Option("--transform", metavar="TYPE=N", help="Transform instances, likewise.")
    ] = None,
    endpoint: Annotated[
        Instances, typer.Option("--endpoint", metavar="TYPE=N", help="Endpoint instances, likewise.")
    ] = None,
    processing: Annotated[
        Instances, typer.Option("--processing", metavar="TYPE=N", help="Processing instances, likewise.")
    ] = None,
    notebook: Annotated[
        Instances, typer.Option("--notebook", metavar="TYPE=N", help="Notebook instances, likewise.")
    ] = None,
    spot: Annotated[bool, typer.Option("--spot", help="The training is spot training.")] = False,
    max_usd: Annotated[
        str | None, typer.Option("--max-usd", metavar="X", help="Refuse what may cost more in --hours.")
    ] = None,
    hours: Annotated[str | None, typer.Option("--hours", metavar="H", help="How long its instances may run.")] = None,
    wait: Annotated[str, typer.Option("--wait", metavar="TIME", help="How long to wait for room, such as 2h.")] = "0s",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look, and do not run it.")] = False,
) -> Answer:
    """Run a command only when there is room for what it starts.

    Then its output and its exit code are its own. Without room it does not run, and the exit code is 3; where that
    cannot be told, 4 or 5.
    """
    from opskit.flows.clock import system_clock
    from opskit.flows.guard import guard as look
    from opskit.show.guard import guarded, let_through

    uses = {"transform": transform, "endpoint": endpoint, "processing": processing, "notebook": notebook}
    if spot and not training:
        raise UsageProblem("spot-alone", "--spot is about training instances, and there are none.", "Add --training.")
    demands = _demands({"spot-training" if spot else "training": training, **uses})
    terms = _terms(here, demands, max_usd, hours, duration(wait))
    program = _program(words[0])
    door = here.door()
    with here.screen.progress() as tell:
        done = look(door, terms, system_clock(), tell)
    if done.in_the_way or dry_run:
        return guarded(done, terms, words[0], None if here.settings.get("regions") else door.region)
    here.screen.say(let_through(done, terms, words[0]))
    return _become(program, words, _environment(here))


def _demands(wanted: dict[str, Instances]) -> tuple[Demand, ...]:
    from opskit.decide.guard import demands_of
    from opskit.model import Usage

    demands = tuple(each for use, words in wanted.items() for each in demands_of(words or (), Usage(use)))
    if not demands:
        hint = "Write it like: opskit guard --training ml.m5.xlarge=2 -- python train.py"
        raise UsageProblem("nothing-to-guard", "Nothing says which instances the command will start.", hint)
    return demands


def _terms(here: Here, demands: tuple[Demand, ...], max_usd: str | None, hours: str | None, wait: timedelta) -> Terms:
    from opskit.flows.guard import Terms

    budget = here.settings.chosen("max-usd", max_usd)
    if budget is not None and hours is None:
        source = here.settings.values["max-usd"].source if max_usd is None else "--max-usd"
        text = f"The budget of {budget} USD ({source}) cannot be kept: nobody said how long the instances may run."
        raise UsageProblem("no-hours", text, "Add --hours, such as --hours 6.")
    return Terms(demands, None if hours is None else _seconds(hours), budget, wait)


def _seconds(hours: str) -> int:
    try:
        seconds = math.ceil(float(hours) * 3600)
    except (ValueError, OverflowError):
        seconds = 0
    if seconds <= 0:
        raise UsageProblem("bad-hours", f"'{hours}' is not a number of hours.", "Write it like 6 or 0.5.")
    return seconds


def _program(word: str) -> str:
    """Where a command is, as a shell would find it: looked for first, so that nobody waits for room in vain."""
    found = shutil.which(word)
    if found:
        return found
    if shutil.which(word, os.F_OK) or ("/" in word and Path(word).exists()):
        raise CannotRun(word, "it is not executable", ExitCode.NOT_RUNNABLE)
    raise CannotRun(word, "there is no such command", ExitCode.NOT_FOUND)


def _environment(here: Here) -> dict[str, str]:
    """The environment, with the Region and the profile that were looked at where they were named: the command would
    else start its instances where nobody looked.
    """
    environment, profile = dict(os.environ), here.settings.get("profile")
    if here.settings.get("regions"):
        environment |= dict.fromkeys(("AWS_REGION", "AWS_DEFAULT_REGION"), here.door().region)
    if profile:
        keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")  # they would win over a profile
        environment = {name: value for name, value in environment.items() if name not in keys}
        environment["AWS_PROFILE"] = profile
    return environment


def _become(program: str, words: Sequence[str], environment: dict[str, str]) -> NoReturn:
    """Become the command.

    Raises:
        CannotRun: the system does not let it run.
    """
    from opskit.show.printing import flush_output

    flush_output()
    for name in ("SIGPIPE", "SIGXFSZ"):  # Python ignores them, and a command would inherit that
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    try:
        os.execve(program, list(words), environment)
    except OSError as error:
        raise CannotRun(words[0], error.strerror or str(error), ExitCode.NOT_RUNNABLE) from error

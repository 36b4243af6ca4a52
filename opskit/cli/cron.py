"""``opskit cron``: what opskit does by itself, and where its user sees that it did."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.app import app, group
from opskit.cli.command import Here, command
from opskit.errors import Problem, UsageProblem
from opskit.settings import KEYS, duration

if TYPE_CHECKING:
    from opskit.decide.schedules import Job
    from opskit.decide.unattended import Unattended
    from opskit.show.answer import Answer

cron_app = group("Let opskit run by itself: stop what is idle, file what waits, look for room.")
app.add_typer(cron_app, name="cron")

Jobs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[JOB]... [-- WORD...]",
        help="stop-idle, resume, check; all when none is named. Words after -- go to the one job's command.",
    ),
]
Every = Annotated[
    str | None,
    typer.Option("--every", metavar="TIME", help="How often the one job runs, such as 15m, 6h or 1d."),
]
Deadline = Annotated[
    str | None, typer.Option("--deadline", metavar="TIME", help="End the one job's run after so long.")
]


@command(cron_app, "cron", "show")
def show(
    here: Here,
    jobs: Jobs = None,
    every: Every = None,
    deadline: Deadline = None,
    systemd: Annotated[bool, typer.Option("--systemd", help="As a service and a timer of systemd.")] = False,
) -> Answer:
    """Print the lines that `opskit cron install` would put into your crontab."""
    from opskit.show.cron import crontab_lines, systemd_units

    runs = _runs(here, jobs or [], every, deadline)
    return (systemd_units if systemd else crontab_lines)(runs, _warnings(here))


def _runs(here: Here, words: list[str], every: str | None, deadline: str | None) -> list[Unattended]:
    """The runs that were asked for, ready to be written down."""
    from opskit.decide.schedules import adapted
    from opskit.decide.unattended import Unattended, variables

    jobs, more = _split(words)
    if len(jobs) != 1 and (more or every or deadline):
        text = "--every, --deadline and words after -- are for one job."
        raise UsageProblem("which-job", text, "Name it, such as `opskit cron show stop-idle`.")
    span, longest = (duration(text) if text else None for text in (every, deadline))
    adjusted = [adapted(job, more, span, longest) for job in jobs]
    environment = variables(_absolute(os.environ), _own(), _home())
    return [Unattended(job, environment, _command(here, job)) for job in adjusted]


def _split(words: list[str]) -> tuple[list[Job], tuple[str, ...]]:
    """The jobs that were named, all when none was, and the words that were typed after them."""
    from opskit.decide.schedules import JOBS, job

    names = list(takewhile(lambda word: not word.startswith("-"), words))
    return [job(name) for name in dict.fromkeys(names)] or list(JOBS), tuple(words[len(names) :])


def _command(here: Here, job: Job) -> tuple[str, ...]:
    """The command of one run: cron's part, then what opskit itself is to do."""
    longest = _typed(job.deadline)
    return (*_program(), "cron", "run", job.name, "--quiet", "--deadline", longest, *_flags(here), "--", *job.words)


def _typed(span: timedelta) -> str:
    """A time span as it is typed."""
    seconds = int(span.total_seconds())
    return f"{seconds // 60}m" if seconds % 60 == 0 else f"{seconds}s"


def _program() -> tuple[str, ...]:
    """How opskit is started from anywhere: as it was now, by its full path."""
    import shutil

    found = shutil.which(sys.argv[0]) if Path(sys.argv[0]).name == "opskit" else None
    return (str(Path(found).absolute()),) if found else (sys.executable, "-m", "opskit")


def _flags(here: Here) -> list[str]:
    """The flags that were typed and hold for a run as well; a settings file by its full path, as cron's folder is
    another one.
    """
    words = [] if here.settings.file is None else ["--config", str(here.settings.file.absolute())]
    for setting in (here.settings.values[name] for name in ("regions", "profile", "role-arn")):
        if setting.source.startswith("--"):
            values = (setting.value,) if isinstance(setting.value, str) else setting.value
            words += [word for value in values for word in (setting.source, value)]
    return words


def _warnings(here: Here) -> tuple[Problem, ...]:
    """What a run will lack because it is a secret and stays out."""
    from opskit.decide.unattended import left_out

    closed = left_out(os.environ, _own())
    if not closed:
        return ()
    text = f"A run will not have {', '.join(closed)}: secrets stay out of what this writes."
    profile = here.settings.get("profile") or os.environ.get("AWS_PROFILE")
    keys = all(name.startswith("AWS_") for name in closed)
    if profile and keys:
        return (Problem("secret-left-out", text, f"It will use the profile '{profile}'."),)
    hint = "Name a --profile or give the machine a role; or name a file with them that only you can read: --env-file."
    return (Problem("secret-left-out", text, hint),)


def _own() -> frozenset[str]:
    """The variables that opskit's settings are read from."""
    return frozenset(key.environment for key in KEYS if key.environment)


def _absolute(environment: os._Environ[str]) -> dict[str, str]:
    """The environment with its files by their full paths."""
    files = {name: Path(value) for name, value in environment.items() if name.endswith(("_FILE", "_BUNDLE")) and value}
    return {**environment, **{name: str(path.expanduser().absolute()) for name, path in files.items()}}


def _home() -> str:
    """The user's home as the machine's list of users has it, which is where cron starts its commands."""
    import pwd

    return pwd.getpwuid(os.getuid()).pw_dir

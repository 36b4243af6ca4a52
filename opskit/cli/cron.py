"""``opskit cron``: what opskit does by itself, and where its user sees that it did."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.command import Here, command
from opskit.cli.tree import branch
from opskit.errors import OpskitError, Problem, UsageProblem
from opskit.settings import KEYS, duration

if TYPE_CHECKING:
    from opskit.decide.schedules import Job
    from opskit.decide.unattended import Unattended
    from opskit.show.answer import Answer

cron_app = branch("cron")

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
Heartbeat = Annotated[
    str | None,
    typer.Option("--heartbeat", metavar="FILE|URL", help="What the one job writes or fetches when all went well."),
]
Notify = Annotated[
    str | None,
    typer.Option("--notify", metavar="WHERE", help="An SNS topic's ARN, or a file that holds a webhook's URL."),
]
EnvFile = Annotated[
    Path | None,
    typer.Option("--env-file", metavar="FILE", help="A file of NAME=value lines that only you can read, for keys."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the plan, change nothing.")]


@dataclass(frozen=True)
class _Wish:
    """How the jobs were asked for: None where nothing was said."""

    every: str | None
    deadline: str | None
    heartbeat: str | None
    notify: str | None
    env_file: Path | None

    @property
    def is_for_one(self) -> bool:
        """Whether something in it makes sense for one job only."""
        return bool(self.every or self.deadline or self.heartbeat)

    def words(self) -> list[str]:
        """Its part of a run's command, files by their full paths."""
        beat, told = (
            place and (place if "://" in place or place.startswith("arn:") else str(_full(Path(place))))
            for place in (self.heartbeat, self.notify)
        )
        file = self.env_file and str(_full(self.env_file))
        pairs = (("--heartbeat", beat), ("--notify", told), ("--env-file", file))
        return [word for flag, value in pairs if value for word in (flag, value)]


@command(cron_app, "cron", "show")
def show(
    here: Here,
    jobs: Jobs = None,
    every: Every = None,
    deadline: Deadline = None,
    heartbeat: Heartbeat = None,
    notify: Notify = None,
    env_file: EnvFile = None,
    systemd: Annotated[bool, typer.Option("--systemd", help="As services and timers of systemd.")] = False,
) -> Answer:
    """Print the lines for your crontab, or systemd's units; change nothing."""
    from opskit.show.cron import crontab_lines, systemd_units

    runs = _runs(here, jobs or [], _Wish(every, deadline, heartbeat, notify, env_file))
    return (systemd_units if systemd else crontab_lines)(runs, _warnings(here, env_file))


@command(cron_app, "cron", "install")
def install(
    here: Here,
    jobs: Jobs = None,
    every: Every = None,
    deadline: Deadline = None,
    heartbeat: Heartbeat = None,
    notify: Notify = None,
    env_file: EnvFile = None,
    dry_run: DryRun = False,
) -> Answer:
    """Put the jobs into your crontab; again changes nothing.

    They stand in a block of their own; all other lines stay as they are.
    """
    from opskit.decide.crontab import with_jobs
    from opskit.flows.change_crontab import change_crontab
    from opskit.show.cron import installed
    from opskit.state.crontab import daemon_runs
    from opskit.state.folder import usable_state
    from opskit.state.run_log import log_file

    runs = _runs(here, jobs or [], _Wish(every, deadline, heartbeat, notify, env_file))
    lines = {run.job.name: run.crontab_line() for run in runs}
    change = change_crontab(lambda before: with_jobs(before, lines), dry_run=dry_run)
    warnings = (*_warnings(here, env_file), *_unset(here, env_file))
    with usable_state():
        log = str(log_file())
    return installed(runs, change, warnings, log, asleep=daemon_runs() is False)


@command(cron_app, "cron", "remove")
def remove(
    here: Here,
    jobs: Annotated[list[str] | None, typer.Argument(metavar="[JOB]...", help="All when none is named.")] = None,
    dry_run: DryRun = False,
) -> Answer:
    """Take the jobs out of your crontab."""
    from opskit.decide.crontab import without_jobs
    from opskit.decide.schedules import job
    from opskit.flows.change_crontab import change_crontab
    from opskit.show.cron import removed

    names = tuple(job(name).name for name in jobs or ())
    return removed(change_crontab(lambda before: without_jobs(before, names), dry_run=dry_run))


def _runs(here: Here, words: list[str], wish: _Wish) -> list[Unattended]:
    """The runs that were asked for, ready to be written down.

    Raises:
        UsageProblem: they could not run as they were asked for.
    """
    from opskit.decide.schedules import adapted
    from opskit.decide.unattended import Unattended, variables

    jobs, more = _split(words)
    if len(jobs) != 1 and (more or wish.is_for_one):
        text = "--every, --deadline, --heartbeat and words after -- are for one job."
        raise UsageProblem("which-job", text, "Name it, such as `opskit cron install stop-idle`.")
    _check(wish)
    span, longest = (duration(text) if text else None for text in (wish.every, wish.deadline))
    environment = variables(_absolute(os.environ), _own(), _home())
    adjusted = [adapted(job, more, span, longest) for job in jobs]
    return [Unattended(job, environment, _command(here, job, wish)) for job in adjusted]


def _check(wish: _Wish) -> None:
    """See that a run would find what its flags name, and that no secret would be written down."""
    from opskit.cli.news import check_heartbeat, where
    from opskit.state.private import private_variables

    if wish.heartbeat:
        check_heartbeat(wish.heartbeat)
    if wish.notify and "://" in wish.notify:
        hint = "Write it into a file, `chmod 600` that, and name the file: --notify FILE."
        raise UsageProblem("secret", "A webhook's address is a secret, and others can see what cron runs.", hint)
    if wish.notify:
        where(wish.notify)
    if wish.env_file:
        private_variables(wish.env_file)


def _split(words: list[str]) -> tuple[list[Job], tuple[str, ...]]:
    """The jobs that were named, all when none was, and the words that were typed after them."""
    from opskit.decide.schedules import JOBS, job

    names = list(takewhile(lambda word: not word.startswith("-"), words))
    return [job(name) for name in dict.fromkeys(names)] or list(JOBS), tuple(words[len(names) :])


def _command(here: Here, job: Job, wish: _Wish) -> tuple[str, ...]:
    """The command of one run: cron's part, then what opskit itself is to do."""
    form = ("-o", "table") if here.settings.file else ()  # it may set another, which says something when all is well
    flags = ("--quiet", *form, "--deadline", _typed(job.deadline), *wish.words(), *typed_flags(here))
    return (*program(), "cron", "run", job.name, *flags, "--", *job.words)


def _typed(span: timedelta) -> str:
    """A time span as it is typed."""
    seconds = int(span.total_seconds())
    return f"{seconds // 60}m" if seconds % 60 == 0 else f"{seconds}s"


def program() -> tuple[str, ...]:
    """How opskit is started from anywhere: as it was now, by its full path."""
    import shutil

    found = shutil.which(sys.argv[0]) if Path(sys.argv[0]).name == "opskit" else None
    return (str(Path(found).absolute()),) if found else (sys.executable, "-m", "opskit")


def typed_flags(here: Here) -> list[str]:
    """The flags that were typed and hold for a run as well; a settings file by its full path, as cron's folder is
    another one.
    """
    words = [] if here.settings.file is None else ["--config", str(here.settings.file.absolute())]
    for setting in (here.settings.values[name] for name in ("regions", "profile", "role-arn")):
        if setting.source.startswith("--"):
            values = (setting.value,) if isinstance(setting.value, str) else setting.value
            words += [word for value in values for word in (setting.source, value)]
    return words


def _warnings(here: Here, env_file: Path | None) -> tuple[Problem, ...]:
    """What a run will lack because it is a secret and stays out."""
    from opskit.decide.unattended import left_out
    from opskit.state.private import private_variables

    given = private_variables(env_file) if env_file else {}
    closed = [name for name in left_out(os.environ, _own()) if name not in given]
    if not closed:
        return ()
    text = f"A run will not have {', '.join(closed)}: secrets stay out of what this writes."
    profile = here.settings.get("profile") or os.environ.get("AWS_PROFILE")
    keys = all(name.startswith("AWS_") for name in closed)
    if profile and keys:
        return (Problem("secret-left-out", text, f"It will use the profile '{profile}'."),)
    hint = (
        "Name a --profile, give the machine a role, or put them into a file that only you can read: "
        "(umask 077; env | grep ^AWS_ > FILE), and add --env-file FILE."
    )
    return (Problem("secret-left-out", text, hint),)


def _unset(here: Here, env_file: Path | None) -> tuple[Problem, ...]:
    """What a run would stumble over at once: no Region, no such profile."""
    if env_file:
        return ()  # it may say both
    try:
        here.connection()
    except UsageProblem as error:
        return (replace(error.problem, message=f"A run would fail: {error.problem.message}"),)
    except OpskitError:  # a role that cannot be assumed now may be later
        return ()
    return ()


def _own() -> frozenset[str]:
    """The variables that opskit's settings are read from, but for the form: all well is nothing to mail."""
    return frozenset(key.environment for key in KEYS if key.environment and key.name != "output")


def _absolute(environment: os._Environ[str]) -> dict[str, str]:
    """The environment with its files by their full paths."""
    files = {name: Path(value) for name, value in environment.items() if name.endswith(("_FILE", "_BUNDLE")) and value}
    return {**environment, **{name: str(_full(path)) for name, path in files.items()}}


def _full(path: Path) -> Path:
    return path.expanduser().absolute()


def _home() -> str:
    """The user's home as the machine's list of users has it, which is where cron starts its commands; nothing where
    the list has no such user.
    """
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return ""

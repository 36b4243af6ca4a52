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

from opskit.cli.command import CommandContext, register_command
from opskit.cli.command_tree import command_group
from opskit.core.exceptions import Problem, UsageError
from opskit.core.setting_specs import SETTING_SPECS
from opskit.core.setting_values import parse_duration
from opskit.core.settings import FOLDER_VARIABLE

if TYPE_CHECKING:
    from opskit.output.result import CommandResult
    from opskit.schedule.rules.entries import CronEntry
    from opskit.schedule.rules.jobs import ScheduledJob

cron_app = command_group("cron")

JobsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[JOB]... [-- WORD...]",
        help="stop-idle, resume, check (default: these), costs or stop-idle-endpoints. Arguments after -- are appended "
        "to that job's command (single job only).",
    ),
]
EveryOption = Annotated[
    str | None,
    typer.Option("--every", metavar="TIME", help="Interval of the job, such as 15m, 6h or 1d (single job only)."),
]
DeadlineOption = Annotated[
    str | None, typer.Option("--deadline", metavar="TIME", help="End a run after TIME (single job only).")
]
HeartbeatOption = Annotated[
    str | None,
    typer.Option(
        "--heartbeat",
        metavar="FILE|URL",
        help="File to write or URL to fetch after each successful run (single job only).",
    ),
]
NotifyOption = Annotated[
    str | None,
    typer.Option("--notify", metavar="WHERE", help="SNS topic ARN, or a file that contains a webhook URL."),
]
EnvFileOption = Annotated[
    Path | None,
    typer.Option("--env-file", metavar="FILE", help="File of NAME=value lines for credentials, readable only by you."),
]
NameOption = Annotated[
    str | None,
    typer.Option(
        "--name",
        metavar="NAME",
        help="Name of the entry, so that one job can run for several accounts or roles (single job only).",
    ),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show the plan, change nothing.")]


@dataclass(frozen=True)
class _CronOptions:
    """How the jobs were asked for. None: nothing was said."""

    every: str | None
    deadline: str | None
    heartbeat: str | None
    notify: str | None
    env_file: Path | None
    name: str | None

    @property
    def is_single_job_only(self) -> bool:
        """Whether something in it makes sense for one job only."""
        return bool(self.every or self.deadline or self.heartbeat or self.name)

    def command_args(self) -> list[str]:
        """Its part of a run's command, files by their full paths."""
        beat, told = (place and _full_place(place) for place in (self.heartbeat, self.notify))
        file = self.env_file and str(_absolute_path(self.env_file))
        pairs = (("--heartbeat", beat), ("--notify", told), ("--env-file", file))
        return [word for flag, value in pairs if value for word in (flag, value)]


@register_command(cron_app, "cron", "show")
def show_cron_command(
    ctx: CommandContext,
    jobs: JobsArgument = None,
    every: EveryOption = None,
    deadline: DeadlineOption = None,
    heartbeat: HeartbeatOption = None,
    notify: NotifyOption = None,
    env_file: EnvFileOption = None,
    name: NameOption = None,
    systemd: Annotated[bool, typer.Option("--systemd", help="Print systemd services and timers instead.")] = False,
) -> CommandResult:
    """Print the crontab lines or systemd units; change nothing."""
    from opskit.schedule.cli.install_warnings import address_warnings
    from opskit.schedule.render import show_crontab_result, show_systemd_result

    runs = _planned_entries(ctx, jobs or [], _CronOptions(every, deadline, heartbeat, notify, env_file, name))
    warnings = (*_install_warnings(ctx, env_file), *address_warnings(heartbeat))
    return (show_systemd_result if systemd else show_crontab_result)(runs, warnings)


@register_command(cron_app, "cron", "install")
def install_cron_command(
    ctx: CommandContext,
    jobs: JobsArgument = None,
    every: EveryOption = None,
    deadline: DeadlineOption = None,
    heartbeat: HeartbeatOption = None,
    notify: NotifyOption = None,
    env_file: EnvFileOption = None,
    name: NameOption = None,
    dry_run: DryRunOption = False,
) -> CommandResult:
    """Install the jobs in your crontab (idempotent).

    They stand in a block of their own; all other lines stay as they are.
    """
    from opskit.schedule.cli.install_warnings import address_warnings, setup_warnings
    from opskit.schedule.flows.crontab import change_crontab
    from opskit.schedule.render import install_result
    from opskit.schedule.rules.crontab_block import upsert_jobs
    from opskit.schedule.store.crontab import is_cron_running
    from opskit.schedule.store.run_log import log_path
    from opskit.state.paths import state_errors

    runs = _planned_entries(ctx, jobs or [], _CronOptions(every, deadline, heartbeat, notify, env_file, name))
    lines = {run.job.name: run.crontab_line() for run in runs}
    change = change_crontab(lambda before: upsert_jobs(before, lines), dry_run=dry_run)
    warnings = (*_install_warnings(ctx, env_file), *setup_warnings(ctx, env_file), *address_warnings(heartbeat))
    with state_errors():
        log = str(log_path())
    return install_result(runs, change, warnings, log, asleep=is_cron_running() is False)


@register_command(cron_app, "cron", "remove")
def remove_cron_command(
    ctx: CommandContext,
    jobs: Annotated[list[str] | None, typer.Argument(metavar="[JOB]...", help="Jobs to remove (default: all).")] = None,
    dry_run: DryRunOption = False,
) -> CommandResult:
    """Remove the jobs from your crontab."""
    from opskit.schedule.flows.crontab import change_crontab
    from opskit.schedule.render import remove_result
    from opskit.schedule.rules.crontab_block import remove_jobs, split_sections
    from opskit.schedule.rules.jobs import find_job

    def remove(before: bytes) -> bytes:
        installed = split_sections(before).jobs
        names = tuple(name if name in installed else find_job(name).name for name in jobs or ())
        return remove_jobs(before, names)

    return remove_result(change_crontab(remove, dry_run=dry_run))


def _planned_entries(ctx: CommandContext, words: list[str], options: _CronOptions) -> list[CronEntry]:
    """The runs that were asked for, ready to be written down.

    Raises:
        UsageError: they could not run as they were asked for.
    """
    from opskit.schedule.cli.job_arguments import check_job_arguments
    from opskit.schedule.rules.entries import CronEntry, entry_environment
    from opskit.schedule.rules.jobs import customize_job

    jobs, more = _split_jobs(words)
    if len(jobs) != 1 and (more or options.is_single_job_only):
        text = "--every, --deadline, --heartbeat, --name and arguments after -- require exactly one job."
        raise UsageError("which-job", text, "Name it, such as `opskit cron install stop-idle`.")
    _check_options(options)
    span, longest = (parse_duration(text) if text else None for text in (options.every, options.deadline))
    environment = entry_environment(_with_absolute_paths(os.environ), _setting_variables(), _login_home())
    if ctx.settings.folder_file:  # cron's folder is another one; what counts of this one is decided at each run
        environment[FOLDER_VARIABLE] = str(ctx.settings.folder_file.absolute())
    inside = ctx.settings.get("notebook.inside")
    adjusted = [_named_job(customize_job(job, more, span, longest, inside=inside), options.name) for job in jobs]
    for job in adjusted:
        check_job_arguments(job.arguments)
    return [CronEntry(job, environment, _entry_command(ctx, job, options)) for job in adjusted]


def _named_job(job: ScheduledJob, name: str | None) -> ScheduledJob:
    """The job under another name, so that it stands beside the one that is called as it is."""
    import re

    if name is None:
        return job
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,49}", name):
        raise UsageError(
            "bad-job", f"'{name}' is not a valid job name.", "Use small letters, digits and -, at most 50."
        )
    return replace(job, name=name)


def _check_options(options: _CronOptions) -> None:
    """See that a run would find what its flags name, and that no secret would be written down."""
    from opskit.notifications.cli import check_heartbeat, parse_notify_target
    from opskit.schedule.store.env_file import read_env_file

    if options.heartbeat:
        check_heartbeat(options.heartbeat)
    if options.notify and "://" in options.notify:
        hint = "Write it into a file, `chmod 600` that, and name the file: --notify FILE."
        raise UsageError("secret", "A webhook's address is a secret, and others can see what cron runs.", hint)
    if options.notify:
        parse_notify_target(options.notify)
    if options.env_file:
        read_env_file(options.env_file)


def _split_jobs(words: list[str]) -> tuple[list[ScheduledJob], tuple[str, ...]]:
    """The jobs that were named, the default ones when none was, and the words that were typed after them."""
    from opskit.schedule.rules.jobs import DEFAULT_JOBS, find_job

    names = list(takewhile(lambda word: not word.startswith("-"), words))
    try:
        jobs = [find_job(name) for name in dict.fromkeys(names)]
    except UsageError as error:
        if len(names) == 1:
            raise
        # Typer tells no one where the -- stood.
        more = f"If it is an argument of {names[0]}, begin with an option: -- --for training ml.m5.large"
        hint = f"{error.problem.hint} {more}"
        raise UsageError(error.problem.code, str(error), hint) from error
    return jobs or list(DEFAULT_JOBS), tuple(words[len(names) :])


def _entry_command(ctx: CommandContext, job: ScheduledJob, options: _CronOptions) -> tuple[str, ...]:
    """The command of one run: cron's part, then what opskit itself is to do."""
    has_file = ctx.settings.file or ctx.settings.folder_file
    form = ("-o", "table") if has_file else ()  # it may set another, which says something when all is well
    flags = (
        "--quiet",
        *form,
        "--deadline",
        _typed_duration(job.deadline),
        *options.command_args(),
        *forwarded_options(ctx),
    )
    return (*executable(), "cron", "run", job.name, *flags, "--", *job.arguments)


def _typed_duration(duration: timedelta) -> str:
    seconds = int(duration.total_seconds())
    return f"{seconds // 60}m" if seconds % 60 == 0 else f"{seconds}s"


def executable() -> tuple[str, ...]:
    """How opskit is started from anywhere: as it was now, by its full path."""
    import shutil

    program = shutil.which(sys.argv[0]) if Path(sys.argv[0]).name == "opskit" else None
    return (str(Path(program).absolute()),) if program else (sys.executable, "-m", "opskit")


def forwarded_options(ctx: CommandContext) -> list[str]:
    """The flags that were typed and hold for a run as well; a settings file by its full path, as cron's folder is
    another one.
    """
    file = None if ctx.settings.folder_file else ctx.settings.file  # that of a folder is looked at anew in each run
    words = [] if file is None else ["--config", str(file.absolute())]
    for setting in (ctx.settings.values[name] for name in ("regions", "profile", "role-arn", "state")):
        if setting.source.startswith("--"):
            values = (setting.value,) if isinstance(setting.value, str) else setting.value
            words += [word for value in values for word in (setting.source, value)]
    return words


def _install_warnings(ctx: CommandContext, env_file: Path | None) -> tuple[Problem, ...]:
    """What would go wrong with a run sooner or later, as far as the files and variables tell."""
    from opskit.schedule.cli.install_warnings import endpoint_warnings, mfa_warnings, short_lived_warnings

    about_keys = (*_secret_warnings(ctx, env_file), *mfa_warnings(ctx, env_file), *short_lived_warnings(ctx, env_file))
    return (*about_keys, *endpoint_warnings())


def _secret_warnings(ctx: CommandContext, env_file: Path | None) -> tuple[Problem, ...]:
    """What a run will lack because it is a secret and stays out."""
    from opskit.schedule.rules.entries import excluded_secrets
    from opskit.schedule.store.env_file import read_env_file

    given = read_env_file(env_file) if env_file else {}
    closed = [name for name in excluded_secrets(os.environ, _setting_variables()) if name not in given]
    if not closed:
        return ()
    # Behind a colon, redaction would take the next word for the value of the name before it.
    text = f"A run will not have {', '.join(closed)}, since secrets stay out of what this writes."
    profile = ctx.settings.get("profile") or os.environ.get("AWS_PROFILE")
    keys = all(name.startswith("AWS_") for name in closed)
    if profile and keys:
        return (Problem("secret-left-out", text, f"It will use the profile '{profile}'."),)
    hint = (
        "Name a --profile, give the machine a role, or put them into a file that only you can read: "
        "(umask 077; env | grep ^AWS_ > FILE), and add --env-file FILE."
    )
    return (Problem("secret-left-out", text, hint),)


def _setting_variables() -> frozenset[str]:
    """The variables that opskit's settings are read from, but for the form: all well is nothing to mail."""
    return frozenset(key.env_var for key in SETTING_SPECS if key.env_var and key.name != "output")


def _with_absolute_paths(environment: os._Environ[str]) -> dict[str, str]:
    """The environment with its files by their full paths."""
    files = {name: Path(value) for name, value in environment.items() if name.endswith(("_FILE", "_BUNDLE")) and value}
    return {**environment, **{name: str(_absolute_path(path)) for name, path in files.items()}}


def _full_place(place: str) -> str:
    """A place as a run finds it from another folder: files by their full paths, behind an @ too."""
    if "://" in place or place.startswith("arn:"):
        return place
    mark = "@" if place.startswith("@") else ""
    return mark + str(_absolute_path(Path(place.removeprefix("@"))))


def _absolute_path(path: Path) -> Path:
    return path.expanduser().absolute()


def _login_home() -> str:
    """The user's home as the machine's list of users has it, which is where cron starts its commands; nothing where
    the list has no such user.
    """
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return ""

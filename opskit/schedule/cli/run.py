"""``opskit cron run``: what a crontab's line calls. One command with a lock, a deadline and a log around it."""

from __future__ import annotations

import os
import re
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opskit.cli.command import CommandContext, register_command
from opskit.core.exceptions import ExitCode, OpskitError, UsageError
from opskit.core.run_problems import run_problems
from opskit.core.setting_values import parse_duration
from opskit.notifications.cli import UNATTENDED
from opskit.schedule.cli.cron import cron_app, executable, forwarded_options

if TYPE_CHECKING:
    from opskit.output.result import CommandResult


@register_command(cron_app, "cron", "run", wrapper=UNATTENDED)
def run_job_command(
    ctx: CommandContext,
    job: Annotated[str, typer.Argument(metavar="JOB", help="A job, such as stop-idle, or a name of your own.")],
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[-- WORD...]", help="opskit command to run (default: the job's own).")
    ] = None,
    deadline: Annotated[str, typer.Option("--deadline", metavar="TIME", help="End the run after TIME.")] = "15m",
    env_file: Annotated[
        Path | None, typer.Option("--env-file", metavar="FILE", help="File of NAME=value lines for credentials.")
    ] = None,
) -> CommandResult:
    """Run a job with a lock, a deadline and a log, as cron does.

    Never beside an earlier run of the same, and with --quiet silent when all is well.
    """
    from opskit.schedule.flows.supervisor import ProcessResult, run_exclusive
    from opskit.schedule.render import JobRun, run_result
    from opskit.schedule.store.env_file import read_env_file

    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", job):
        raise UsageError("bad-job", f"'{job}' is not a valid job name.", "Use small letters, digits and -.")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends this ends what it runs
    if env_file:
        os.environ.update(read_env_file(env_file))
    runs, longest, started_at = _job_arguments(job, words), parse_duration(deadline), datetime.now(UTC)
    flags = forwarded_options(ctx)
    # Everything that makes two runs touch different resources: other profiles and endpoints may run side by side.
    elsewhere = (os.environ.get(name, "") for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"))
    key = (job, *runs, *flags, *elsewhere, *([str(ctx.settings.folder_file)] if ctx.settings.folder_file else []))
    command_line = [*executable(), *_insert_flags(runs, [*flags, "--quiet", "-o", "json"])]
    try:
        ended = run_exclusive(key, command_line, os.environ, longest)
    except KeyboardInterrupt:  # it goes into the log as well, and whoever is to be told is told
        ended = ProcessResult(
            int(ExitCode.INTERRUPTED), "", "it was interrupted", (datetime.now(UTC) - started_at).total_seconds()
        )
    result = JobRun(job, runs, started_at, longest, ended)
    log = _append_to_log(result.log_record())
    return run_result(result, log, quiet=ctx.screen.quiet, told=run_problems())


def _job_arguments(job: str, words: list[str] | None) -> tuple[str, ...]:
    from opskit.schedule.rules.jobs import find_job

    return tuple(words) if words else find_job(job).arguments


def _insert_flags(words: tuple[str, ...], flags: list[str]) -> list[str]:
    """The words with flags behind them, but before what a -- among them hands on."""
    at = words.index("--") if "--" in words else len(words)
    return [*words[:at], *flags, *words[at:]]


def _append_to_log(line: dict[str, Any]) -> str | OpskitError:
    """Write the log's line: the file it is in, or why it is in none."""
    from opskit.schedule.store.run_log import append_run

    try:
        # The run stands either way: what it did is worth more than its line.
        return str(append_run(line))
    except UsageError as error:
        return error
    except OSError as error:
        return UsageError("no-log", f"The run could not be written to the log: {error}.")

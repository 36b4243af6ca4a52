"""``opskit cron run``: what a crontab's line calls. One command with a lock, a deadline and a log around it."""

from __future__ import annotations

import os
import re
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opskit.cli.command import Here, command
from opskit.cli.cron import cron_app, program, typed_flags
from opskit.errors import ExitCode, OpskitError, UsageProblem
from opskit.settings import duration

if TYPE_CHECKING:
    from opskit.show.answer import Answer


@command(cron_app, "cron", "run", unattended=True)
def run(
    here: Here,
    job: Annotated[str, typer.Argument(metavar="JOB", help="stop-idle, resume, check, or a name of yours.")],
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[-- WORD...]", help="An opskit command; the job's own when left out.")
    ] = None,
    deadline: Annotated[str, typer.Option("--deadline", metavar="TIME", help="End it after so long.")] = "15m",
    env_file: Annotated[
        Path | None, typer.Option("--env-file", metavar="FILE", help="NAME=value lines, for keys.")
    ] = None,
) -> Answer:
    """Run a job with a lock, a deadline and a log, as cron does.

    Never beside an earlier run of the same, and with --quiet silent when all is well.
    """
    from opskit.flows.run_unattended import Ended, run_alone
    from opskit.show.cron import Run, ran
    from opskit.state.private import private_variables

    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", job):
        raise UsageProblem("bad-job", f"'{job}' is no name for a job.", "Use small letters, digits and -.")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends this ends what it runs
    if env_file:
        os.environ.update(private_variables(env_file))
    runs, longest, begun = _words(job, words), duration(deadline), datetime.now(UTC)
    flags = typed_flags(here)
    key = (job, *runs, *flags, os.environ.get("AWS_PROFILE", ""), os.environ.get("AWS_ENDPOINT_URL", ""))
    asked = [*program(), *_with(runs, [*flags, "--quiet", "-o", "json"])]
    try:
        ended = run_alone(key, asked, os.environ, longest)
    except KeyboardInterrupt:  # it goes into the log as well, and whoever is to be told is told
        ended = Ended(int(ExitCode.INTERRUPTED), "", "it was interrupted", (datetime.now(UTC) - begun).total_seconds())
    result = Run(job, runs, begun, longest, ended)
    return ran(result, _logged(result.line()), quiet=here.screen.quiet)


def _words(job: str, words: list[str] | None) -> tuple[str, ...]:
    from opskit.decide.schedules import job as known

    return tuple(words) if words else known(job).words


def _with(words: tuple[str, ...], flags: list[str]) -> list[str]:
    """The words with flags behind them, but before what a -- among them hands on."""
    at = words.index("--") if "--" in words else len(words)
    return [*words[:at], *flags, *words[at:]]


def _logged(line: dict[str, Any]) -> str | OpskitError:
    """Write the log's line: the file it is in, or why it is in none. The run stands either way."""
    from opskit.state.run_log import append

    try:
        return str(append(line))
    except UsageProblem as error:
        return error
    except OSError as error:
        return UsageProblem("no-log", f"The run could not be written to the log: {error}.")

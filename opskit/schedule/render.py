"""Cron for people and programs: the lines, the units, what was put where, and what a run came to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from opskit.core.exceptions import EXIT_DESCRIPTIONS, RUN_PROBLEM_CODES, ExitCode, OpskitError, Problem
from opskit.core.run_problems import distinct_problems
from opskit.core.text import format_duration
from opskit.notifications.rules import bill_lines, summarize_data
from opskit.output.result import CommandResult
from opskit.schedule.flows.crontab import CrontabChange
from opskit.schedule.flows.supervisor import ProcessResult
from opskit.schedule.rules.crontab_block import build_block, split_sections
from opskit.schedule.rules.entries import CronEntry
from opskit.schedule.rules.jobs import cron_schedule

# Characters of standard error that the log keeps of a run that ended in an unforeseen way.
_TAIL = 2000


def show_crontab_result(runs: Sequence[CronEntry], warnings: tuple[Problem, ...]) -> CommandResult:
    """The answer of ``cron show``: on standard output the block as it would stand in the crontab."""
    text = build_block({run.job.name: run.crontab_line() for run in runs}).decode(errors="surrogateescape")
    data = {"jobs": [_cron_record_with_line(run) for run in runs], "crontab": text}
    return CommandResult(data, problems=warnings, notes=(text.rstrip(),), records="jobs")


def show_systemd_result(runs: Sequence[CronEntry], warnings: tuple[Problem, ...]) -> CommandResult:
    """The answer of ``cron show --systemd``: every unit under its file's name."""
    units = {name: text for run in runs for name, text in run.systemd_units().items()}
    shown = [f"# ~/.config/systemd/user/{name}\n{text}" for name, text in units.items()]
    timers = " ".join(name for name in units if name.endswith(".timer"))
    shown.append(f"# Then: systemctl --user daemon-reload && systemctl --user enable --now {timers}")
    data = {"jobs": [_job_record(run) for run in runs], "units": units}
    return CommandResult(data, problems=warnings, notes=tuple(shown), records="jobs")


def install_result(
    runs: Sequence[CronEntry], change: CrontabChange, warnings: tuple[Problem, ...], log: str, *, asleep: bool
) -> CommandResult:
    """The answer of ``cron install``. ``log`` is where runs will be written down; ``asleep``: cron itself does not run
    on this machine.
    """
    said = {"changed": "In your crontab now", "planned": "Would be in your crontab", "unchanged": "In your crontab"}
    each = [
        f"{said[_change_word(change)]}: {run.job.name}, every "
        f"{format_duration(run.job.interval)}, {run.job.description}{_inside_remark(run)}."
        for run in runs
    ]
    each += _replaced_notes(runs, change)
    if asleep:
        hint = "Start it (on Debian and Ubuntu: service cron start), or take `opskit cron show --systemd`."
        warnings = (*warnings, Problem("cron-asleep", "cron does not run on this machine: nothing will happen.", hint))
    data = {"crontab": _change_word(change), "jobs": [_cron_record_with_line(run) for run in runs], "log": log}
    told = (*each, f"Every run is a line of {log}.")
    return CommandResult(data, problems=(*warnings, *_unmatched_problems(change)), notes=told, records="jobs")


def _replaced_notes(runs: Sequence[CronEntry], change: CrontabChange) -> list[str]:
    """Which lines were there under the same names and are otherwise now."""
    before = split_sections(change.before).jobs
    notes = []
    for run in runs:
        old = before.get(run.job.name)
        if old is not None and old != run.crontab_line():
            words = old.decode(errors="replace").partition(" cron run ")[2].strip()
            notes.append(f"It replaces what was there as {run.job.name}: {words}. To keep both, add --name NAME.")
    return notes


def _inside_remark(run: CronEntry) -> str:
    """What a line does that one of an older opskit did not."""
    if "--inside" not in run.job.arguments:
        return ""
    return (
        ", and inspects each instance first, through a terminal of its Jupyter (--inside; "
        f"`opskit cron install {run.job.name} -- --no-inside` leaves that out)"
    )


def remove_result(change: CrontabChange) -> CommandResult:
    """The answer of ``cron remove``."""
    left = split_sections(change.after).jobs
    gone = [name for name in split_sections(change.before).jobs if name not in left]
    said = {"changed": "Taken out of your crontab", "planned": "Would be taken out", "unchanged": "There was nothing"}
    note = f"{said[_change_word(change)]}: {', '.join(gone)}." if gone else "Nothing of opskit's is in your crontab."
    return CommandResult(
        {"crontab": _change_word(change), "removed": gone}, problems=_unmatched_problems(change), notes=(note,)
    )


def _change_word(change: CrontabChange) -> str:
    if change.before == change.after:
        return "unchanged"
    return "changed" if change.written else "planned"


def _unmatched_problems(change: CrontabChange) -> tuple[Problem, ...]:
    """A word on marks of opskit's that are left alone because what they hold is not opskit's."""
    if not split_sections(change.after).unmatched_markers:
        return ()
    text = "Your crontab contains an incomplete opskit block, or other lines in it; it was left unchanged."
    return (Problem("half-a-block", text, "`crontab -e` if they are of no use any more."),)


@dataclass(frozen=True)
class JobRun:
    """One run of a job: the words it ran, when it began, its deadline, and how it ended. None: an earlier run of the
    same was still going on, so this one did nothing.
    """

    job: str
    words: tuple[str, ...]
    started_at: datetime
    deadline: timedelta
    process: ProcessResult | None

    @property
    def envelope(self) -> dict[str, Any]:
        """What the command answered; empty where it did not come to that."""
        try:
            found = json.loads(self.process.stdout if self.process else "")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def exit(self) -> ExitCode:
        """The command's own exit code. A run that a signal or its deadline ended is partly done at best."""
        if self.process is None:
            return ExitCode.OK
        code = self.process.exit
        return ExitCode(code) if code in list(ExitCode) else ExitCode.PARTIAL

    @property
    def reason(self) -> str:
        """How it ended, where that was not well."""
        if self.process is None or self.exit.is_ok:
            return ""
        if self.process.exit is None:
            return f"it was ended at its deadline, after {format_duration(self.deadline)}"
        errors = [str(each.get("message", "")) for each in self.envelope.get("errors", ())]
        last = self.process.stderr.strip().splitlines()[-1:]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        return ("".join(errors[:1] or last) or _exit_reason(self.process.exit)) + more

    def log_record(self) -> dict[str, Any]:
        """Its line in the log."""
        ended = self.process
        response: dict[str, Any] = {
            "time": self.started_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "job": self.job,
            "command": list(self.words),
            "exit": None if ended is None else int(self.exit),
            "status": self.status,
            "seconds": None if ended is None else round(ended.seconds, 1),
            **summarize_data(self.envelope.get("data", {})),
            "errors": self.envelope.get("errors", []),
        }
        return response if ended is None or self.envelope else {**response, "stderr": ended.stderr[-_TAIL:]}

    @property
    def status(self) -> str:
        """In one word: the command's own, or that it was skipped or ended at its deadline."""
        if self.process is None:
            return "skipped"
        return "deadline" if self.process.exit is None else str(self.envelope.get("status", "error"))


def _exit_reason(code: int) -> str:
    """What an exit code says where the run said nothing."""
    if code < 0:
        return f"it was ended by signal {-code}, and said nothing"
    meaning = EXIT_DESCRIPTIONS[ExitCode(code)] if code in list(ExitCode) else "not a code of opskit's"
    return f"it said nothing; {code} means: {meaning}"


def run_result(run: JobRun, log: str | OpskitError, *, quiet: bool, told: Sequence[Problem] = ()) -> CommandResult:
    """The answer of ``cron run``: one line on standard error when something is wrong, nothing to mail when not, but for
    what bills. ``told`` is what this process has reported by itself, and the command in it may have met too.
    """
    where = log if isinstance(log, str) else ""
    data = {
        "job": run.job,
        "runs": list(run.words),
        "exit": int(run.exit),
        "status": run.status,
        "skipped": run.process is None,
        "seconds": None if run.process is None else round(run.process.seconds, 1),
        "log": where or None,
        "answer": run.envelope or None,
    }
    beside = [each for each in run.envelope.get("errors", ()) if each.get("code") in RUN_PROBLEM_CODES]
    all_told = distinct_problems([*told, *(Problem(e["code"], e["message"], e.get("hint", "")) for e in beside)])
    new = tuple(all_told[len(told) :])
    problems = new if isinstance(log, str) else (*new, log.problem)
    code = run.exit
    if not code.is_ok:
        text = f"{run.job} ended with {int(code)}: {run.reason.rstrip('.')}. The log: {where or 'none'}"
        problems = (Problem("run-failed", text), *problems)
    elif not isinstance(log, str):
        code = ExitCode.PARTIAL
    notes = () if quiet or not code.is_ok else (_success_note(run, where),)
    # What bills is news on every day, so that it is printed, and mailed by cron, although all is well.
    bill = tuple(bill_lines(run.envelope.get("data", {})))
    return CommandResult(data, code, problems, notes=(*notes, *bill))


def _success_note(run: JobRun, log: str) -> str:
    if run.process is None:
        return f"{run.job}: an earlier run still goes on; nothing was done."
    # Of the command alone: whether somebody could be told of it is not known yet.
    return f"{run.job}: the command succeeded after {run.process.seconds:.1f} s. The log: {log}"


def _job_record(run: CronEntry) -> dict[str, Any]:
    """One job for programs."""
    return {
        "job": run.job.name,
        "what": run.job.description,
        "every_seconds": int(run.job.interval.total_seconds()),
        "deadline_seconds": int(run.job.deadline.total_seconds()),
        "schedule": cron_schedule(run.job.interval).cron,
        "runs": list(run.job.arguments),
        "command": list(run.command),
    }


def _cron_record_with_line(run: CronEntry) -> dict[str, Any]:
    return {**_job_record(run), "line": run.crontab_line().decode(errors="surrogateescape").rstrip("\n")}

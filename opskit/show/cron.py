"""Cron for people and programs: the lines, the units, what was put where, and what a run came to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from opskit.decide.crontab import block, parts
from opskit.decide.news import digest
from opskit.decide.schedules import rhythm
from opskit.decide.spans import in_words
from opskit.decide.unattended import Unattended
from opskit.errors import ExitCode, OpskitError, Problem
from opskit.flows.change_crontab import Change
from opskit.flows.run_unattended import Ended
from opskit.show.answer import Answer

_TAIL = 2000
"""Characters of standard error that the log keeps of a run that ended in an unforeseen way."""


def crontab_lines(runs: Sequence[Unattended], warnings: tuple[Problem, ...]) -> Answer:
    """The answer of ``cron show``: on standard output the block as it would stand in the crontab."""
    text = block({run.job.name: run.crontab_line() for run in runs}).decode(errors="surrogateescape")
    data = {"jobs": [_with_line(run) for run in runs], "crontab": text}
    return Answer(data, problems=warnings, notes=(text.rstrip(),), records="jobs")


def systemd_units(runs: Sequence[Unattended], warnings: tuple[Problem, ...]) -> Answer:
    """The answer of ``cron show --systemd``: every unit under its file's name."""
    units = {name: text for run in runs for name, text in run.units().items()}
    shown = [f"# ~/.config/systemd/user/{name}\n{text}" for name, text in units.items()]
    timers = " ".join(name for name in units if name.endswith(".timer"))
    shown.append(f"# Then: systemctl --user daemon-reload && systemctl --user enable --now {timers}")
    data = {"jobs": [_record(run) for run in runs], "units": units}
    return Answer(data, problems=warnings, notes=tuple(shown), records="jobs")


def installed(
    runs: Sequence[Unattended], change: Change, warnings: tuple[Problem, ...], log: str, *, asleep: bool
) -> Answer:
    """The answer of ``cron install``. ``log`` is where runs will be written down; ``asleep``: cron itself does not run
    on this machine.
    """
    said = {"changed": "In your crontab now", "planned": "Would be in your crontab", "unchanged": "In your crontab"}
    each = [f"{said[_what(change)]}: {run.job.name}, every {in_words(run.job.every)}, {run.job.what}." for run in runs]
    if asleep:
        hint = "Start it (on Debian and Ubuntu: service cron start), or take `opskit cron show --systemd`."
        warnings = (*warnings, Problem("cron-asleep", "cron does not run on this machine: nothing will happen.", hint))
    data = {"crontab": _what(change), "jobs": [_with_line(run) for run in runs], "log": log}
    told = (*each, f"Every run is a line of {log}.")
    return Answer(data, problems=(*warnings, *_halves(change)), notes=told, records="jobs")


def removed(change: Change) -> Answer:
    """The answer of ``cron remove``."""
    left = parts(change.after).jobs
    gone = [name for name in parts(change.before).jobs if name not in left]
    said = {"changed": "Taken out of your crontab", "planned": "Would be taken out", "unchanged": "There was nothing"}
    note = f"{said[_what(change)]}: {', '.join(gone)}." if gone else "Nothing of opskit's is in your crontab."
    return Answer({"crontab": _what(change), "removed": gone}, problems=_halves(change), notes=(note,))


def _what(change: Change) -> str:
    if change.before == change.after:
        return "unchanged"
    return "changed" if change.done else "planned"


def _halves(change: Change) -> tuple[Problem, ...]:
    """A word on marks of opskit's that are left alone because what they hold is not opskit's."""
    if not parts(change.after).halves:
        return ()
    text = "Your crontab has opskit's marks around lines that are not opskit's, or half of them: they are left alone."
    return (Problem("half-a-block", text, "`crontab -e` if they are of no use any more."),)


@dataclass(frozen=True)
class Run:
    """One run of a job: the words it ran, when it began, its deadline, and how it ended. None: an earlier run of the
    same was still going on, so this one did nothing.
    """

    job: str
    words: tuple[str, ...]
    begun: datetime
    deadline: timedelta
    ended: Ended | None

    @property
    def envelope(self) -> dict[str, Any]:
        """What the command answered; empty where it did not come to that."""
        try:
            found = json.loads(self.ended.stdout if self.ended else "")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def exit(self) -> ExitCode:
        """The command's own exit code. A run that a signal or its deadline ended is partly done at best."""
        if self.ended is None:
            return ExitCode.DONE
        code = self.ended.exit
        return ExitCode(code) if code in list(ExitCode) else ExitCode.PARTLY

    @property
    def because(self) -> str:
        """How it ended, where that was not well."""
        if self.ended is None or self.exit is ExitCode.DONE:
            return ""
        if self.ended.exit is None:
            return f"it was ended at its deadline, after {in_words(self.deadline)}"
        errors = [str(each.get("message", "")) for each in self.envelope.get("errors", ())]
        last = self.ended.stderr.strip().splitlines()[-1:]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        return "".join(errors[:1] or last) + more

    def line(self) -> dict[str, Any]:
        """Its line in the log."""
        ended = self.ended
        told: dict[str, Any] = {
            "time": self.begun.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "job": self.job,
            "command": list(self.words),
            "exit": None if ended is None else int(self.exit),
            "status": self.status,
            "seconds": None if ended is None else round(ended.seconds, 1),
            **digest(self.envelope.get("data", {})),
            "errors": self.envelope.get("errors", []),
        }
        return told if ended is None or self.envelope else {**told, "stderr": ended.stderr[-_TAIL:]}

    @property
    def status(self) -> str:
        """In one word: the command's own, or that it was skipped or ended at its deadline."""
        if self.ended is None:
            return "skipped"
        return "deadline" if self.ended.exit is None else str(self.envelope.get("status", "error"))


def ran(run: Run, log: str | OpskitError, *, quiet: bool) -> Answer:
    """The answer of ``cron run``: one line on standard error when something is wrong, nothing to mail when not."""
    where = log if isinstance(log, str) else ""
    data = {
        "job": run.job,
        "runs": list(run.words),
        "exit": int(run.exit),
        "status": run.status,
        "skipped": run.ended is None,
        "seconds": None if run.ended is None else round(run.ended.seconds, 1),
        "log": where or None,
        "answer": run.envelope or None,
    }
    problems = () if isinstance(log, str) else (log.problem,)
    code = run.exit
    if code is not ExitCode.DONE:
        text = f"{run.job} ended with {int(code)}: {run.because.rstrip('.')}. The log: {where or 'none'}"
        problems = (Problem("run-failed", text), *problems)
    elif problems:
        code = ExitCode.PARTLY
    return Answer(data, code, problems, notes=() if quiet or code is not ExitCode.DONE else (_well(run, where),))


def _well(run: Run, log: str) -> str:
    if run.ended is None:
        return f"{run.job}: an earlier run still goes on; nothing was done."
    return f"{run.job}: all well, after {run.ended.seconds:.1f} s. The log: {log}"


def _record(run: Unattended) -> dict[str, Any]:
    """One job for programs."""
    return {
        "job": run.job.name,
        "what": run.job.what,
        "every_seconds": int(run.job.every.total_seconds()),
        "deadline_seconds": int(run.job.deadline.total_seconds()),
        "schedule": rhythm(run.job.every).cron,
        "runs": list(run.job.words),
        "command": list(run.command),
    }


def _with_line(run: Unattended) -> dict[str, Any]:
    return {**_record(run), "line": run.crontab_line().decode(errors="surrogateescape").rstrip("\n")}

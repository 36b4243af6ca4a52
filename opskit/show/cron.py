"""Cron for people and programs: the lines, the units, what was put where, and what a run came to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opskit.decide.crontab import block
from opskit.decide.schedules import rhythm
from opskit.decide.unattended import Unattended
from opskit.errors import Problem
from opskit.show.answer import Answer


def crontab_lines(runs: Sequence[Unattended], warnings: tuple[Problem, ...]) -> Answer:
    """The answer of ``cron show``: on standard output the block as it would stand in the crontab."""
    text = block({run.job.name: run.crontab_line() for run in runs}).decode(errors="surrogateescape")
    return Answer({"jobs": [record(run) for run in runs], "crontab": text}, problems=warnings, notes=(text.rstrip(),))


def systemd_units(runs: Sequence[Unattended], warnings: tuple[Problem, ...]) -> Answer:
    """The answer of ``cron show --systemd``: every unit under its file's name."""
    units = {name: text for run in runs for name, text in run.units().items()}
    shown = [f"# ~/.config/systemd/user/{name}\n{text}" for name, text in units.items()]
    timers = " ".join(name for name in units if name.endswith(".timer"))
    shown.append(f"# Then: systemctl --user daemon-reload && systemctl --user enable --now {timers}")
    return Answer({"jobs": [record(run) for run in runs], "units": units}, problems=warnings, notes=tuple(shown))


def record(run: Unattended) -> dict[str, Any]:
    """One job for programs."""
    return {
        "job": run.job.name,
        "what": run.job.what,
        "every_seconds": int(run.job.every.total_seconds()),
        "deadline_seconds": int(run.job.deadline.total_seconds()),
        "schedule": rhythm(run.job.every).cron,
        "runs": list(run.job.words),
        "command": list(run.command),
        "line": run.crontab_line().decode(errors="surrogateescape").rstrip("\n"),
    }

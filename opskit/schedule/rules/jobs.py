"""The jobs that opskit can run unattended, how often, and how cron and systemd express that."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from opskit.core.exceptions import UsageError

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
# The hour, by the machine's own clock, of what runs once a day or week.
_MORNING = 7


@dataclass(frozen=True)
class ScheduledJob:
    """One thing to do again and again: the ``arguments`` of the opskit command, how often, how long one run may
    take. ``installed_with`` are words that stand in what is installed from now on, in older lines and in the bare job
    not. ``only_named``: it is installed only where it is named.
    """

    name: str
    arguments: tuple[str, ...]
    interval: timedelta
    deadline: timedelta
    description: str
    installed_with: tuple[str, ...] = ()
    only_named: bool = False


@dataclass(frozen=True)
class Schedule:
    """One time span in the two languages: cron's five fields, and systemd's calendar event."""

    cron: str
    calendar: str


JOBS = (
    ScheduledJob(
        "stop-idle",
        ("notebook", "stop", "--idle", "--grace", "30m"),
        timedelta(minutes=15),  # at 30 a run some seconds early would find the grace unspent, and leave it to the next
        timedelta(minutes=10),
        "stops idle notebooks",
        ("--inside",),
    ),
    ScheduledJob(
        "resume",
        ("quotas", "increase", "--resume"),
        timedelta(minutes=10),
        timedelta(minutes=8),
        "submits the queued quota increases",
    ),
    ScheduledJob(
        "check",
        ("quotas", "check"),
        timedelta(days=1),
        timedelta(minutes=15),
        "checks the quotas",
    ),
    ScheduledJob(
        "costs",
        ("costs",),
        timedelta(days=1),
        timedelta(minutes=15),
        "says what bills",
        only_named=True,
    ),
    ScheduledJob(
        "stop-idle-endpoints",
        ("endpoint", "stop", "--idle", "--grace", "1d", "--yes"),
        timedelta(hours=6),
        timedelta(minutes=30),
        "stops idle endpoints",
        only_named=True,
    ),
)
DEFAULT_JOBS = tuple(job for job in JOBS if not job.only_named)
"""What is installed where no job is named."""


def find_job(name: str) -> ScheduledJob:
    """The job of that name.

    Raises:
        UsageError: there is none.
    """
    import difflib

    jobs_by_name = {job.name: job for job in JOBS}
    if name in jobs_by_name:
        return jobs_by_name[name]
    close = difflib.get_close_matches(name, list(jobs_by_name), n=1)
    hint = f"Did you mean '{close[0]}'?" if close else f"There are: {', '.join(jobs_by_name)}."
    raise UsageError("no-job", f"There is no job '{name}'.", hint)


def customize_job(
    job: ScheduledJob,
    more: tuple[str, ...],
    every: timedelta | None,
    deadline: timedelta | None,
    *,
    inside: bool | None = None,
) -> ScheduledJob:
    """The job with more words behind its command, another rhythm or another deadline. ``inside`` False: the settings
    say that nobody looks inside a notebook, so the line does not ask for it.

    Raises:
        UsageError: nothing can run that often, or one run may take longer than that.
    """
    said = inside is False or {"--inside", "--no-inside"}.intersection(more)
    changed = replace(
        job,
        arguments=(*job.arguments, *(() if said else job.installed_with), *more),
        interval=every or job.interval,
        deadline=deadline or min(job.deadline, every or _LONG),
    )
    cron_schedule(changed.interval)
    if not timedelta(seconds=1) <= changed.deadline <= changed.interval:
        hint = "Choose it from 1s up to the time between two runs."
        raise UsageError("bad-deadline", f"{job.name}: a run cannot have such a deadline.", hint)
    return changed


_LONG = timedelta(days=7)


def cron_schedule(every: timedelta) -> Schedule:
    """How cron and systemd are told to do something that often.

    Raises:
        UsageError: cron's fields cannot say it evenly.
    """
    seconds = int(every.total_seconds())
    minutes, hours = seconds // _MINUTE, seconds // _HOUR
    if seconds == 7 * _DAY:
        return Schedule(f"0 {_MORNING} * * 1", f"Mon {_MORNING:02}:00")
    if seconds == _DAY:
        return Schedule(f"0 {_MORNING} * * *", f"{_MORNING:02}:00")
    if hours and every == timedelta(hours=hours) and 24 % hours == 0:
        return Schedule(f"0 {_step_field(hours)} * * *", f"0/{hours}:00")
    if minutes and every == timedelta(minutes=minutes) and 60 % minutes == 0:
        return Schedule(f"{_step_field(minutes)} * * * *", f"*:0/{minutes}")
    hint = "It must go evenly into an hour or a day, such as 10m, 30m or 6h, or be 1d or 7d."
    raise UsageError("bad-rhythm", "cron cannot express that interval.", hint)


def _step_field(step: int) -> str:
    return "*" if step == 1 else f"*/{step}"

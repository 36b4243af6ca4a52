"""What opskit can do by itself, how often, and how cron and systemd are told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from opskit.errors import UsageProblem

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_MORNING = 7
"""The hour, by the machine's own clock, of what runs once a day or week."""


@dataclass(frozen=True)
class Job:
    """One thing to do again and again: the ``words`` of the opskit command, how often, how long one run may take."""

    name: str
    words: tuple[str, ...]
    every: timedelta
    deadline: timedelta
    what: str


@dataclass(frozen=True)
class Rhythm:
    """One time span in the two languages: cron's five fields, and systemd's calendar event."""

    cron: str
    calendar: str


JOBS = (
    Job(
        "stop-idle",
        ("notebook", "stop", "--idle", "--grace", "30m"),
        timedelta(minutes=15),  # at 30 a run some seconds early would find the grace unspent, and leave it to the next
        timedelta(minutes=10),
        "stops notebooks that nobody uses",
    ),
    Job(
        "resume",
        ("quotas", "increase", "--resume"),
        timedelta(minutes=10),
        timedelta(minutes=8),
        "files the quota increases that wait for their turn",
    ),
    Job(
        "check",
        ("quotas", "check"),
        timedelta(days=1),
        timedelta(minutes=15),
        "looks whether there is still room",
    ),
)


def job(name: str) -> Job:
    """The job of that name.

    Raises:
        UsageProblem: there is none.
    """
    import difflib

    known = {each.name: each for each in JOBS}
    if name in known:
        return known[name]
    close = difflib.get_close_matches(name, list(known), n=1)
    hint = f"Did you mean '{close[0]}'?" if close else f"There are: {', '.join(known)}."
    raise UsageProblem("no-job", f"There is no job '{name}'.", hint)


def adapted(job: Job, more: tuple[str, ...], every: timedelta | None, deadline: timedelta | None) -> Job:
    """The job with more words behind its command, another rhythm or another deadline.

    Raises:
        UsageProblem: nothing can run that often, or one run may take longer than that.
    """
    changed = replace(
        job, words=(*job.words, *more), every=every or job.every, deadline=deadline or min(job.deadline, every or _LONG)
    )
    rhythm(changed.every)
    if not timedelta(seconds=1) <= changed.deadline <= changed.every:
        hint = "Choose it from 1s up to the time between two runs."
        raise UsageProblem("bad-deadline", f"{job.name}: a run cannot have such a deadline.", hint)
    return changed


_LONG = timedelta(days=7)


def rhythm(every: timedelta) -> Rhythm:
    """How cron and systemd are told to do something that often.

    Raises:
        UsageProblem: cron's fields cannot say it evenly.
    """
    seconds = int(every.total_seconds())
    minutes, hours = seconds // _MINUTE, seconds // _HOUR
    if seconds == 7 * _DAY:
        return Rhythm(f"0 {_MORNING} * * 1", f"Mon {_MORNING:02}:00")
    if seconds == _DAY:
        return Rhythm(f"0 {_MORNING} * * *", f"{_MORNING:02}:00")
    if hours and every == timedelta(hours=hours) and 24 % hours == 0:
        return Rhythm(f"0 {_each(hours)} * * *", f"0/{hours}:00")
    if minutes and every == timedelta(minutes=minutes) and 60 % minutes == 0:
        return Rhythm(f"{_each(minutes)} * * * *", f"*:0/{minutes}")
    hint = "It must go evenly into an hour or a day, such as 10m, 30m or 6h, or be 1d or 7d."
    raise UsageProblem("bad-rhythm", "cron cannot run anything at such a distance.", hint)


def _each(step: int) -> str:
    return "*" if step == 1 else f"*/{step}"

"""For how long something may be idle, and what happens then: its patience is a time, or for as long as it costs an
amount (``--patience-usd``); the grace after it begins with a tag on the resource, and ends with the stop.

The tag holds since when the resource is known to be idle, until when it is left on, and which run of opskit found that
out. It is the only memory that all runs share, on whatever machine: who reads it knows whether a grace runs, and whose
it is. Its checksum is over the resource's ARN too, so what somebody else wrote, changed, or copied with the tags of
another resource is no grace, and one that opskit has not told anybody of ends nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from typing import Protocol

from opskit.core.tags import IDLE_SINCE, MAX_CLOCK_SKEW, parse_timestamp
from opskit.core.text import format_duration

LONGEST_PATIENCE = timedelta(days=3650)
"""What costs next to nothing may be idle for so long: beyond it, time cannot be reckoned with."""


@dataclass(frozen=True)
class Patience:
    """After how long something is idle. ``because`` says how its price makes it that; empty: a time was asked for."""

    span: timedelta
    because: str = ""

    def __str__(self) -> str:
        said = format_duration(self.span)
        return f"{said} ({self.because})" if self.because else said


def price_patience(
    usd: Decimal | None, usd_per_hour: Decimal | None, ordinary: timedelta, shortest: timedelta
) -> Patience:
    """For how long something may be idle that costs ``usd_per_hour``, both in USD: for as long as it costs ``usd``, and
    never for less than the time ``shortest``. ``usd`` None: nobody asked for that; ``usd_per_hour`` None: nobody knows
    the price. The time ``ordinary`` counts then.
    """
    if usd is None:
        return Patience(ordinary)
    if usd_per_hour is None:
        return Patience(ordinary, f"its price is not known, so it is not the time that {usd:f} USD last")
    if usd_per_hour <= 0:
        return Patience(LONGEST_PATIENCE, "it costs nothing")
    told = f"{usd:f} USD at {usd_per_hour:f} USD per hour"
    hours = usd / usd_per_hour
    if hours < Decimal(shortest.total_seconds()) / 3600:
        return Patience(shortest, f"the shortest; {told} last less")
    if hours > Decimal(LONGEST_PATIENCE.total_seconds()) / 3600:
        return Patience(LONGEST_PATIENCE, told)
    return Patience(timedelta(seconds=int(hours * 3600)), told)


def patience_record(patience: Patience | None) -> dict[str, int | str | None]:
    """A patience, for JSON; None: nothing is idle or not there."""
    return {
        "patience_seconds": None if patience is None else int(patience.span.total_seconds()),
        "patience_because": (patience and patience.because) or None,
    }


_VALUE = re.compile(r"(?P<since>\S+) until (?P<until>\S+) by (?P<run>[0-9a-f]{8})-(?P<sum>[0-9a-f]{8})")


@dataclass(frozen=True)
class GraceTag:
    """A grace. ``run`` is the id of the run that began it: eight hexadecimal digits."""

    since: datetime
    until: datetime
    run: str


def format_grace_tag(grace: GraceTag, arn: str) -> str:
    """The value of the tag on the resource of this ARN, readable in the console: ``SINCE until UNTIL by RUN-SUM``."""
    since, until = (when.isoformat(timespec="seconds") for when in (grace.since, grace.until))
    return f"{since} until {until} by {grace.run}-{_checksum(since, until, grace.run, arn)}"


def parse_grace_tag(value: object, arn: str) -> GraceTag | None:
    """The grace that a tag's value holds; None where it is not there, or opskit did not write it on this resource."""
    found = _VALUE.fullmatch(value) if isinstance(value, str) else None
    if found is None or found["sum"] != _checksum(found["since"], found["until"], found["run"], arn):
        return None
    since, until = parse_timestamp(found["since"]), parse_timestamp(found["until"])
    return GraceTag(since, until, found["run"]) if since and until else None


def _checksum(since: str, until: str, run: str, arn: str) -> str:
    return sha256(f"{arn}|{since}|{until}|{run}".encode()).hexdigest()[:8]


class IdleJudgement(Protocol):
    """A verdict over a resource and its reason. ``idle`` None: for how long it is idle cannot be told; ``readable``
    False: something that the verdict needs could not be read.
    """

    @property
    def is_idle(self) -> bool:
        """Whether nobody uses it."""

    @property
    def reason(self) -> str:
        """Why."""

    @property
    def idle(self) -> timedelta | None:
        """For how long at least."""

    @property
    def readable(self) -> bool:
        """Whether everything could be read."""


class IdleStep(StrEnum):
    """What is done to a resource that may be idle: stop it, tag it as idle, take that tag off, or nothing."""

    STOP = "stop"
    TAG = "mark"
    UNTAG = "unmark"
    NOTHING = "nothing"

    @property
    def is_stop(self) -> bool:
        """Whether it ends what runs there."""
        match self:
            case IdleStep.STOP:
                return True
            case IdleStep.TAG | IdleStep.UNTAG | IdleStep.NOTHING:
                return False

    @property
    def begins_grace(self) -> bool:
        """Whether an idle notebook is left on for a grace from now."""
        match self:
            case IdleStep.TAG:
                return True
            case IdleStep.STOP | IdleStep.UNTAG | IdleStep.NOTHING:
                return False

    @property
    def is_change(self) -> bool:
        """Whether something is sent to AWS."""
        match self:
            case IdleStep.STOP | IdleStep.TAG | IdleStep.UNTAG:
                return True
            case IdleStep.NOTHING:
                return False

    @property
    def needs_inside_inspection(self) -> bool:
        """Whether it stands on a notebook's being idle, so that it takes a look inside first."""
        match self:
            case IdleStep.STOP | IdleStep.TAG:
                return True
            case IdleStep.UNTAG | IdleStep.NOTHING:
                return False


@dataclass(frozen=True)
class NextStep:
    """A step and why. ``stops_at`` is when the grace of what was seen idle ends; None: no such grace runs or is to
    begin.
    """

    step: IdleStep
    reason: str
    stops_at: datetime | None = None


def next_step(
    assessment: IdleJudgement, tags: Mapping[str, str], grace: timedelta | None, now: datetime, arn: str
) -> NextStep:
    """What is due at ``now`` for the resource of this ARN. ``grace`` None: an idle notebook is stopped at once, and no
    tag is looked at.
    """
    if not assessment.is_idle:
        # Work that resumes takes the tag off; one that cannot be read may be at rest still, and keeps its tag.
        is_over = grace is not None and IDLE_SINCE in tags and assessment.readable
        return NextStep(IdleStep.UNTAG if is_over else IdleStep.NOTHING, assessment.reason)
    if grace is None:
        return NextStep(IdleStep.STOP, assessment.reason)
    running = running_grace(tags, assessment, now, arn)
    if running is None:
        reason = f"{assessment.reason}; it has {format_duration(grace)} of grace from now"
        return NextStep(IdleStep.TAG, reason, now + grace)
    # The later one: a grace that was told is never cut short by a run with a shorter one.
    stops_at = max(running.since + grace, running.until)
    if now < stops_at:
        left = format_duration(min(stops_at - now, stops_at - running.since))
        return NextStep(IdleStep.NOTHING, f"{assessment.reason}; {left} of its grace are left", stops_at)
    lasted = format_duration(stops_at - running.since)
    return NextStep(IdleStep.STOP, f"{assessment.reason}; its grace of {lasted} is over")


def running_grace(tags: object, assessment: IdleJudgement, now: datetime, arn: str) -> GraceTag | None:
    """The grace that a resource is in; None where its tag is missing, is not opskit's, or says nothing about today."""
    running = parse_grace_tag(tags.get(IDLE_SINCE), arn) if isinstance(tags, Mapping) else None
    # A time in the future is no clock's error any more, and would keep a notebook on for ever.
    if running is None or running.since > now + MAX_CLOCK_SKEW:
        return None
    # What could not be read may be at rest still.
    if assessment.idle is None and not assessment.readable:
        return running
    # Work was seen after the tag: it is left of an earlier rest, and counts for nothing.
    return None if running.since < now - (assessment.idle or timedelta(0)) else running


@dataclass(frozen=True)
class SentGrace:
    """What became of a tag that begins a grace, a moment after it was sent. ``is_own``: it stands, so that this run is
    to tell of it; ``stops_at`` None: no grace runs; ``word`` is why it is not this run's.
    """

    is_own: bool
    stops_at: datetime | None
    word: str = ""


def judge_sent_grace(tags: object, arn: str, run_id: str, sent_until: datetime | None) -> SentGrace:
    """Whose grace runs by the tags of now. Of several runs that found a thing idle at once, the last tag stands. Where
    the tags cannot be read, it counts as this run's: told twice is better than not at all.
    """
    if not isinstance(tags, Mapping):
        return SentGrace(True, sent_until)
    stands = parse_grace_tag(tags.get(IDLE_SINCE), arn)
    if stands is None:
        return SentGrace(False, None, "the tag is gone again, so no grace runs")
    if stands.run == run_id:
        return SentGrace(True, stands.until)
    return SentGrace(False, stands.until, "another run of opskit began its grace at the same time")

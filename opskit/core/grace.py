"""What is due for a resource once it is judged: with a grace, an idle one is first told by a tag, then stopped.

A grace counts only while no work was seen after it began, so a tag that outlived a time of work stops nothing, and a
tag that opskit did not write begins nothing. A grace is never cut short: where a later run has a shorter one, the time
that was told when it began still holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from opskit.core.durations import format_duration
from opskit.core.grace_tag import GraceTag, parse_grace_tag
from opskit.core.keep_tags import MAX_CLOCK_SKEW
from opskit.core.tag_keys import IDLE_SINCE


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
    def needs_look_inside(self) -> bool:
        """Whether it stands on a notebook's being idle, so that it takes a look inside first."""
        match self:
            case IdleStep.STOP | IdleStep.TAG:
                return True
            case IdleStep.UNTAG | IdleStep.NOTHING:
                return False


@dataclass(frozen=True)
class NextStep:
    """A step and why. ``stops_at`` is when a grace ends that runs or is to begin; None: none does."""

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
        return _step_when_busy(assessment, tags, grace)
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


def _step_when_busy(assessment: IdleJudgement, tags: Mapping[str, str], grace: timedelta | None) -> NextStep:
    """What is due for one that is not idle: work that resumes takes the tag off."""
    # One that cannot be read may be at rest still, and keeps its tag.
    over = grace is not None and IDLE_SINCE in tags and assessment.readable
    return NextStep(IdleStep.UNTAG if over else IdleStep.NOTHING, assessment.reason)

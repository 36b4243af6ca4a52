"""What is due for a notebook once it is judged: with a grace, an idle one is first told by a tag, then stopped.

The tag ``opskit:idle-since`` holds the time of the look that first found the notebook idle. It counts only while no
work was seen after it, so a tag that somebody else wrote, or that outlived a time of work, stops nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from opskit.core.durations import format_duration
from opskit.notebooks.rules.idleness import MAX_CLOCK_SKEW, IdleAssessment, parse_timestamp

IDLE_SINCE = "opskit:idle-since"


class NotebookStep(StrEnum):
    """What is done to a notebook: stop it, tag it as idle, take that tag off, or nothing."""

    STOP = "stop"
    TAG = "mark"
    UNTAG = "unmark"
    NOTHING = "nothing"

    @property
    def is_stop(self) -> bool:
        """Whether it ends what runs in the notebook."""
        match self:
            case NotebookStep.STOP:
                return True
            case NotebookStep.TAG | NotebookStep.UNTAG | NotebookStep.NOTHING:
                return False

    @property
    def is_change(self) -> bool:
        """Whether something is sent to AWS."""
        match self:
            case NotebookStep.STOP | NotebookStep.TAG | NotebookStep.UNTAG:
                return True
            case NotebookStep.NOTHING:
                return False

    @property
    def needs_look_inside(self) -> bool:
        """Whether it stands on a notebook's being idle, so that it takes a look inside first."""
        match self:
            case NotebookStep.STOP | NotebookStep.TAG:
                return True
            case NotebookStep.UNTAG | NotebookStep.NOTHING:
                return False


@dataclass(frozen=True)
class NextStep:
    """A step and why."""

    step: NotebookStep
    reason: str


def next_step(assessment: IdleAssessment, tags: Mapping[str, str], grace: timedelta | None, now: datetime) -> NextStep:
    """What is due at ``now``. ``grace`` None: an idle notebook is stopped at once, and no tag is looked at."""
    if not assessment.verdict.is_idle:
        return _step_when_busy(assessment, tags, grace)
    if grace is None:
        return NextStep(NotebookStep.STOP, assessment.reason)
    marked = _idle_tag_time(tags, assessment, now)
    if marked is None:
        return NextStep(NotebookStep.TAG, f"{assessment.reason}; it has {format_duration(grace)} of grace from now")
    waited = max(now - marked, timedelta(0))
    if waited < grace:
        return NextStep(
            NotebookStep.NOTHING, f"{assessment.reason}; {format_duration(grace - waited)} of its grace are left"
        )
    return NextStep(NotebookStep.STOP, f"{assessment.reason}; its grace of {format_duration(grace)} is over")


def _step_when_busy(assessment: IdleAssessment, tags: Mapping[str, str], grace: timedelta | None) -> NextStep:
    """Work that resumes takes the tag off. A notebook that cannot be read may be at rest still, and keeps it."""
    over = grace is not None and IDLE_SINCE in tags and assessment.readable
    return NextStep(NotebookStep.UNTAG if over else NotebookStep.NOTHING, assessment.reason)


def _idle_tag_time(tags: Mapping[str, str], assessment: IdleAssessment, now: datetime) -> datetime | None:
    """Since when the notebook is known to be idle; None where its tag is not there or says nothing about today."""
    marked = parse_timestamp(tags.get(IDLE_SINCE))
    if marked is None or marked > now + MAX_CLOCK_SKEW or marked < now - (assessment.idle or timedelta(0)):
        return None
    return marked

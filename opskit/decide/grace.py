"""What is due for a notebook once it is judged: with a grace, an idle one is first told by a tag, then stopped.

The tag ``opskit:idle-since`` holds the time of the look that first found the notebook idle. It counts only while no
work was seen after it, so a tag that somebody else wrote, or that outlived a time of work, stops nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from opskit.decide.idleness import SKEW, Judgement, moment
from opskit.decide.spans import in_words
from opskit.model import Idleness

IDLE_SINCE = "opskit:idle-since"


class Step(StrEnum):
    """What is done to a notebook: stop it, tag it as idle, take that tag off, or nothing."""

    STOP = "stop"
    MARK = "mark"
    UNMARK = "unmark"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Due:
    """A step and why."""

    step: Step
    because: str


def due(judgement: Judgement, tags: Mapping[str, str], grace: timedelta | None, now: datetime) -> Due:
    """What is due at ``now``. ``grace`` None: an idle notebook is stopped at once, and no tag is looked at."""
    if judgement.verdict is not Idleness.IDLE:
        return _at_work(judgement, tags, grace)
    if grace is None:
        return Due(Step.STOP, judgement.because)
    marked = _marked(tags, judgement, now)
    if marked is None:
        return Due(Step.MARK, f"{judgement.because}; it has {in_words(grace)} of grace from now")
    waited = max(now - marked, timedelta(0))
    if waited < grace:
        return Due(Step.NOTHING, f"{judgement.because}; {in_words(grace - waited)} of its grace are left")
    return Due(Step.STOP, f"{judgement.because}; its grace of {in_words(grace)} is over")


def _at_work(judgement: Judgement, tags: Mapping[str, str], grace: timedelta | None) -> Due:
    """Work that resumes takes the tag off. A notebook that cannot be read may be at rest still, and keeps it."""
    over = grace is not None and IDLE_SINCE in tags and judgement.readable
    return Due(Step.UNMARK if over else Step.NOTHING, judgement.because)


def _marked(tags: Mapping[str, str], judgement: Judgement, now: datetime) -> datetime | None:
    """Since when the notebook is known to be idle; None where its tag is not there or says nothing about today."""
    marked = moment(tags.get(IDLE_SINCE))
    if marked is None or marked > now + SKEW or marked < now - (judgement.idle or timedelta(0)):
        return None
    return marked

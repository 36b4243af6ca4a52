"""What is due for a resource that is stopped when idle, what became of that, and how old what it stands on may be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from opskit.core.exceptions import Problem
from opskit.core.grace import IdleStep

SeenT = TypeVar("SeenT")

FRESH_SECONDS = 1.0
"""No change stands on anything older. Where the answers take longer, all is read again."""

# Where so many rechecks took longer, the next will as well: the connection is slow, and not just this moment busy.
MAX_STALE_READS = 5
"""After so many rechecks that took too long a change is given up."""

# A run that did not see another's tag looked before it was there, and sends its own at most so long after its look; the
# last one that was sent stays.
SETTLE_SECONDS = 2 * FRESH_SECONDS
"""How long after the tag of a grace was sent its reader knows whose it is."""


GONE = "gone"
"""The status of what is not there any more, which is none of AWS's."""


class StopOutcome(StrEnum):
    """What became of a stop."""

    DONE = "done"
    PLANNED = "planned"
    REFUSED = "refused"
    UNKNOWN = "unknown"

    @property
    def is_done(self) -> bool:
        """Whether it was stopped."""
        match self:
            case StopOutcome.DONE:
                return True
            case StopOutcome.PLANNED | StopOutcome.REFUSED | StopOutcome.UNKNOWN:
                return False

    @property
    def is_planned(self) -> bool:
        """Whether it is yet to be stopped."""
        match self:
            case StopOutcome.PLANNED:
                return True
            case StopOutcome.DONE | StopOutcome.REFUSED | StopOutcome.UNKNOWN:
                return False

    @property
    def is_unknown(self) -> bool:
        """Whether it may have taken effect, and nobody knows."""
        match self:
            case StopOutcome.UNKNOWN:
                return True
            case StopOutcome.DONE | StopOutcome.PLANNED | StopOutcome.REFUSED:
                return False

    @property
    def is_refused(self) -> bool:
        """Whether AWS or opskit said no."""
        match self:
            case StopOutcome.REFUSED:
                return True
            case StopOutcome.DONE | StopOutcome.PLANNED | StopOutcome.UNKNOWN:
                return False

    @property
    def is_failure(self) -> bool:
        """Whether it may run on though it was to be stopped."""
        match self:
            case StopOutcome.REFUSED | StopOutcome.UNKNOWN:
                return True
            case StopOutcome.DONE | StopOutcome.PLANNED:
                return False


@dataclass(frozen=True)
class ResourceStop(Generic[SeenT]):
    """One resource: what was seen, what is due, and what became of that.

    ``outcome`` is what became of its stop, or what went wrong with its tag; None: no stop of it is due, and with its
    tag nothing went wrong. ``status`` is what it is now; None: as it was seen. ``looked_ms_ago`` is how old the oldest
    of what the change stands on was when the change was sent; None: none was. ``stops_at`` is when the grace of what
    was seen idle ends; None: no such grace runs or begins; ``grace_begun``: it began with this run. ``question`` is
    what somebody has to agree to before it is stopped; None: nothing. ``refusal`` is opskit's refusal, with its code
    and hint; None: it has refused nothing.
    """

    inspected: SeenT
    step: IdleStep
    reason: str
    outcome: StopOutcome | None = None
    status: str | None = None
    looked_ms_ago: int | None = None
    stops_at: datetime | None = None
    grace_begun: bool = False
    question: Problem | None = None
    refusal: Problem | None = None

    @property
    def will_stop(self) -> bool:
        """Whether it is to be stopped."""
        return self.step.is_stop

    @property
    def is_done(self) -> bool:
        """Whether this run stopped it."""
        return self.outcome is not None and self.outcome.is_done

    @property
    def outcome_is_planned(self) -> bool:
        """Whether it is yet to be stopped."""
        return self.outcome is not None and self.outcome.is_planned

    @property
    def outcome_is_unknown(self) -> bool:
        """Whether what was sent may have taken effect."""
        return self.outcome is not None and self.outcome.is_unknown

    @property
    def sent_grace(self) -> bool:
        """Whether a tag that begins a grace was sent, and AWS has not refused it."""
        return self.step.begins_grace and (self.looked_ms_ago is not None or self.outcome_is_unknown)

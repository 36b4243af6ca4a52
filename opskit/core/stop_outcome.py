"""What became of a stop, and how old what it stands on may be."""

from __future__ import annotations

from enum import StrEnum

FRESH_SECONDS = 1.0
"""No change stands on anything older. Where the answers take longer, the look is made again."""

# Where so many looks took longer, the next will as well: the way there is slow, and not just this moment busy.
OLD_LOOKS = 5
"""So many looks that took too long are made before a change is given up."""

# A run that did not see another's tag looked before it was there, and sends its own at most so long after its look; the
# last one that was sent stays.
SETTLE_SECONDS = 2 * FRESH_SECONDS
"""How long after the tag of a grace was sent its reader knows whose it is."""


class StopOutcome(StrEnum):
    """What became of a stop."""

    DONE = "done"
    PLANNED = "planned"
    REFUSED = "refused"
    UNKNOWN = "unknown"

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

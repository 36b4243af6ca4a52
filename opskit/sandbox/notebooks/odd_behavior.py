"""What AWS's notebook instances do now and then, and one of the sandbox does always where a tag asks for it.

Clients have worked around it for years: a start that AWS took is seen late or not at all, an instance that was just
made is not found, and there are two statuses whose meaning AWS does not tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from opskit.sandbox.errors import validation_error

START_TAG = "opskit-sandbox:start"
CREATE_TAG = "opskit-sandbox:create"
MAINTENANCE_TAG = "opskit-sandbox:maintenance"

# Every start is seen late, by as much as a quick client notices.
_SHORT_DELAY = timedelta(seconds=0.3)
_LONG_DELAY = timedelta(seconds=3)


class StartBehavior(StrEnum):
    """What becomes of a StartNotebookInstance that is answered with success."""

    PLAIN = "plain"
    """It takes, and Describe and List say the old status for a moment."""
    LATE = "late"
    """It takes, and they say the old status for three seconds."""
    LOST = "lost"
    """The first after each stop does not take, the next does."""
    NEVER = "never"
    """None takes."""

    @property
    def seen_after(self) -> timedelta:
        """How long the old status is still told after a start."""
        match self:
            case StartBehavior.LATE:
                return _LONG_DELAY
            case StartBehavior.PLAIN | StartBehavior.LOST | StartBehavior.NEVER:
                return _SHORT_DELAY

    def takes_start(self, earlier: int) -> bool:
        """Whether a start takes, after so many since the last stop that did not."""
        match self:
            case StartBehavior.PLAIN | StartBehavior.LATE:
                return True
            case StartBehavior.LOST:
                return earlier > 0
            case StartBehavior.NEVER:
                return False


class MaintenanceStatus(StrEnum):
    """Told in the place of InService. AWS does not document what the two mean, so here they differ: during
    PendingMaintenance everything goes on as in service, during InMaintenance AWS refuses what needs InService.
    """

    PENDING_MAINTENANCE = "PendingMaintenance"
    IN_MAINTENANCE = "InMaintenance"

    @property
    def acts_in_service(self) -> bool:
        """Whether it can be entered and stopped."""
        match self:
            case MaintenanceStatus.PENDING_MAINTENANCE:
                return True
            case MaintenanceStatus.IN_MAINTENANCE:
                return False


def start_behavior(tags: Mapping[str, str]) -> StartBehavior:
    """How starts of a notebook with these tags go."""
    asked = tags.get(START_TAG, "")
    return StartBehavior(asked) if asked in [*StartBehavior] else StartBehavior.PLAIN


def hidden_after_create(tags: Mapping[str, str]) -> timedelta:
    """How long a notebook that was made with these tags is not found."""
    return _LONG_DELAY if CREATE_TAG in tags else timedelta(0)


def maintenance_status(tags: Mapping[str, str]) -> MaintenanceStatus | None:
    """The maintenance that a notebook with these tags is in whenever it is in service; None: none."""
    asked = tags.get(MAINTENANCE_TAG, "")
    return MaintenanceStatus(asked) if asked in [*MaintenanceStatus] else None


def check_behavior_tags(tags: Mapping[str, str]) -> None:
    """Raise a ValidationException for a tag of these that asks for nothing the sandbox does."""
    allowed = {
        START_TAG: [*StartBehavior],
        CREATE_TAG: ["late"],
        MAINTENANCE_TAG: [*MaintenanceStatus],
    }
    for key, values in allowed.items():
        if tags.get(key, values[0]) not in values:
            raise validation_error(f"The sandbox knows these values of the tag {key}: {', '.join(values)}.")

"""The statuses of a job."""

from __future__ import annotations

from enum import StrEnum


class JobStatus(StrEnum):
    """The statuses of training, transform and processing jobs."""

    IN_PROGRESS = "InProgress"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    COMPLETED = "Completed"
    FAILED = "Failed"

    @property
    def is_active(self) -> bool:
        """Whether the job still holds its instances."""
        match self:
            case JobStatus.IN_PROGRESS | JobStatus.STOPPING:
                return True
            case JobStatus.STOPPED | JobStatus.COMPLETED | JobStatus.FAILED:
                return False

    @property
    def has_failed(self) -> bool:
        """Whether the job came to nothing: its warm pool is not kept."""
        match self:
            case JobStatus.FAILED:
                return True
            case JobStatus.IN_PROGRESS | JobStatus.STOPPING | JobStatus.STOPPED | JobStatus.COMPLETED:
                return False

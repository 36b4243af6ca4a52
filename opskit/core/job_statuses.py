"""The statuses of jobs and of what they keep, in AWS's words."""

from __future__ import annotations

from typing import Protocol

from opskit.core.aws_statuses import AwsStatus


class WarmPoolStatus(AwsStatus):
    """What has become of the instances that a training job was to keep for the next."""

    AVAILABLE = "Available"
    IN_USE = "InUse"
    REUSED = "Reused"
    TERMINATED = "Terminated"
    UNKNOWN = "unknown"

    @property
    def may_hold_quota(self) -> bool:
        """Whether they may count towards the quota."""
        match self:
            case WarmPoolStatus.AVAILABLE | WarmPoolStatus.IN_USE | WarmPoolStatus.UNKNOWN:
                return True
            case WarmPoolStatus.REUSED | WarmPoolStatus.TERMINATED:
                return False


class EndingStatus(Protocol):
    """A status of something that ends by itself, such as a job."""

    @property
    def is_finished(self) -> bool:
        """Whether it has ended and costs nothing more."""


class JobStatus(AwsStatus):
    """The status of a training, transform, processing or AutoML job."""

    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    DELETING = "Deleting"
    UNKNOWN = "unknown"

    @property
    def is_finished(self) -> bool:
        """Whether the job has ended and costs nothing more. An unknown status may go on."""
        match self:
            case JobStatus.COMPLETED | JobStatus.FAILED | JobStatus.STOPPED | JobStatus.DELETING:
                return True
            case JobStatus.IN_PROGRESS | JobStatus.STOPPING | JobStatus.UNKNOWN:
                return False

    @property
    def is_running(self) -> bool:
        """Whether AWS reports the job as running."""
        match self:
            case JobStatus.IN_PROGRESS | JobStatus.STOPPING:
                return True
            case JobStatus.COMPLETED | JobStatus.FAILED | JobStatus.STOPPED | JobStatus.DELETING | JobStatus.UNKNOWN:
                return False

    @property
    def is_completed(self) -> bool:
        """Whether the job succeeded."""
        match self:
            case JobStatus.COMPLETED:
                return True
            case JobStatus.IN_PROGRESS | JobStatus.FAILED | JobStatus.STOPPING | JobStatus.STOPPED:
                return False
            case JobStatus.DELETING | JobStatus.UNKNOWN:
                return False

    @property
    def is_stopped(self) -> bool:
        """Whether somebody stopped the job."""
        match self:
            case JobStatus.STOPPED:
                return True
            case JobStatus.IN_PROGRESS | JobStatus.COMPLETED | JobStatus.FAILED | JobStatus.STOPPING:
                return False
            case JobStatus.DELETING | JobStatus.UNKNOWN:
                return False

    @property
    def may_log_late(self) -> bool:
        """Whether the reason for its end may still be on its way to CloudWatch Logs."""
        match self:
            case JobStatus.FAILED:
                return True
            case JobStatus.COMPLETED | JobStatus.STOPPED | JobStatus.DELETING:
                return False
            case JobStatus.IN_PROGRESS | JobStatus.STOPPING | JobStatus.UNKNOWN:
                return False


class TuningJobStatus(AwsStatus):
    """The status of a hyperparameter tuning job."""

    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    DELETING = "Deleting"
    DELETE_FAILED = "DeleteFailed"
    UNKNOWN = "unknown"

    @property
    def is_finished(self) -> bool:
        """Whether the job has ended. AWS deletes only one that has."""
        match self:
            case TuningJobStatus.COMPLETED | TuningJobStatus.FAILED | TuningJobStatus.STOPPED:
                return True
            case TuningJobStatus.DELETING | TuningJobStatus.DELETE_FAILED:
                return True
            case TuningJobStatus.IN_PROGRESS | TuningJobStatus.STOPPING | TuningJobStatus.UNKNOWN:
                return False


class LabelingJobStatus(AwsStatus):
    """The status of a labeling job."""

    INITIALIZING = "Initializing"
    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    UNKNOWN = "unknown"

    @property
    def is_finished(self) -> bool:
        """Whether the job has ended."""
        match self:
            case LabelingJobStatus.COMPLETED | LabelingJobStatus.FAILED | LabelingJobStatus.STOPPED:
                return True
            case LabelingJobStatus.INITIALIZING | LabelingJobStatus.IN_PROGRESS | LabelingJobStatus.STOPPING:
                return False
            case LabelingJobStatus.UNKNOWN:
                return False

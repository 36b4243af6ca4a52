"""How things are, in SageMaker's words, and what each word means for opskit.

A word that AWS invents later is ``UNKNOWN``, whose row says what is then assumed: never that something is idle, over or
free. The word itself stays in the ``status`` of what was read, for people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class NotebookStatus(StrEnum):
    """How a notebook instance is."""

    PENDING = "Pending"
    IN_SERVICE = "InService"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    FAILED = "Failed"
    DELETING = "Deleting"
    UPDATING = "Updating"
    PENDING_MAINTENANCE = "PendingMaintenance"
    IN_MAINTENANCE = "InMaintenance"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> NotebookStatus:
        return cls.UNKNOWN

    @property
    def traits(self) -> NotebookTraits:
        """What it means."""
        return _NOTEBOOK_TRAITS[self]


@dataclass(frozen=True, kw_only=True)
class NotebookTraits:
    """What the status of a notebook instance means."""

    is_in_service: bool = False
    """It can be used."""
    may_run_jupyter: bool = False
    """A Jupyter may be at work in it."""
    comes_up: bool = False
    """It leads to InService by itself."""
    runs_or_will: bool = False
    """It was started, and not stopped since."""
    has_failed: bool = False
    """It did not come up."""
    is_going: bool = False
    """It is being deleted."""
    stop_took_effect: bool = False
    """It is what a stop leads to."""
    can_start: bool = False
    """AWS takes a start."""
    may_hold_quota: bool = True
    """Its instance may count towards the quota."""


# What the two maintenance statuses mean, AWS does not document: they may run, and bill.
_NOTEBOOK_TRAITS: Mapping[NotebookStatus, NotebookTraits] = {
    NotebookStatus.PENDING: NotebookTraits(comes_up=True, runs_or_will=True),
    NotebookStatus.IN_SERVICE: NotebookTraits(is_in_service=True, may_run_jupyter=True, runs_or_will=True),
    NotebookStatus.STOPPING: NotebookTraits(stop_took_effect=True),
    NotebookStatus.STOPPED: NotebookTraits(stop_took_effect=True, can_start=True, may_hold_quota=False),
    NotebookStatus.FAILED: NotebookTraits(has_failed=True, can_start=True, may_hold_quota=False),
    NotebookStatus.DELETING: NotebookTraits(is_going=True, may_hold_quota=False),
    NotebookStatus.UPDATING: NotebookTraits(comes_up=True),
    NotebookStatus.PENDING_MAINTENANCE: NotebookTraits(may_run_jupyter=True, comes_up=True, runs_or_will=True),
    NotebookStatus.IN_MAINTENANCE: NotebookTraits(may_run_jupyter=True, comes_up=True, runs_or_will=True),
    NotebookStatus.UNKNOWN: NotebookTraits(),
}


class EndpointStatus(StrEnum):
    """How an endpoint is."""

    CREATING = "Creating"
    IN_SERVICE = "InService"
    UPDATING = "Updating"
    SYSTEM_UPDATING = "SystemUpdating"
    ROLLING_BACK = "RollingBack"
    OUT_OF_SERVICE = "OutOfService"
    UPDATE_ROLLBACK_FAILED = "UpdateRollbackFailed"
    FAILED = "Failed"
    DELETING = "Deleting"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> EndpointStatus:
        return cls.UNKNOWN

    @property
    def traits(self) -> EndpointTraits:
        """What it means."""
        return _ENDPOINT_TRAITS[self]


@dataclass(frozen=True, kw_only=True)
class EndpointTraits:
    """What the status of an endpoint means."""

    is_in_service: bool = False
    """It answers."""
    is_transitioning: bool = False
    """AWS is at work on it, and lets nobody delete or change it."""
    is_settled: bool = False
    """Nothing more happens by itself."""
    has_failed: bool = False
    """It never came up, and runs nothing but what AWS has not taken away yet."""
    is_going: bool = False
    """It is being deleted."""
    may_bill: bool = True
    """Somebody has to delete it."""
    surely_bills: bool = False
    """There is no doubt that it bills."""


_ENDPOINT_TRAITS: Mapping[EndpointStatus, EndpointTraits] = {
    EndpointStatus.CREATING: EndpointTraits(is_transitioning=True, surely_bills=True),
    EndpointStatus.IN_SERVICE: EndpointTraits(is_in_service=True, is_settled=True, surely_bills=True),
    EndpointStatus.UPDATING: EndpointTraits(is_transitioning=True, surely_bills=True),
    EndpointStatus.SYSTEM_UPDATING: EndpointTraits(is_transitioning=True, surely_bills=True),
    EndpointStatus.ROLLING_BACK: EndpointTraits(is_transitioning=True, surely_bills=True),
    EndpointStatus.OUT_OF_SERVICE: EndpointTraits(is_settled=True),
    EndpointStatus.UPDATE_ROLLBACK_FAILED: EndpointTraits(is_settled=True),
    EndpointStatus.FAILED: EndpointTraits(is_settled=True, has_failed=True, may_bill=False),
    EndpointStatus.DELETING: EndpointTraits(is_going=True, may_bill=False),
    EndpointStatus.UNKNOWN: EndpointTraits(),
}


class AppStatus(StrEnum):
    """How an app of Studio is."""

    PENDING = "Pending"
    IN_SERVICE = "InService"
    DELETING = "Deleting"
    DELETED = "Deleted"
    FAILED = "Failed"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> AppStatus:
        return cls.UNKNOWN

    @property
    def may_hold_quota(self) -> bool:
        """Whether its instance may count towards the quota."""
        match self:
            case AppStatus.PENDING | AppStatus.IN_SERVICE | AppStatus.DELETING | AppStatus.UNKNOWN:
                return True
            case AppStatus.DELETED | AppStatus.FAILED:
                return False


class WarmPoolStatus(StrEnum):
    """What has become of the instances that a training job was to keep for the next."""

    AVAILABLE = "Available"
    IN_USE = "InUse"
    REUSED = "Reused"
    TERMINATED = "Terminated"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> WarmPoolStatus:
        return cls.UNKNOWN

    @property
    def may_hold_quota(self) -> bool:
        """Whether they may count towards the quota."""
        match self:
            case WarmPoolStatus.AVAILABLE | WarmPoolStatus.IN_USE | WarmPoolStatus.UNKNOWN:
                return True
            case WarmPoolStatus.REUSED | WarmPoolStatus.TERMINATED:
                return False


class JobStatus(StrEnum):
    """How a training, transform or processing job is."""

    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    DELETING = "Deleting"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> JobStatus:
        return cls.UNKNOWN

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will happen, or be paid for. What is not known may go on."""
        match self:
            case JobStatus.COMPLETED | JobStatus.FAILED | JobStatus.STOPPED | JobStatus.DELETING:
                return True
            case JobStatus.IN_PROGRESS | JobStatus.STOPPING | JobStatus.UNKNOWN:
                return False

    @property
    def is_running(self) -> bool:
        """Whether AWS says that it goes on."""
        match self:
            case JobStatus.IN_PROGRESS | JobStatus.STOPPING:
                return True
            case JobStatus.COMPLETED | JobStatus.FAILED | JobStatus.STOPPED | JobStatus.DELETING | JobStatus.UNKNOWN:
                return False

    @property
    def is_completed(self) -> bool:
        """Whether it made what it was to make."""
        match self:
            case JobStatus.COMPLETED:
                return True
            case JobStatus.IN_PROGRESS | JobStatus.FAILED | JobStatus.STOPPING | JobStatus.STOPPED:
                return False
            case JobStatus.DELETING | JobStatus.UNKNOWN:
                return False

    @property
    def is_stopped(self) -> bool:
        """Whether somebody ended it."""
        match self:
            case JobStatus.STOPPED:
                return True
            case JobStatus.IN_PROGRESS | JobStatus.COMPLETED | JobStatus.FAILED | JobStatus.STOPPING:
                return False
            case JobStatus.DELETING | JobStatus.UNKNOWN:
                return False

    @property
    def may_log_late(self) -> bool:
        """Whether the reason of its end may still be on its way to CloudWatch."""
        match self:
            case JobStatus.FAILED:
                return True
            case JobStatus.COMPLETED | JobStatus.STOPPED | JobStatus.DELETING:
                return False
            case JobStatus.IN_PROGRESS | JobStatus.STOPPING | JobStatus.UNKNOWN:
                return False

"""SageMaker's statuses, and what each means for opskit.

A status that AWS adds later is ``UNKNOWN``, whose row holds the safe assumption: never idle, finished or free. The
original word stays in the ``status`` field of what was read, for people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class AwsStatus(StrEnum):
    """A status of AWS's. Each kind has a member ``UNKNOWN``, which stands for what AWS adds later."""

    @classmethod
    def _missing_(cls, value: object) -> Self:
        return cls["UNKNOWN"]

    @classmethod
    def documented(cls) -> tuple[Self, ...]:
        """Those that AWS can be asked for: all but ``UNKNOWN``."""
        return tuple(status for status in cls if status != cls["UNKNOWN"])


class NotebookStatus(AwsStatus):
    """The status of a notebook instance."""

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

    @property
    def traits(self) -> NotebookTraits:
        """What the status means."""
        return _NOTEBOOK_TRAITS[self]


@dataclass(frozen=True, kw_only=True)
class NotebookTraits:
    """What the status of a notebook instance means."""

    is_in_service: bool = False
    """It can be used."""
    may_run_jupyter: bool = False
    """Its Jupyter server may be running."""
    is_maintained: bool = False
    """AWS is at work on it, and does not say whether it can be used meanwhile."""
    comes_up: bool = False
    """It becomes InService without a further call."""
    runs_or_will: bool = False
    """It was started and not stopped since."""
    may_need_stop: bool = False
    """Somebody may have to stop it."""
    has_failed: bool = False
    """It did not start."""
    is_going: bool = False
    """It is being deleted."""
    stop_took_effect: bool = False
    """A stop leads to this status."""
    becomes_stopped: bool = False
    """It becomes Stopped without a further call. AWS updates only stopped notebooks, and leaves them stopped."""
    can_start: bool = False
    """AWS accepts a start."""
    may_hold_quota: bool = True
    """Its instance may count towards the quota."""


# AWS does not document the two maintenance statuses: the instance may be running and billing. ``Updating`` only follows
# UpdateNotebookInstance, which works on stopped instances and ends in ``Stopped``.
_NOTEBOOK_TRAITS: Mapping[NotebookStatus, NotebookTraits] = {
    NotebookStatus.PENDING: NotebookTraits(comes_up=True, runs_or_will=True, may_need_stop=True),
    NotebookStatus.IN_SERVICE: NotebookTraits(
        is_in_service=True, may_run_jupyter=True, runs_or_will=True, may_need_stop=True
    ),
    NotebookStatus.STOPPING: NotebookTraits(stop_took_effect=True, becomes_stopped=True),
    NotebookStatus.STOPPED: NotebookTraits(stop_took_effect=True, can_start=True, may_hold_quota=False),
    NotebookStatus.FAILED: NotebookTraits(has_failed=True, can_start=True, may_hold_quota=False),
    NotebookStatus.DELETING: NotebookTraits(is_going=True, may_hold_quota=False),
    NotebookStatus.UPDATING: NotebookTraits(becomes_stopped=True),
    NotebookStatus.PENDING_MAINTENANCE: NotebookTraits(
        is_maintained=True, may_run_jupyter=True, comes_up=True, runs_or_will=True, may_need_stop=True
    ),
    NotebookStatus.IN_MAINTENANCE: NotebookTraits(
        is_maintained=True, may_run_jupyter=True, comes_up=True, runs_or_will=True, may_need_stop=True
    ),
    NotebookStatus.UNKNOWN: NotebookTraits(may_need_stop=True),
}


class EndpointStatus(AwsStatus):
    """The status of an endpoint."""

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

    @property
    def traits(self) -> EndpointTraits:
        """What the status means."""
        return _ENDPOINT_TRAITS[self]


@dataclass(frozen=True, kw_only=True)
class EndpointTraits:
    """What the status of an endpoint means."""

    is_in_service: bool = False
    """It accepts requests."""
    is_transitioning: bool = False
    """AWS is changing it, and refuses to delete or update it meanwhile."""
    is_settled: bool = False
    """The status does not change without a further call."""
    has_failed: bool = False
    """It was never in service, and runs nothing, except instances that AWS has not released yet."""
    is_going: bool = False
    """It is being deleted."""
    may_bill: bool = True
    """It may cost money until it is deleted."""
    surely_bills: bool = False
    """It certainly costs money."""
    may_be_new: bool = False
    """AWS may list it before it can be described."""


_ENDPOINT_TRAITS: Mapping[EndpointStatus, EndpointTraits] = {
    EndpointStatus.CREATING: EndpointTraits(is_transitioning=True, surely_bills=True, may_be_new=True),
    EndpointStatus.IN_SERVICE: EndpointTraits(is_in_service=True, is_settled=True, surely_bills=True),
    EndpointStatus.UPDATING: EndpointTraits(is_transitioning=True, surely_bills=True),
    EndpointStatus.SYSTEM_UPDATING: EndpointTraits(is_transitioning=True, surely_bills=True),
    EndpointStatus.ROLLING_BACK: EndpointTraits(is_transitioning=True, surely_bills=True),
    EndpointStatus.OUT_OF_SERVICE: EndpointTraits(is_settled=True),
    EndpointStatus.UPDATE_ROLLBACK_FAILED: EndpointTraits(is_settled=True),
    EndpointStatus.FAILED: EndpointTraits(is_settled=True, has_failed=True, may_bill=False),
    EndpointStatus.DELETING: EndpointTraits(is_going=True, may_bill=False),
    EndpointStatus.UNKNOWN: EndpointTraits(may_be_new=True),
}


class ClusterStatus(AwsStatus):
    """The status of a HyperPod cluster."""

    CREATING = "Creating"
    IN_SERVICE = "InService"
    UPDATING = "Updating"
    SYSTEM_UPDATING = "SystemUpdating"
    ROLLING_BACK = "RollingBack"
    FAILED = "Failed"
    DELETING = "Deleting"
    UNKNOWN = "unknown"

    @property
    def is_in_service(self) -> bool:
        """Whether it can be used."""
        match self:
            case ClusterStatus.IN_SERVICE:
                return True
            case ClusterStatus.CREATING | ClusterStatus.UPDATING | ClusterStatus.SYSTEM_UPDATING:
                return False
            case ClusterStatus.ROLLING_BACK | ClusterStatus.FAILED | ClusterStatus.DELETING | ClusterStatus.UNKNOWN:
                return False

    @property
    def may_be_new(self) -> bool:
        """Whether AWS may list it before it can be described."""
        match self:
            case ClusterStatus.CREATING | ClusterStatus.UNKNOWN:
                return True
            case ClusterStatus.IN_SERVICE | ClusterStatus.UPDATING | ClusterStatus.SYSTEM_UPDATING:
                return False
            case ClusterStatus.ROLLING_BACK | ClusterStatus.FAILED | ClusterStatus.DELETING:
                return False


class AppStatus(AwsStatus):
    """How an app of Studio is."""

    PENDING = "Pending"
    IN_SERVICE = "InService"
    DELETING = "Deleting"
    DELETED = "Deleted"
    FAILED = "Failed"
    UNKNOWN = "unknown"

    @property
    def may_hold_quota(self) -> bool:
        """Whether its instance may count towards the quota."""
        match self:
            case AppStatus.PENDING | AppStatus.IN_SERVICE | AppStatus.DELETING | AppStatus.UNKNOWN:
                return True
            case AppStatus.DELETED | AppStatus.FAILED:
                return False

    @property
    def may_be_new(self) -> bool:
        """Whether one that AWS does not describe may have been made just now; else it is gone."""
        match self:
            case AppStatus.PENDING | AppStatus.IN_SERVICE | AppStatus.UNKNOWN:
                return True
            case AppStatus.DELETING | AppStatus.DELETED | AppStatus.FAILED:
                return False

    @property
    def is_in_service(self) -> bool:
        """Whether it can be used."""
        match self:
            case AppStatus.IN_SERVICE:
                return True
            case AppStatus.PENDING | AppStatus.DELETING | AppStatus.DELETED | AppStatus.FAILED | AppStatus.UNKNOWN:
                return False

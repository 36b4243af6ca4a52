"""A notebook instance as SageMaker's API tells of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from opskit.sandbox.errors import validation_error
from opskit.sandbox.notebooks.jupyter.launch import JupyterProcess, NotebookFolder
from opskit.sandbox.notebooks.odd_behavior import maintenance_status
from opskit.sandbox.state import AccountRegion, InstanceUsage, UsageResource


class NotebookStatus(StrEnum):
    """The statuses of a notebook instance."""

    PENDING = "Pending"
    IN_SERVICE = "InService"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    FAILED = "Failed"
    DELETING = "Deleting"
    UPDATING = "Updating"

    @property
    def is_in_service(self) -> bool:
        """Whether its Jupyter is up."""
        match self:
            case NotebookStatus.IN_SERVICE:
                return True
            case NotebookStatus.PENDING | NotebookStatus.STOPPING | NotebookStatus.STOPPED | NotebookStatus.FAILED:
                return False
            case NotebookStatus.DELETING | NotebookStatus.UPDATING:
                return False

    @property
    def holds_instance(self) -> bool:
        """Whether quotas count the notebook's instance."""
        match self:
            case NotebookStatus.PENDING | NotebookStatus.IN_SERVICE | NotebookStatus.STOPPING | NotebookStatus.UPDATING:
                return True
            case NotebookStatus.STOPPED | NotebookStatus.FAILED | NotebookStatus.DELETING:
                return False


_SUMMARY_MEMBERS = (
    "NotebookInstanceName",
    "NotebookInstanceArn",
    "NotebookInstanceStatus",
    "Url",
    "InstanceType",
    "CreationTime",
    "LastModifiedTime",
    "NotebookInstanceLifecycleConfigName",
    "DefaultCodeRepository",
    "AdditionalCodeRepositories",
)


@dataclass(frozen=True)
class _StaleView:
    """What is still told of a notebook that has changed."""

    until: datetime
    members: dict[str, Any]


@dataclass
class NotebookRecord:
    """One notebook instance. Change it only under the lock of its account and Region.

    ``details`` are the members of DescribeNotebookInstance that do not move by themselves. ``jupyter`` is there
    from InService to Stopping, save for a scenario's bare record; None: it has no process. ``lost_starts`` counts the
    starts since its last stop that were answered with success and did not take; before ``found_from`` it is not found
    (None: it always is). ``failure`` None: it has not failed.
    """

    account_region: AccountRegion
    name: str
    details: dict[str, Any]
    created: datetime
    modified: datetime
    folder: NotebookFolder
    tags: dict[str, str] = field(default_factory=dict)
    status: NotebookStatus = NotebookStatus.PENDING
    failure: str | None = None
    jupyter: JupyterProcess | None = None
    lost_starts: int = 0
    starts: int = 0
    found_from: datetime | None = None
    _stale: _StaleView | None = None

    @property
    def arn(self) -> str:
        return self.account_region.arn(f"notebook-instance/{self.name}")

    @property
    def instance_type(self) -> str:
        return str(self.details["InstanceType"])

    def instance_usage(self) -> list[InstanceUsage]:
        """What it holds of its quotas: nothing once it is stopped or failed."""
        return (
            [InstanceUsage(UsageResource.NOTEBOOK_INSTANCE, self.instance_type)] if self.status.holds_instance else []
        )

    def enter_status(self, status: NotebookStatus, now: datetime) -> None:
        """Enter a status. As on AWS, the last modified time is when it was last started, stopped or changed."""
        self.status = status
        self.modified = now

    def report_stale_status(self, until: datetime) -> None:
        """Tell the status of now until then, whatever it becomes: reads lag behind writes."""
        self._stale = _StaleView(until, self._status_members())

    def reported_status(self) -> str:
        """Its status as it is told: a maintenance stands in the place of InService."""
        maintenance = maintenance_status(self.tags) if self.status.is_in_service else None
        return maintenance or self.status

    def require_in_service(self, unable: str = "") -> None:
        """Raise AWS's ValidationException where it cannot be entered or stopped; ``unable`` ends its text."""
        maintenance = maintenance_status(self.tags)
        if self.status.is_in_service and (maintenance is None or maintenance.acts_in_service):
            return
        raise validation_error(
            f"Status ({self.reported_status()}) not in ([InService]){unable} for Notebook Instance ({self.arn})."
        )

    def require_status(self, target: NotebookStatus, *allowed: NotebookStatus) -> None:
        """Raise AWS's ValidationException where the status is none of those that may go over to ``target``."""
        if self.status not in allowed:
            raise validation_error(
                f"Status ({self.reported_status()}) not in ([{', '.join(allowed)}]). "
                f"Unable to transition to ({target}) for Notebook Instance ({self.arn})."
            )

    def describe(self, now: datetime) -> dict[str, Any]:
        """The answer of DescribeNotebookInstance at ``now``."""
        stale = self._stale if self._stale and now < self._stale.until else None
        return {
            **self.details,
            "NotebookInstanceName": self.name,
            "NotebookInstanceArn": self.arn,
            "CreationTime": self.created,
            **(stale.members if stale else self._status_members()),
        }

    def _status_members(self) -> dict[str, Any]:
        """The members that move with its status."""
        return {
            "NotebookInstanceStatus": self.reported_status(),
            "FailureReason": self.failure,
            "Url": self.jupyter.host if self.jupyter and self.status.is_in_service else None,
            "LastModifiedTime": self.modified,
        }

    def list_summary(self, now: datetime) -> dict[str, Any]:
        """Its line in ListNotebookInstances at ``now``."""
        described = self.describe(now)
        return {member: described.get(member) for member in _SUMMARY_MEMBERS}

"""A notebook instance as SageMaker's API tells of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from opskit.sandbox.errors import validation_error
from opskit.sandbox.notebooks.jupyter.launch import JupyterProcess, NotebookFolder
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


@dataclass
class NotebookRecord:
    """One notebook instance. Change it only under the lock of its account and Region.

    ``details`` are the members of DescribeNotebookInstance that do not move by themselves. ``jupyter`` is there
    from InService to Stopping, save for a scenario's bare record.
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

    def require_status(self, target: NotebookStatus, *allowed: NotebookStatus) -> None:
        """Raise AWS's ValidationException where the status is none of those that may go over to ``target``."""
        if self.status not in allowed:
            raise validation_error(
                f"Status ({self.status}) not in ([{', '.join(allowed)}]). "
                f"Unable to transition to ({target}) for Notebook Instance ({self.arn})."
            )

    def describe(self) -> dict[str, Any]:
        """The answer of DescribeNotebookInstance."""
        return {
            **self.details,
            "NotebookInstanceName": self.name,
            "NotebookInstanceArn": self.arn,
            "NotebookInstanceStatus": self.status,
            "FailureReason": self.failure,
            "Url": self.jupyter.host if self.jupyter and self.status.is_in_service else None,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
        }

    def list_summary(self) -> dict[str, Any]:
        """Its line in ListNotebookInstances."""
        described = self.describe()
        return {member: described.get(member) for member in _SUMMARY_MEMBERS}

"""What a workflow left in the account, as a value: what would be deleted, what stays since it is somebody else's, and
what could not be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from opskit.core.aws_names import run_prefix
from opskit.core.exceptions import OpskitError
from opskit.core.live_resources import LiveResource
from opskit.core.owners import OWNER_TAG, Owner
from opskit.training.rules.job_names import WORKFLOW_TAG, is_tagged_for


class DeletableKind(StrEnum):
    """What a cleanup deletes, in boto3's words."""

    ENDPOINT = "endpoint"
    CONFIG = "endpoint_config"
    MODEL = "model"

    @property
    def label(self) -> str:
        """As people say it."""
        return self.value.replace("_", " ")


@dataclass(frozen=True)
class CleanupScope:
    """What a cleanup removes: this workflow's resources, and of those the owner's or (``everyones``) all."""

    workflow: str
    owner: Owner
    everyones: bool = False


def workflow_tags(workflow: str) -> dict[str, str]:
    """The tag that says which workflow a resource is of."""
    return {WORKFLOW_TAG: workflow}


def why_left(scope: CleanupScope, tags: Mapping[str, str]) -> str | None:
    """Why a cleanup leaves a resource with these tags; None: it removes it."""
    workflow = scope.workflow
    if not is_tagged_for(workflow, tags):
        other = tags.get(WORKFLOW_TAG)
        return (
            f"its tag {WORKFLOW_TAG} is {other!r}" if other else f"it does not carry the tag {WORKFLOW_TAG}={workflow}"
        )
    if scope.everyones or scope.owner.owns(tags):
        return None
    other = tags.get(OWNER_TAG)
    if other:
        return f"it belongs to {other} (tag {OWNER_TAG})"
    return f"it carries no tag {OWNER_TAG}, as of an older opskit or --no-owner: cleanup --no-owner removes it"


OBJECTS = "objects"


@dataclass(frozen=True)
class ResourceRef:
    """One resource to delete."""

    resource_kind: DeletableKind
    name: str
    arn: str


@dataclass(frozen=True)
class S3Objects:
    """The objects of one training job, by name and ARN, in one bucket."""

    bucket: str
    workflow: str
    job: str
    arn: str
    keys: tuple[str, ...]

    @property
    def uri(self) -> str:
        """Where they lie."""
        return f"s3://{self.bucket}/{run_prefix(self.workflow, self.job)}"


@dataclass(frozen=True)
class KeptResource:
    """A resource that looks like the workflow's and is left, and why. ``count`` is the number of objects."""

    resource_kind: str
    name: str
    reason: str
    count: int = 1


@dataclass(frozen=True)
class WorkflowResources:
    """Everything of a workflow in the account: what would be deleted, what stays, and what could not be read.

    ``going`` are endpoints that are being deleted already; ``saw_nothing``: no listing could be read.
    """

    scope: CleanupScope
    region: str
    account: str
    items: tuple[ResourceRef, ...] = ()
    objects: tuple[S3Objects, ...] = ()
    going: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    live_jobs: tuple[LiveResource, ...] = ()
    staying: tuple[KeptResource, ...] = ()
    read_errors: tuple[OpskitError, ...] = field(default=(), repr=False)
    saw_nothing: bool = False

    @property
    def workflow(self) -> str:
        """The workflow's name."""
        return self.scope.workflow

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to delete."""
        return not (self.items or self.objects)

    @property
    def endpoints(self) -> tuple[ResourceRef, ...]:
        """The endpoints to delete."""
        return tuple(item for item in self.items if item.resource_kind is DeletableKind.ENDPOINT)

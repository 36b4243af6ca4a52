"""Of a workflow's resources in a shared account, the caller's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from opskit.aws.client import AwsClient
from opskit.aws.errors import is_not_found
from opskit.aws.resource_tags import read_tags
from opskit.core.events import EventSink, Message
from opskit.core.exceptions import AwsError
from opskit.core.owners import OWNER_TAG, Owner, shared_owner_text
from opskit.training.reads.resources import ListableKind, ListedResource, list_named
from opskit.training.rules.job_names import is_owned_name
from opskit.training.rules.model import Workflow


@dataclass(frozen=True)
class ForeignResource:
    """A resource of the workflow that belongs to somebody else; ``owner`` None: its tags name nobody."""

    name: str
    owner: str | None

    @property
    def text(self) -> str:
        """Its name and whose it is."""
        return f"{self.name} ({f'of {self.owner}' if self.owner else 'without an owner'})"


def list_workflow_resources(client: AwsClient, workflow: Workflow, kind: ListableKind) -> list[ListedResource]:
    """The resources of a kind with a name that opskit gives for this workflow, whosever they are, newest first.

    Raises:
        AwsError: the listing could not be read.
    """
    listed = list_named(client, kind, f"{workflow.name}-")
    return [resource for resource in listed if is_owned_name(workflow.name, resource.name)]


def split_by_owner(
    client: AwsClient, owner: Owner, listed: Sequence[ListedResource]
) -> Iterator[ListedResource | ForeignResource]:
    """Resources one by one, the owner's as they were listed. Tags are read as far as the caller goes on.

    Raises:
        AwsError: the tags of one could not be read.
    """
    for resource in listed:
        try:
            tags = read_tags(client, resource.arn)
        except AwsError as failure:
            if is_not_found(failure):  # deleted since it was listed
                continue
            raise
        yield resource if owner.owns(tags) else ForeignResource(resource.name, tags.get(OWNER_TAG))


def foreign_hint(foreign: Sequence[ForeignResource]) -> str:
    """What there is of others, and how to take it for one's own all the same; empty where there is none."""
    if not foreign:
        return ""
    flag = "--owner NAME takes somebody else's" if foreign[0].owner else "--no-owner takes what has no owner"
    more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
    return f"Of others there is {foreign[0].text}{more}: {flag}."


def warn_of_shared_owner(owner: Owner, emit: EventSink) -> None:
    """Say that a role alone is the owner, which others may be as well."""
    if owner.is_shared:
        emit(Message(shared_owner_text(owner)))

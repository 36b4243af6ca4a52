"""Whose a workflow's resources are, by their tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from opskit.core.owners import OWNER_TAG, Owner
from opskit.training.rules.job_names import WORKFLOW_TAG, is_tagged_for


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

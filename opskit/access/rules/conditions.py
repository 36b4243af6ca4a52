"""The conditions under which a policy allows an action.

What opskit makes carries the tag opskit:owner, and what it makes for a workflow opskit:workflow. A policy therefore
lets it make only what is tagged so, stop and delete only what a workflow made, and write onto a notebook only the tags
that a command writes there. The keys are those of AWS's Service Authorization Reference for SageMaker, S3 and IAM.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any

from opskit.core.owners import OWNER_TAG
from opskit.core.tags import IDLE_SINCE, RESTORE_PIECE, STOPPED_ENDPOINT
from opskit.keeps.rules import KEEP_TAG_KEYS
from opskit.training.rules.job_names import WORKFLOW_TAG

_RECORD_TAG_KEYS = (STOPPED_ENDPOINT, f"{RESTORE_PIECE}*")
COMMAND_TAG_KEYS: Mapping[str, tuple[str, ...]] = {
    "notebook keep": KEEP_TAG_KEYS,
    "notebook unkeep": KEEP_TAG_KEYS,
    "endpoint keep": KEEP_TAG_KEYS,
    "endpoint unkeep": KEEP_TAG_KEYS,
    "notebook stop": (IDLE_SINCE,),
    "cron run": (IDLE_SINCE,),
    "endpoint stop": (IDLE_SINCE, *_RECORD_TAG_KEYS),
    "endpoint start": _RECORD_TAG_KEYS,
}
"""The tags that commands write onto notebooks, endpoints and their configurations, or remove."""

Condition = Mapping[str, Mapping[str, Any]]


class Rule(StrEnum):
    """What an action is held to."""

    NONE = ""
    PASSED = "Passed"
    NAMED_TAGS = "NamedTags"
    WITH_OWNER = "WithOwner"
    TAGS_OF_NEW = "OfNew"
    OF_WORKFLOW = "OfWorkflow"
    OBJECT_TAGS = "ObjectTags"
    BOUNDARY = "Boundary"
    ANY_TAGS = "AnyTags"

    @property
    def is_free(self) -> bool:
        """Whether it allows an action without a condition."""
        match self:
            case Rule.NONE | Rule.ANY_TAGS:
                return True
            case Rule.PASSED | Rule.NAMED_TAGS | Rule.WITH_OWNER | Rule.TAGS_OF_NEW | Rule.OF_WORKFLOW:
                return False
            case Rule.OBJECT_TAGS | Rule.BOUNDARY:
                return False

    @property
    def makes_roles(self) -> bool:
        """Whether what it holds makes roles."""
        match self:
            case Rule.BOUNDARY:
                return True
            case Rule.NONE | Rule.ANY_TAGS | Rule.PASSED | Rule.NAMED_TAGS | Rule.WITH_OWNER | Rule.TAGS_OF_NEW:
                return False
            case Rule.OF_WORKFLOW | Rule.OBJECT_TAGS:
                return False

    @property
    def passes_roles(self) -> bool:
        """Whether what it holds passes a role to SageMaker."""
        match self:
            case Rule.PASSED:
                return True
            case Rule.NONE | Rule.ANY_TAGS | Rule.BOUNDARY | Rule.NAMED_TAGS | Rule.WITH_OWNER | Rule.TAGS_OF_NEW:
                return False
            case Rule.OF_WORKFLOW | Rule.OBJECT_TAGS:
                return False

    @property
    def sid_part(self) -> str:
        """What ends the Sid of a statement under this rule; empty where its other words say enough."""
        match self:
            case Rule.NONE | Rule.PASSED | Rule.NAMED_TAGS:
                return ""
            case Rule.WITH_OWNER | Rule.TAGS_OF_NEW | Rule.OF_WORKFLOW | Rule.OBJECT_TAGS | Rule.BOUNDARY:
                return self.value
            case Rule.ANY_TAGS:
                return self.value


def condition_of(rule: Rule, tag_keys: Collection[str], boundary: str, *, tagged: bool) -> Condition | None:
    """A rule as IAM takes it. ``tag_keys`` are those of the commands; ``boundary`` is the ARN of the permissions
    boundary; ``tagged`` False: things are made without an owner (``--no-owner``).
    """
    of_owner = {"Null": {f"aws:RequestTag/{OWNER_TAG}": "false"}} if tagged else {}
    match rule:
        case Rule.NONE | Rule.ANY_TAGS:
            return None
        case Rule.PASSED:
            return {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
        case Rule.NAMED_TAGS:
            operator = "StringLike" if any("*" in key for key in tag_keys) else "StringEquals"
            return {f"ForAllValues:{operator}": {"aws:TagKeys": sorted(tag_keys)}}
        case Rule.WITH_OWNER:
            return of_owner or None
        case Rule.TAGS_OF_NEW:  # AWS asks for AddTags beside the create, and names the create here
            return {**of_owner, "StringLike": {"sagemaker:TaggingAction": "Create*"}}
        case Rule.OF_WORKFLOW:
            return {"Null": {f"aws:ResourceTag/{WORKFLOW_TAG}": "false"}}
        case Rule.OBJECT_TAGS:
            return {"ForAllValues:StringEquals": {"s3:RequestObjectTagKeys": [OWNER_TAG]}}
        case Rule.BOUNDARY:
            return {"StringEquals": {"iam:PermissionsBoundary": boundary}}


# Values under which each condition above is met, for IAM's simulator, which knows no request.
SIMULATED_CONTEXT: Mapping[str, tuple[str, ...]] = {
    "iam:PassedToService": ("sagemaker.amazonaws.com",),
    "aws:TagKeys": (IDLE_SINCE,),
    f"aws:RequestTag/{OWNER_TAG}": ("opskit",),
    f"aws:ResourceTag/{WORKFLOW_TAG}": ("opskit",),
    "sagemaker:TaggingAction": ("CreateEndpoint",),
    "s3:RequestObjectTagKeys": (OWNER_TAG,),
}

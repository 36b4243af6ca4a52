"""The least IAM policy that lets commands do what they call at AWS."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from opskit.access.rules.permissions import API_CALLS, REGION_DISCOVERY_CALLS, TAGS_READ_ON
from opskit.core.model import NOTEBOOK_ROLE_NAME
from opskit.core.s3_layout import ANY_DEFAULT_BUCKET

READ, ACCESS, CHANGE = "Read", "Enter", "Change"
"""What a statement is for: to look; to open a notebook, which gives all that its role may do; to change something."""

_PREFIXES = {"service-quotas": "servicequotas", "sagemaker-runtime": "sagemaker", "resourcegroupstaggingapi": "tag"}
# IAM's actions for S3 have other names than the operations that need them.
_OF_S3 = {
    "CreateBucket": "CreateBucket",
    "DeleteObjects": "DeleteObject",
    "GetObject": "GetObject",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListObjectsV2": "ListBucket",
    "PutObject": "PutObject",
}
_WORDS = {
    "iam": "Roles",
    "logs": "Logs",
    "s3": "Storage",
    "sagemaker": "SageMaker",
    "servicequotas": "Quotas",
    "sns": "Topics",
}
_READS = ("Get", "List", "Describe", "Search", "Simulate", "Invoke", "StartQuotaUtilizationReport")
# AWS answers it to everybody, whatever a policy says.
_FREE = "sts:GetCallerIdentity"
_PASSED = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
_MADE_WITH_A_ROLE = ("sagemaker:CreateModel", "sagemaker:CreateNotebookInstance", "sagemaker:CreateTrainingJob")
_TAGGED_WITH = {"iam:CreateRole": "iam:TagRole", "s3:PutObject": "s3:PutObjectTagging"}
_SAGEMAKER_KINDS = (
    *("notebook-instance", "training-job", "transform-job", "processing-job"),
    *("endpoint-config", "endpoint", "model", "app", "cluster"),
)


@dataclass(frozen=True)
class Scope:
    """What a policy is narrowed to: the Regions (none: all of them), the bucket, and the role that is passed on."""

    regions: tuple[str, ...] = ()
    bucket: str = ANY_DEFAULT_BUCKET
    role: str | None = None


@dataclass(frozen=True)
class Grant:
    """One permission of a policy."""

    action: str
    kind: str
    resource: str = "everything"

    @property
    def statement_key(self) -> tuple[str, str]:
        """The statement it belongs to: what for, and where."""
        where = {"everything": "Everywhere", "passed role": "PassedRole"}
        if self.action.endswith("Tags"):
            return self.kind, "Tags"
        return self.kind, where.get(self.resource) or _WORDS[self.action.partition(":")[0]]


def build_policy(commands: Iterable[str], scope: Scope) -> dict[str, Any] | None:
    """The least policy for the commands; None where they need none. Reads and changes stand in statements of their
    own, narrowed to a kind of resource where AWS lets them be.
    """
    grants = grants_of_commands(commands)
    if "all" in scope.regions:
        grants |= required_grants(REGION_DISCOVERY_CALLS)
    groups = sorted({grant.statement_key for grant in grants}, key=lambda group: (_ORDER.index(group[0]), group[1]))
    statements = [
        _build_statement([grant for grant in grants if grant.statement_key == group], scope) for group in groups
    ]
    return {"Version": "2012-10-17", "Statement": statements} if statements else None


def grants_of_commands(commands: Iterable[str]) -> frozenset[Grant]:
    """Every permission that commands need."""
    return frozenset(grant for command in commands for grant in _grants_of_command(command))


def _grants_of_command(command: str) -> Iterable[Grant]:
    """The permissions of a command; those to read tags are for the kinds of resources whose tags it reads."""
    for grant in required_grants(API_CALLS[command]):
        kinds = TAGS_READ_ON.get(command) if grant.action == "sagemaker:ListTags" else None
        yield from (replace(grant, resource=resource_kind) for resource_kind in kinds or (grant.resource,))


def opens_shells(commands: Iterable[str]) -> bool:
    """Whether commands need the key to notebooks, which opens a terminal there to whoever has it."""
    return any(grant.kind == ACCESS for grant in grants_of_commands(commands))


def required_grants(calls: Iterable[str]) -> frozenset[Grant]:
    """Every permission that calls need."""
    return frozenset(grant for call in calls for grant in _call_grants(call))


def example_arn(grant: Grant, account: str, scope: Scope) -> str:
    """The ARN of one resource that a permission may be asked for, whether there is such a one or not."""
    arn = _resource_arns(grant.resource, scope)[0]
    named = arn.replace("::*:", f"::{account}:").replace(":*:", f":{account}:")
    return named if named == "*" else named.replace("*", "opskit")


_ORDER = (READ, ACCESS, CHANGE)


def _call_grants(call: str) -> Iterable[Grant]:
    """What IAM must allow for an operation: its action, and what AWS asks besides."""
    if call == _FREE:
        return
    service, _, operation = call.partition(":")
    name = _OF_S3[operation] if service == "s3" else operation
    action = f"{_PREFIXES.get(service, service)}:{name}"
    on = _resource_kind(action)
    yield Grant(action, _grant_kind(name), on)
    # opskit makes things with tags, which AWS asks another action for.
    if service == "sagemaker" and operation.startswith("Create") and _grant_kind(name) is CHANGE:
        yield Grant("sagemaker:AddTags", CHANGE, on)
    if call in _TAGGED_WITH:
        yield Grant(_TAGGED_WITH[call], CHANGE, on)
    if call in _MADE_WITH_A_ROLE:
        yield Grant("iam:PassRole", CHANGE, "passed role")


def _grant_kind(name: str) -> str:
    if name.startswith("CreatePresigned"):
        return ACCESS
    return READ if name.startswith(_READS) else CHANGE


def _resource_kind(action: str) -> str:
    """The kind of resource that an action can be narrowed to."""
    service, _, name = action.partition(":")
    match service:
        case "s3":
            return "objects" if "Object" in name else "buckets"
        case "logs":
            return "logs"
        case "iam" if name == "GetRole":
            return "roles"
        case "iam" if "Role" in name and name != "ListRoles":
            return "own role"
        case "sns":
            return "topics"
        case "servicequotas" if name == "RequestServiceQuotaIncrease":
            return "quotas"
        case "sagemaker" if not name.startswith(("List", "Search")) or name == "ListTags":
            return _sagemaker_resource_kind(name)
    return "everything"


def _sagemaker_resource_kind(name: str) -> str:
    """The resource in an action's name. Tags that are read or changed on their own are notebooks', as a rule."""
    words = re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()
    return next((resource_kind for resource_kind in _SAGEMAKER_KINDS if resource_kind in words), "notebook-instance")


def _build_statement(grants: Sequence[Grant], scope: Scope) -> dict[str, Any]:
    """One statement for what goes together. An action on another's resources allows nothing, so they share a list;
    tags, which all can have, have a statement of their own.
    """
    statement = {
        "Sid": "".join(grants[0].statement_key),
        "Effect": "Allow",
        "Action": sorted({grant.action for grant in grants}),
        "Resource": sorted({arn for grant in grants for arn in _resource_arns(grant.resource, scope)}),
    }
    return {**statement, "Condition": _PASSED} if grants[0].resource == "passed role" else statement


def _resource_arns(on: str, scope: Scope) -> list[str]:
    named = [region for region in scope.regions if region != "all"]
    arn, role = f"arn:{_partition_of(named)}", scope.role or "*"
    of_no_region = {
        "everything": "*",
        "buckets": f"{arn}:s3:::{scope.bucket}",
        "objects": f"{arn}:s3:::{scope.bucket}/opskit/*",
        "roles": f"{arn}:iam::*:role/*",
        "own role": f"{arn}:iam::*:role/{NOTEBOOK_ROLE_NAME}",
        "passed role": role if role.startswith("arn:") else f"{arn}:iam::*:role/{role}",
    }
    if on in of_no_region:
        return [of_no_region[on]]
    others = {
        "quotas": "servicequotas:{}:*:sagemaker/*",
        "topics": "sns:{}:*:*",
        "logs": "logs:{}:*:log-group:/aws/sagemaker/*",
    }
    regions = ["*"] if "all" in scope.regions else named or ["*"]
    return [f"{arn}:{others.get(on, f'sagemaker:{{}}:*:{on}/*').format(region)}" for region in regions]


def _partition_of(regions: Sequence[str]) -> str:
    beginnings = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
    return next((name for start, name in beginnings.items() if regions and regions[0].startswith(start)), "aws")

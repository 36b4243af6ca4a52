"""The least IAM policy that lets commands do what they call at AWS: its statements, and how they are narrowed."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from opskit.access.rules.conditions import COMMAND_TAG_KEYS, condition_of
from opskit.access.rules.grants import ACCESS, CHANGE, READ, STATE_TABLE, Grant, grants_of_commands, required_grants
from opskit.access.rules.permissions import (
    API_CALLS,
    REGION_DISCOVERY_CALLS,
    STATE_CALLS,
)
from opskit.aws.partitions import partition_of
from opskit.core.aws_names import ANY_DEFAULT_BUCKET
from opskit.core.model import NOTEBOOK_ROLE_NAME
from opskit.core.setting_values import TablePlace

# The roles that a policy lets be passed where none is named: those that the SageMaker console makes, and opskit's own.
_NAMED_ROLES = ("service-role/AmazonSageMaker-ExecutionRole-*", NOTEBOOK_ROLE_NAME)
_BOUNDARY_NAME = f"{NOTEBOOK_ROLE_NAME}-boundary"
# IAM takes 6,144 characters without white space in a managed policy; the frame around the statements takes some.
_MAX_CHARACTERS = 6100


@dataclass(frozen=True)
class Scope:
    """What a policy is narrowed to: the Regions (none: all of them) and the bucket. ``role`` is the one that is passed
    on; None: those that the console makes, and opskit's own. ``boundary`` is the permissions boundary of a role that is
    made; None: a policy of a name that says so. ``untagged``: what is made carries no owner. ``home`` is a Region of
    the partition that it is for where no Region narrows it; None: the commercial partition. ``state`` is the table of
    opskit's state; None: there is none.
    """

    regions: tuple[str, ...] = ()
    bucket: str = ANY_DEFAULT_BUCKET
    role: str | None = None
    boundary: str | None = None
    untagged: bool = False
    home: str | None = None
    state: TablePlace | None = None


def build_policy(commands: Collection[str], scope: Scope, flags: Collection[str] = ()) -> dict[str, Any] | None:
    """The least policy for the commands with these flags; None where they need none. Reads and changes stand in
    statements of their own, narrowed to a kind of resource, and by conditions, where AWS lets them be.
    """
    grants = _without_redundant(grants_of_commands(commands, flags))
    tag_keys = {key for command in commands for key in COMMAND_TAG_KEYS.get(command, ())}
    if "all" in scope.regions:
        grants |= required_grants(REGION_DISCOVERY_CALLS)
    if scope.state and any(API_CALLS[command] for command in commands):
        grants |= required_grants(STATE_CALLS)
    groups = sorted({grant.statement_key for grant in grants}, key=lambda group: (_ORDER.index(group[0]), *group[1:]))
    statements = [
        _build_statement([grant for grant in grants if grant.statement_key == group], scope, tag_keys)
        for group in groups
    ]
    if len(json.dumps(statements, separators=(",", ":"))) > _MAX_CHARACTERS:
        statements = _merge_alike(map(_without_resource_kind, statements))
    return {"Version": "2012-10-17", "Statement": statements} if statements else None


def _without_resource_kind(statement: dict[str, Any]) -> dict[str, Any]:
    """The same in fewer words."""
    if any(action.endswith("Tags") for action in statement["Action"]):
        return statement
    # An action that has one kind of resource allows nothing on others, so the kind may be left to it.
    resources = {re.sub(r"(:sagemaker:[^:]*:[^:]*:)[^/:]+/\*$", r"\1*/*", arn) for arn in statement["Resource"]}
    return {**statement, "Resource": sorted(resources)}


def _merge_alike(statements: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same in fewer words: statements for the same resources, under the same condition, are one."""
    merged: dict[str, dict[str, Any]] = {}
    for statement in statements:
        key = json.dumps([statement["Resource"], statement.get("Condition")])
        found = merged.setdefault(key, statement)
        if found is not statement:
            found["Action"] = sorted({*found["Action"], *statement["Action"]})
    return list(merged.values())


def _without_redundant(grants: Collection[Grant]) -> frozenset[Grant]:
    """The same without what another of them allows without a condition."""
    # For length alone: a managed policy takes 6,144 characters.
    free = {(grant.action, grant.resource) for grant in grants if grant.rule.is_free}
    return frozenset(grant for grant in grants if grant.rule.is_free or (grant.action, grant.resource) not in free)


def policy_size(policy: Mapping[str, Any]) -> int:
    """The characters of a policy as IAM counts them: without white space."""
    return len("".join(json.dumps(policy).split()))


def example_arn(grant: Grant, account: str, scope: Scope) -> str:
    """The ARN of one resource that a permission may be asked for, whether there is such a one or not."""
    arn = _resource_arns(grant.resource, scope)[0]
    named = arn.replace("::*:", f"::{account}:").replace(":*:", f":{account}:")
    return named if named == "*" else named.replace("*", "opskit")


_ORDER = (READ, ACCESS, CHANGE)

LARGEST_MANAGED, LARGEST_INLINE = 6_144, 10_240
"""The characters that IAM takes in a managed policy, and in the inline policies of a role together."""

FLEET_ROLE_NAME = "opskit"
"""The role that commands over several accounts assume in each, unless told otherwise."""


def _build_statement(grants: Sequence[Grant], scope: Scope, tag_keys: Collection[str]) -> dict[str, Any]:
    """One statement for what goes together."""
    statement = {
        "Sid": "".join(grants[0].statement_key),
        "Effect": "Allow",
        "Action": sorted({grant.action for grant in grants}),
        # An action on another's resources allows nothing, so all actions share a list; tags, which all can have, have a
        # statement of their own.
        "Resource": _without_covered({arn for grant in grants for arn in _resource_arns(grant.resource, scope)}),
    }
    boundary = scope.boundary or f"arn:{_partition_names(scope)[0]}:iam::*:policy/{_BOUNDARY_NAME}"
    condition = condition_of(grants[0].rule, tag_keys, boundary, tagged=not scope.untagged)
    return {**statement, "Condition": condition} if condition else statement


def _without_covered(arns: Collection[str]) -> list[str]:
    """ARNs without those that another of them covers."""
    return sorted(arn for arn in arns if not any(arn != other and fnmatchcase(arn, other) for other in arns))


def _resource_arns(on: str, scope: Scope) -> list[str]:
    named = [region for region in scope.regions if region != "all"]
    partitions = _partition_names(scope)
    roles = (scope.role,) if scope.role else _NAMED_ROLES
    of_no_region = {
        "buckets": [f"s3:::{scope.bucket}"],
        "objects": [f"s3:::{scope.bucket}/opskit/*"],
        "roles": ["iam::*:role/*"],
        "fleet role": [f"iam::*:role/{FLEET_ROLE_NAME}"],
        "own role": [f"iam::*:role/{NOTEBOOK_ROLE_NAME}"],
        "passed role": [f"iam::*:role/{role}" for role in roles if not role.startswith("arn:")],
    }
    if on == "everything":
        return ["*"]
    if on == STATE_TABLE and scope.state:
        return _table_arns(scope.state, scope)
    if on in of_no_region:
        whole = [role for role in roles if role.startswith("arn:")] if on == "passed role" else []
        return whole + [f"arn:{partition}:{what}" for partition in partitions for what in of_no_region[on]]
    others = {
        "quotas": "servicequotas:{}:*:sagemaker/*",
        "topics": "sns:{}:*:*",
        "logs": "logs:{}:*:log-group:/aws/sagemaker/*",
        STATE_TABLE: "dynamodb:{}:*:table/opskit",
    }
    what = others.get(on, f"sagemaker:{{}}:*:{on}/*")
    if "all" in scope.regions or not named:
        return [f"arn:{partition}:{what.format('*')}" for partition in partitions]
    return [f"arn:{partition_of(region).name}:{what.format(region)}" for region in named]


def _table_arns(place: TablePlace, scope: Scope) -> list[str]:
    if place.table.startswith("arn:"):
        return [place.table]
    # The table is in one Region, whichever ones a command looks at.
    partitions = [partition_of(place.region).name] if place.region else _partition_names(scope)
    return [f"arn:{name}:dynamodb:{place.region or '*'}:*:table/{place.table}" for name in partitions]


def _partition_names(scope: Scope) -> list[str]:
    """The partitions that a policy is for: those of its Regions, else the one of the home Region."""
    named = [region for region in scope.regions if region != "all"] or [scope.home or ""]
    return list(dict.fromkeys(partition_of(region).name for region in named))

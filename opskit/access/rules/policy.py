"""The least IAM policy that lets commands do what they call at AWS."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from opskit.access.rules.conditions import COMMAND_TAG_KEYS, Rule, condition_of
from opskit.access.rules.permissions import (
    API_CALLS,
    REGION_DISCOVERY_CALLS,
    STATE_CALLS,
    TAGS_READ_ON,
    calls_of_command,
)
from opskit.aws.partitions import partition_of
from opskit.core.iam_actions import iam_action
from opskit.core.model import NOTEBOOK_ROLE_NAME
from opskit.core.s3_layout import ANY_DEFAULT_BUCKET
from opskit.core.state_place import TablePlace

READ, ACCESS, CHANGE = "Read", "Enter", "Change"
"""What a statement is for: to look; to open a notebook, which gives all that its role may do; to change something."""

_WORDS = {
    "dynamodb": "State",
    "iam": "Roles",
    "logs": "Logs",
    "s3": "Storage",
    "sagemaker": "SageMaker",
    "servicequotas": "Quotas",
    "sns": "Topics",
    "sts": "Accounts",
}
_READS = (
    "Get",
    "List",
    "Lookup",
    "Query",
    "Scan",
    "Describe",
    "Search",
    "Simulate",
    "Invoke",
    "StartQuotaUtilizationReport",
)
# AWS answers it to everybody, whatever a policy says.
_FREE = "sts:GetCallerIdentity"
# IAM has no action for a transaction, only for what is in it.
_IN_TRANSACTION = ("ConditionCheckItem", "PutItem")
# The roles that a policy lets be passed where none is named: those that the SageMaker console makes, and opskit's own.
_NAMED_ROLES = ("service-role/AmazonSageMaker-ExecutionRole-*", NOTEBOOK_ROLE_NAME)
_BOUNDARY_NAME = f"{NOTEBOOK_ROLE_NAME}-boundary"
_MADE_WITH_A_ROLE = ("sagemaker:CreateModel", "sagemaker:CreateNotebookInstance", "sagemaker:CreateTrainingJob")
_TAGGED_WITH = {"iam:CreateRole": "iam:TagRole", "s3:PutObject": "s3:PutObjectTagging"}
# What ends or deletes what a workflow made, and nothing else.
_OF_WORKFLOWS = ("StopTransformJob", "DeleteEndpoint", "DeleteEndpointConfig", "DeleteModel")
# IAM takes 6,144 characters without white space in a managed policy; the frame around the statements takes some.
_MOST_CHARACTERS = 6100
_TAG_ACTIONS = ("sagemaker:AddTags", "sagemaker:DeleteTags", "sagemaker:ListTags")
_ENDPOINT_KINDS = ("endpoint", "endpoint-config")
_KEEP_ENDPOINT: Mapping[str, tuple[Rule, tuple[str, ...] | None]] = {
    "sagemaker:AddTags": (Rule.NAMED_TAGS, ("endpoint",)),
    "sagemaker:DeleteTags": (Rule.NAMED_TAGS, ("endpoint",)),
}
ENDPOINT_RULES: Mapping[str, Mapping[str, tuple[Rule, tuple[str, ...] | None]]] = {
    "endpoint list": {},
    "endpoint keep": _KEEP_ENDPOINT,
    "endpoint unkeep": _KEEP_ENDPOINT,
    "endpoint stop": {
        "sagemaker:AddTags": (Rule.NAMED_TAGS, _ENDPOINT_KINDS),
        "sagemaker:DeleteTags": (Rule.NAMED_TAGS, _ENDPOINT_KINDS),
        "sagemaker:ListTags": (Rule.NONE, _ENDPOINT_KINDS),
    },
    "endpoint start": {
        "sagemaker:AddTags": (Rule.ANY_TAGS, None),
        "sagemaker:CreateEndpoint": (Rule.NONE, _ENDPOINT_KINDS),  # AWS asks for it on both
        "sagemaker:DeleteTags": (Rule.NAMED_TAGS, ("endpoint-config",)),
        "sagemaker:ListTags": (Rule.NONE, _ENDPOINT_KINDS),
    },
}
"""To what the commands for endpoints are held, by action: the rule, and the kinds of resources whose tags are meant. An
endpoint is stopped whoever made it, and is made again with the tags that it had, so no tag of opskit's is asked for.
"""
_SAGEMAKER_KINDS = (
    *("notebook-instance", "training-job", "transform-job", "processing-job"),
    *("hyper-parameter-tuning-job", "labeling-job", "automl-job"),
    *("inference-component", "inference-experiment", "endpoint-config", "endpoint", "model", "app", "cluster"),
    *("pipeline", "space", "user-profile"),
)


@dataclass(frozen=True)
class Scope:
    """What a policy is narrowed to: the Regions (none: all of them), the bucket, the role that is passed on (None: the
    roles that the console makes, and opskit's own), and the permissions boundary of a role that is made (None: a policy
    of a name that says so). ``untagged``: what is made carries no owner. ``home`` is a Region of the partition that it
    is for where no Region narrows it; None: the commercial partition. ``state`` is the table of opskit's state; None:
    there is none.
    """

    regions: tuple[str, ...] = ()
    bucket: str = ANY_DEFAULT_BUCKET
    role: str | None = None
    boundary: str | None = None
    untagged: bool = False
    home: str | None = None
    state: TablePlace | None = None


@dataclass(frozen=True)
class Grant:
    """One permission of a policy."""

    action: str
    kind: str
    resource: str = "everything"
    rule: Rule = Rule.NONE

    @property
    def statement_key(self) -> tuple[str, str, str]:
        """The statement it belongs to: what for, where, and under which condition."""
        where = {"everything": "Everywhere", "passed role": "PassedRole"}
        rule = self.rule.sid_part
        if self.action.endswith("Tags"):
            return self.kind, "Tags", rule
        return self.kind, where.get(self.resource) or _WORDS[self.action.partition(":")[0]], rule


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
    if len(json.dumps(statements, separators=(",", ":"))) > _MOST_CHARACTERS:
        statements = _merge_alike(map(_of_any_kind, statements))
    return {"Version": "2012-10-17", "Statement": statements} if statements else None


def _of_any_kind(statement: dict[str, Any]) -> dict[str, Any]:
    """The same in fewer words: an action that has one kind of resource allows nothing on others. Tags all can have."""
    if any(action.endswith("Tags") for action in statement["Action"]):
        return statement
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
    """The same without what another of them allows without a condition: a managed policy takes 6,144 characters."""
    free = {(grant.action, grant.resource) for grant in grants if grant.rule.is_free}
    return frozenset(grant for grant in grants if grant.rule.is_free or (grant.action, grant.resource) not in free)


def policy_size(policy: Mapping[str, Any]) -> int:
    """The characters of a policy as IAM counts them: without white space."""
    return len("".join(json.dumps(policy).split()))


def grants_of_commands(commands: Iterable[str], flags: Collection[str] = ()) -> frozenset[Grant]:
    """Every permission that commands need with these flags."""
    return frozenset(grant for command in commands for grant in _grants_of_command(command, flags))


def _grants_of_command(command: str, flags: Collection[str]) -> Iterable[Grant]:
    """The permissions of a command; those to read tags are for the kinds of resources whose tags it reads."""
    for grant in required_grants(calls_of_command(command, flags)):
        kinds = TAGS_READ_ON.get(command) if grant.action == "sagemaker:ListTags" else None
        if command in ENDPOINT_RULES:
            yield from _endpoint_grants(command, grant)
        else:
            yield from (replace(grant, resource=resource_kind) for resource_kind in kinds or (grant.resource,))


def _endpoint_grants(command: str, grant: Grant) -> Iterable[Grant]:
    """A permission of a command that stops endpoints or brings them back, whoever made them, with whatever tags."""
    rule, kinds = ENDPOINT_RULES[command].get(grant.action, (Rule.NONE, None))
    if grant.action in _TAG_ACTIONS or kinds:
        yield from (replace(grant, resource=resource_kind, rule=rule) for resource_kind in kinds or ("endpoint",))
    else:
        yield replace(grant, rule=rule)


def opens_shells(grants: Iterable[Grant]) -> bool:
    """Whether permissions hold the key to notebooks, which opens a terminal there to whoever has it."""
    return any(grant.kind == ACCESS for grant in grants)


def makes_roles(grants: Iterable[Grant]) -> bool:
    """Whether permissions make roles, with whatever these may do."""
    return any(grant.rule is Rule.BOUNDARY for grant in grants)


def passes_roles(grants: Iterable[Grant]) -> bool:
    """Whether permissions pass a role to SageMaker."""
    return any(grant.rule is Rule.PASSED for grant in grants)


def required_grants(calls: Iterable[str]) -> frozenset[Grant]:
    """Every permission that calls need."""
    return frozenset(grant for call in calls for grant in _call_grants(call))


def example_arn(grant: Grant, account: str, scope: Scope) -> str:
    """The ARN of one resource that a permission may be asked for, whether there is such a one or not."""
    arn = _resource_arns(grant.resource, scope)[0]
    named = arn.replace("::*:", f"::{account}:").replace(":*:", f":{account}:")
    return named if named == "*" else named.replace("*", "opskit")


_STATE_TABLE = "state table"
_ORDER = (READ, ACCESS, CHANGE)

LARGEST_MANAGED, LARGEST_INLINE = 6_144, 10_240
"""The characters that IAM takes in a managed policy, and in the inline policies of a role together."""

FLEET_ROLE_NAME = "opskit"
"""The role that commands over several accounts assume in each, unless told otherwise."""


def _call_grants(call: str) -> Iterable[Grant]:
    """What IAM must allow for an operation: its action, and what AWS asks besides."""
    if call == _FREE:
        return
    service, _, operation = call.partition(":")
    if operation == "TransactWriteItems":
        yield from (Grant(f"{service}:{name}", CHANGE, _STATE_TABLE) for name in _IN_TRANSACTION)
        return
    action = iam_action(call)
    name = action.partition(":")[2]
    on = _resource_kind(action)
    yield Grant(action, _grant_kind(name), on, _rule_of(action))
    # opskit makes things with tags, which AWS asks another action for.
    if service == "sagemaker" and operation.startswith("Create") and _grant_kind(name) is CHANGE:
        yield Grant("sagemaker:AddTags", CHANGE, on, Rule.TAGS_OF_NEW)
    if call in _TAGGED_WITH:
        yield Grant(_TAGGED_WITH[call], CHANGE, on, _rule_of(_TAGGED_WITH[call]))
    if call in _MADE_WITH_A_ROLE:
        yield Grant("iam:PassRole", CHANGE, "passed role", Rule.PASSED)


def _rule_of(action: str) -> Rule:
    """The rule that an action itself is held to, whatever it is needed for."""
    service, _, name = action.partition(":")
    match service:
        case "sagemaker" if name in ("AddTags", "DeleteTags"):
            return Rule.NAMED_TAGS
        case "sagemaker" if name.startswith("Create") and _grant_kind(name) is CHANGE:
            return Rule.WITH_OWNER
        case "sagemaker" if name in _OF_WORKFLOWS:
            return Rule.OF_WORKFLOW
        case "s3" if name == "PutObjectTagging":
            return Rule.OBJECT_TAGS
        case "iam" if name in ("CreateRole", "PutRolePolicy"):
            return Rule.BOUNDARY
    return Rule.NONE


def _grant_kind(name: str) -> str:
    if name.startswith("CreatePresigned"):
        return ACCESS
    # What an assumed role may do is its own policy's affair; opskit's commands over accounts only read.
    return READ if name.startswith(_READS) or name == "AssumeRole" else CHANGE


def _resource_kind(action: str) -> str:
    """The kind of resource that an action can be narrowed to."""
    service, _, name = action.partition(":")
    match service:
        case "s3":
            return "objects" if "Object" in name else "buckets"
        case "dynamodb" | "logs" | "sns" | "sts":
            return {"dynamodb": _STATE_TABLE, "logs": "logs", "sns": "topics", "sts": "fleet role"}[service]
        case "iam" if name == "GetRole":
            return "roles"
        case "iam" if "Role" in name and name != "ListRoles":
            return "own role"
        case "servicequotas" if name == "RequestServiceQuotaIncrease":
            return "quotas"
        case "sagemaker" if not name.startswith(("List", "Search")) or name == "ListTags":
            return _sagemaker_resource_kind(name)
    return "everything"


def _sagemaker_resource_kind(name: str) -> str:
    """The resource in an action's name. Tags that are read or changed on their own are notebooks', as a rule."""
    words = re.sub(r"(?<!^)(?=[A-Z])", "-", name.replace("AutoML", "Automl")).lower()
    return next((resource_kind for resource_kind in _SAGEMAKER_KINDS if resource_kind in words), "notebook-instance")


def _build_statement(grants: Sequence[Grant], scope: Scope, tag_keys: Collection[str]) -> dict[str, Any]:
    """One statement for what goes together. An action on another's resources allows nothing, so they share a list;
    tags, which all can have, have a statement of their own.
    """
    statement = {
        "Sid": "".join(grants[0].statement_key),
        "Effect": "Allow",
        "Action": sorted({grant.action for grant in grants}),
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
    if on == _STATE_TABLE and scope.state:
        return _table_arns(scope.state, scope)
    if on in of_no_region:
        whole = [role for role in roles if role.startswith("arn:")] if on == "passed role" else []
        return whole + [f"arn:{partition}:{what}" for partition in partitions for what in of_no_region[on]]
    others = {
        "quotas": "servicequotas:{}:*:sagemaker/*",
        "topics": "sns:{}:*:*",
        "logs": "logs:{}:*:log-group:/aws/sagemaker/*",
        _STATE_TABLE: "dynamodb:{}:*:table/opskit",
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

"""The permissions that AWS asks for an operation: the IAM action, the kind of resource, and the rule it is held to."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from opskit.access.rules.call_sets import HOLDER_KINDS
from opskit.access.rules.conditions import Rule
from opskit.access.rules.permissions import (
    TAGS_READ_ON,
    calls_of_command,
)
from opskit.core.aws_names import iam_action

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
_MADE_WITH_A_ROLE = ("sagemaker:CreateModel", "sagemaker:CreateNotebookInstance", "sagemaker:CreateTrainingJob")
_TAGGED_WITH = {"iam:CreateRole": "iam:TagRole", "s3:PutObject": "s3:PutObjectTagging"}
# What ends or deletes what a workflow made, and nothing else.
_OF_WORKFLOWS = ("StopTransformJob", "DeleteEndpoint", "DeleteEndpointConfig", "DeleteModel")
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
    },
    "endpoint start": {
        "sagemaker:AddTags": (Rule.ANY_TAGS, None),
        "sagemaker:CreateEndpoint": (Rule.NONE, _ENDPOINT_KINDS),  # AWS asks for it on both
        "sagemaker:DeleteTags": (Rule.NAMED_TAGS, ("endpoint-config",)),
    },
}
"""To what the commands for endpoints are held, by action: the rule, and the kinds of resources whose tags are changed.
An endpoint is stopped whoever made it, and is made again with the tags that it had, so no tag of opskit's is asked for.
"""
_OTHER_KINDS = (
    *("hyper-parameter-tuning-job", "labeling-job", "automl-job", "inference-component", "inference-experiment"),
    *("endpoint-config", "model", "pipeline", "space", "user-profile"),
)
# The longest first, since an operation on an endpoint-config names an endpoint too.
_SAGEMAKER_KINDS = sorted({*HOLDER_KINDS.values(), *_OTHER_KINDS}, key=len, reverse=True)


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


def grants_of_commands(commands: Iterable[str], flags: Collection[str] = ()) -> frozenset[Grant]:
    """Every permission that commands need with these flags."""
    return frozenset(grant for command in commands for grant in _grants_of_command(command, flags))


def _grants_of_command(command: str, flags: Collection[str]) -> Iterable[Grant]:
    """The permissions of a command; those to read tags are for the kinds of resources whose tags it reads."""
    for grant in required_grants(calls_of_command(command, flags)):
        if grant.action == "sagemaker:ListTags":
            yield from (replace(grant, resource=resource_kind) for resource_kind in TAGS_READ_ON[command])
        elif command in ENDPOINT_RULES:
            yield from _endpoint_grants(command, grant)
        else:
            yield grant


def _endpoint_grants(command: str, grant: Grant) -> Iterable[Grant]:
    """A permission of a command that stops endpoints or brings them back, whoever made them, with whatever tags."""
    rule, kinds = ENDPOINT_RULES[command].get(grant.action, (Rule.NONE, None))
    if grant.action in _TAG_ACTIONS or kinds:
        yield from (replace(grant, resource=resource_kind, rule=rule) for resource_kind in kinds or ("endpoint",))
    else:
        yield replace(grant, rule=rule)


def allows_notebook_shells(grants: Iterable[Grant]) -> bool:
    """Whether permissions hold the key to notebooks, which opens a terminal there to whoever has it."""
    return any(grant.kind == ACCESS for grant in grants)


def makes_roles(grants: Iterable[Grant]) -> bool:
    """Whether permissions make roles, with whatever these may do."""
    return any(grant.rule.makes_roles for grant in grants)


def passes_roles(grants: Iterable[Grant]) -> bool:
    """Whether permissions pass a role to SageMaker."""
    return any(grant.rule.passes_roles for grant in grants)


def required_grants(calls: Iterable[str]) -> frozenset[Grant]:
    """Every permission that calls need."""
    return frozenset(grant for call in calls for grant in _call_grants(call))


STATE_TABLE = "state table"


def _call_grants(call: str) -> Iterable[Grant]:
    """What IAM must allow for an operation: its action, and what AWS asks besides."""
    if call == _FREE:
        return
    service, _, operation = call.partition(":")
    if operation == "TransactWriteItems":
        yield from (Grant(f"{service}:{name}", CHANGE, STATE_TABLE) for name in _IN_TRANSACTION)
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
            return {"dynamodb": STATE_TABLE, "logs": "logs", "sns": "topics", "sts": "fleet role"}[service]
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
    """The resource in an action's name."""
    words = re.sub(r"(?<!^)(?=[A-Z])", "-", name.replace("AutoML", "Automl")).lower()
    # Tags that are read or changed on their own are notebooks', as a rule: other commands have rows of their own.
    of_tags = "notebook-instance" if f"sagemaker:{name}" in _TAG_ACTIONS else None
    kind = next((kind for kind in _SAGEMAKER_KINDS if kind in words), of_tags)
    if kind is None:
        hint = "add the kind to _OTHER_KINDS in opskit/access/rules/grants.py"
        raise LookupError(f"{name} is about a kind that is not listed: {hint}")
    return kind

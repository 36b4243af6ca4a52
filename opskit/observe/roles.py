"""Which role SageMaker may work with in this account."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from opskit.aws import Door
from opskit.aws_errors import incomplete
from opskit.decide.notebook_role import ROLE_NAME as NOTEBOOK_ROLE
from opskit.errors import AwsFailure, Denied, NoCredentials, UsageProblem

_PRINCIPAL = "sagemaker.amazonaws.com"
_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/\S+")
_SERVICE_LINKED_PATH, _SERVICE_LINKED_NAME = "/aws-service-role/", "AWSServiceRole"
"""Marks of a role that an AWS service made for itself. It trusts SageMaker like any execution role, and nobody can
pass it on: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html
"""
_CHOOSE = "Choose one with --role, or set execution-role in opskit.toml."


def execution_role(door: Door, named: str | None = None) -> str:
    """The ARN of the role to use: the one ``named`` (ARN or name), else the caller's own where SageMaker may assume
    it, else the account's only one. A service-linked role is none, and the role that opskit makes for notebooks
    counts only where there is no other: making a notebook does not make the choice of a role for training unclear.

    Raises:
        UsageProblem: there is none, there are several, or the one that was named cannot be an execution role.
        AwsFailure: IAM does not tell.
    """
    if named:
        return _named_role(door, named)
    return _own_role(door) or _only_role(door)


def role_called(door: Door, name: str) -> str | None:
    """The ARN of a role by its name; None where there is none.

    Raises:
        UsageProblem: SageMaker may not assume it.
        AwsFailure: IAM does not tell.
    """
    try:
        return _named_role(door, name)
    except UsageProblem as problem:
        if problem.problem.code == "no-role":
            return None
        raise


def has_policy(door: Door, role: str, policy: str) -> bool:
    """Whether a role has an inline policy of this name.

    Raises:
        AwsFailure: IAM does not tell.
    """
    try:
        door.read("iam", "get_role_policy", RoleName=role, PolicyName=policy)
    except AwsFailure as failure:
        if failure.aws_code == "NoSuchEntity":
            return False
        raise
    return True


def _named_role(door: Door, named: str) -> str:
    """A role by name or ARN. An ARN that IAM does not tell about (it denies, or cannot be reached from a closed
    network) is taken at its word: AWS judges it before anything runs.
    """
    name = named.rpartition("/")[2]
    if ":" in named and not _ARN.fullmatch(named):
        raise UsageProblem("bad-role", f"'{named}' is not the ARN of a role.", _CHOOSE)
    if _is_service_linked(name, named.partition(":role")[2]):
        text = f"The role '{name}' is service-linked: an AWS service made it for itself, and it cannot be passed."
        raise UsageProblem("role-service-linked", text, _CHOOSE)
    try:
        role = _role(door, name)
    except AwsFailure as failure:
        if failure.aws_code == "NoSuchEntity":
            raise UsageProblem("no-role", f"There is no role '{name}' in this account.", _CHOOSE) from failure
        if ":" in named and not isinstance(failure, NoCredentials):
            return named
        raise
    if not _trusts_sagemaker(role):
        hint = f"Allow {_PRINCIPAL} to assume it, or choose another with --role."
        raise UsageProblem("role-not-trusted", f"SageMaker may not assume the role '{name}'.", hint)
    return named if ":" in named else str(role["Arn"])


def _role(door: Door, name: str) -> Mapping[str, Any]:
    return _whole(door, "iam:GetRole", door.read("iam", "get_role", RoleName=name)["Role"])


def _whole(door: Door, operation: str, role: Mapping[str, Any]) -> Mapping[str, Any]:
    """A role that tells all that a choice among roles needs.

    Raises:
        AwsFailure: it does not.
    """
    lacking = [member for member in ("Arn", "RoleName", "AssumeRolePolicyDocument") if not role.get(member)]
    if lacking:
        raise incomplete(operation, door.region, f"with a role without its {lacking[0]}")
    return role


def _own_role(door: Door) -> str | None:
    """The role we run as, if it is an execution role: on a notebook instance it is. Its session's ARN lacks the
    role's path, so IAM is asked for the whole ARN.
    """
    parts = door.connection.caller().arn.split(":", 5)[-1].split("/")
    if parts[0] != "assumed-role" or len(parts) < 2:
        return None
    try:
        role = _role(door, parts[1])
    except AwsFailure:
        return None
    return str(role["Arn"]) if _can_execute(role) else None


def _only_role(door: Door) -> str:
    try:
        found = {str(role["Arn"]): str(role["RoleName"]) for role in _all_roles(door) if _can_execute(role)}
    except Denied as failure:
        text = f"Which role SageMaker may work with cannot be read: {failure.problem.message}"
        raise Denied("role-unreadable", text, _CHOOSE, region=door.region, aws_code=failure.aws_code) from failure
    roles = sorted(arn for arn, name in found.items() if name != NOTEBOOK_ROLE) or list(found)
    if len(roles) == 1:
        return roles[0]
    if roles:
        raise UsageProblem("several-roles", f"Several roles could run SageMaker: {', '.join(roles)}.", _CHOOSE)
    hint = "Make one in the SageMaker console (Create role), or name one with --role."
    raise UsageProblem("no-role", f"No role of this account that could be passed trusts {_PRINCIPAL}.", hint)


def _all_roles(door: Door) -> Iterator[Mapping[str, Any]]:
    for page in door.pages("iam", "list_roles", MaxItems=200):
        yield from (_whole(door, "iam:ListRoles", role) for role in page["Roles"])


def _can_execute(role: Mapping[str, Any]) -> bool:
    """Whether SageMaker can work with a role: it may assume it, and the role can be passed to it."""
    return not _is_service_linked(str(role["RoleName"]), str(role.get("Path", "/"))) and _trusts_sagemaker(role)


def _is_service_linked(name: str, path: str) -> bool:
    return path.startswith(_SERVICE_LINKED_PATH) or name.startswith(_SERVICE_LINKED_NAME)


def _trusts_sagemaker(role: Mapping[str, Any]) -> bool:
    document = role["AssumeRolePolicyDocument"]
    try:
        policy = json.loads(unquote(document)) if isinstance(document, str) else document
    except ValueError:
        return False  # a policy that is no JSON lets nobody in
    return any(_allows(each) for each in _as_list(policy.get("Statement")))


def _allows(statement: Mapping[str, Any]) -> bool:
    principal = statement.get("Principal", {})
    services = _as_list(principal.get("Service")) if isinstance(principal, dict) else []
    return statement.get("Effect") == "Allow" and _PRINCIPAL in services


def _as_list(value: Any) -> list[Any]:
    """IAM writes a list of one as the one."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]

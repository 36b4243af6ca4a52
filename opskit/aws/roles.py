"""Finds the execution role that SageMaker uses in this account."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from opskit.aws.client import AwsClient
from opskit.aws.errors import incomplete
from opskit.core.exceptions import AccessDenied, AwsError, CredentialsError, UsageError
from opskit.core.model import NOTEBOOK_ROLE_NAME

_SAGEMAKER_PRINCIPAL = "sagemaker.amazonaws.com"
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/\S+")
# Marks of a service-linked role. It trusts SageMaker like any execution role, and cannot be passed:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html
_SERVICE_LINKED_PATH, _SERVICE_LINKED_NAME = "/aws-service-role/", "AWSServiceRole"
_CHOOSE_ROLE_HINT = "Choose one with --role, or set execution-role in opskit.toml."


def find_execution_role(client: AwsClient, named: str | None = None) -> str:
    """The ARN of the execution role to use: the one ``named`` (ARN or name); else the caller's own role, if SageMaker
    may assume it; else the account's only candidate.

    Service-linked roles are never candidates. The role that opskit creates for notebooks counts only if there is no
    other: creating a notebook must not make the choice of a training role ambiguous.

    Raises:
        UsageError: there is no candidate, there are several, or the named role cannot be an execution role.
        AwsError: IAM could not be read.
    """
    if named:
        return _read_named_role(client, named)
    return _caller_role(client) or _single_candidate(client)


def find_role(client: AwsClient, name: str) -> str | None:
    """The ARN of a role by its name; None if it does not exist.

    Raises:
        UsageError: SageMaker may not assume it.
        AwsError: IAM could not be read.
    """
    try:
        return _read_named_role(client, name)
    except UsageError as problem:
        if problem.problem.code == "no-role":
            return None
        raise


def has_inline_policy(client: AwsClient, role: str, policy: str) -> bool:
    """Whether a role has an inline policy of this name.

    Raises:
        AwsError: IAM could not be read.
    """
    try:
        client.read("iam", "get_role_policy", RoleName=role, PolicyName=policy)
    except AwsError as failure:
        if failure.aws_code == "NoSuchEntity":
            return False
        raise
    return True


def _read_named_role(client: AwsClient, named: str) -> str:
    """A role by name or ARN. If IAM does not return an ARN's role (access denied, or no route from a closed network),
    the ARN is used as it is: AWS checks it before anything runs.
    """
    name = named.rpartition("/")[2]
    if ":" in named and not _ROLE_ARN.fullmatch(named):
        raise UsageError("bad-role", f"'{named}' is not a role ARN.", _CHOOSE_ROLE_HINT)
    if _is_service_linked(name, named.partition(":role")[2]):
        text = f"The role '{name}' is a service-linked role; it cannot be passed."
        raise UsageError("role-service-linked", text, _CHOOSE_ROLE_HINT)
    try:
        role = _read_role(client, name)
    except AwsError as failure:
        if failure.aws_code == "NoSuchEntity":
            raise UsageError("no-role", f"There is no role '{name}' in this account.", _CHOOSE_ROLE_HINT) from failure
        if ":" in named and not isinstance(failure, CredentialsError):
            return named
        raise
    if not _trusts_sagemaker(role):
        hint = f"Allow {_SAGEMAKER_PRINCIPAL} to assume it, or choose another with --role."
        raise UsageError("role-not-trusted", f"SageMaker may not assume the role '{name}'.", hint)
    return named if ":" in named else str(role["Arn"])


def _read_role(client: AwsClient, name: str) -> Mapping[str, Any]:
    return _require_members(client, "iam:GetRole", client.read("iam", "get_role", RoleName=name)["Role"])


def _require_members(client: AwsClient, operation: str, role: Mapping[str, Any]) -> Mapping[str, Any]:
    """A role that has all members that the choice among roles needs.

    Raises:
        AwsError: a member is missing.
    """
    missing = [member for member in ("Arn", "RoleName", "AssumeRolePolicyDocument") if not role.get(member)]
    if missing:
        raise incomplete(operation, client.region, f"with a role without its {missing[0]}")
    return role


def _caller_role(client: AwsClient) -> str | None:
    """The role of the caller, if it is an execution role: on a notebook instance it is. An assumed role's ARN lacks the
    role's path, so IAM is asked for the full ARN.
    """
    parts = client.session.identity().arn.split(":", 5)[-1].split("/")
    if parts[0] != "assumed-role" or len(parts) < 2:
        return None
    try:
        role = _read_role(client, parts[1])
    except AwsError:
        return None
    return str(role["Arn"]) if _is_execution_role(role) else None


def _single_candidate(client: AwsClient) -> str:
    try:
        candidates = {
            str(role["Arn"]): str(role["RoleName"]) for role in _list_roles(client) if _is_execution_role(role)
        }
    except AccessDenied as failure:
        text = f"Could not list IAM roles to find a SageMaker execution role: {failure.problem.message}"
        raise AccessDenied(
            "role-unreadable", text, _CHOOSE_ROLE_HINT, region=client.region, aws_code=failure.aws_code
        ) from failure
    roles = sorted(arn for arn, name in candidates.items() if name != NOTEBOOK_ROLE_NAME) or list(candidates)
    if len(roles) == 1:
        return roles[0]
    if roles:
        raise UsageError("several-roles", f"Several roles could run SageMaker: {', '.join(roles)}.", _CHOOSE_ROLE_HINT)
    hint = "Make one in the SageMaker console (Create role), or name one with --role."
    raise UsageError("no-role", f"No role in this account that can be passed trusts {_SAGEMAKER_PRINCIPAL}.", hint)


def _list_roles(client: AwsClient) -> Iterator[Mapping[str, Any]]:
    for page in client.paginate("iam", "list_roles", MaxItems=200):
        yield from (_require_members(client, "iam:ListRoles", role) for role in page["Roles"])


def _is_execution_role(role: Mapping[str, Any]) -> bool:
    """Whether SageMaker can use a role: it may assume it, and the role can be passed to it."""
    return not _is_service_linked(str(role["RoleName"]), str(role.get("Path", "/"))) and _trusts_sagemaker(role)


def _is_service_linked(name: str, path: str) -> bool:
    return path.startswith(_SERVICE_LINKED_PATH) or name.startswith(_SERVICE_LINKED_NAME)


def _trusts_sagemaker(role: Mapping[str, Any]) -> bool:
    document = role["AssumeRolePolicyDocument"]
    try:
        policy = json.loads(unquote(document)) if isinstance(document, str) else document
    except ValueError:
        return False  # a policy that is not JSON allows nobody
    return any(_allows_sagemaker(statement) for statement in _as_list(policy.get("Statement")))


def _allows_sagemaker(statement: Mapping[str, Any]) -> bool:
    principal = statement.get("Principal", {})
    services = _as_list(principal.get("Service")) if isinstance(principal, dict) else []
    return statement.get("Effect") == "Allow" and _SAGEMAKER_PRINCIPAL in services


def _as_list(value: Any) -> list[Any]:
    """A list of a policy's elements: IAM writes a list of one element as the element itself."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]

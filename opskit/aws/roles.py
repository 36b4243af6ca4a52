"""Which role SageMaker may work with in this account."""

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
# Marks of a role that an AWS service made for itself. It trusts SageMaker like any execution role, and nobody can
# pass it on: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html
_SERVICE_LINKED_PATH, _SERVICE_LINKED_NAME = "/aws-service-role/", "AWSServiceRole"
_CHOOSE_ROLE_HINT = "Choose one with --role, or set execution-role in opskit.toml."


def find_execution_role(client: AwsClient, named: str | None = None) -> str:
    """The ARN of the role to use: the one ``named`` (ARN or name), else the caller's own where SageMaker may assume
    it, else the account's only one. A service-linked role is none, and the role that opskit makes for notebooks
    counts only where there is no other: making a notebook does not make the choice of a role for training unclear.

    Raises:
        UsageError: there is none, there are several, or the one that was named cannot be an execution role.
        AwsError: IAM does not tell.
    """
    if named:
        return _read_named_role(client, named)
    return _caller_role(client) or _single_candidate(client)


def find_role(client: AwsClient, name: str) -> str | None:
    """The ARN of a role by its name; None where there is none.

    Raises:
        UsageError: SageMaker may not assume it.
        AwsError: IAM does not tell.
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
        AwsError: IAM does not tell.
    """
    try:
        client.read("iam", "get_role_policy", RoleName=role, PolicyName=policy)
    except AwsError as failure:
        if failure.aws_code == "NoSuchEntity":
            return False
        raise
    return True


def _read_named_role(client: AwsClient, named: str) -> str:
    """A role by name or ARN. An ARN that IAM does not tell about (it denies, or cannot be reached from a closed
    network) is taken at its word: AWS judges it before anything runs.
    """
    name = named.rpartition("/")[2]
    if ":" in named and not _ROLE_ARN.fullmatch(named):
        raise UsageError("bad-role", f"'{named}' is not the ARN of a role.", _CHOOSE_ROLE_HINT)
    if _is_service_linked(name, named.partition(":role")[2]):
        text = f"The role '{name}' is service-linked: an AWS service made it for itself, and it cannot be passed."
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
    return _whole(client, "iam:GetRole", client.read("iam", "get_role", RoleName=name)["Role"])


def _whole(client: AwsClient, operation: str, role: Mapping[str, Any]) -> Mapping[str, Any]:
    """A role that tells all that a choice among roles needs.

    Raises:
        AwsError: it does not.
    """
    lacking = [member for member in ("Arn", "RoleName", "AssumeRolePolicyDocument") if not role.get(member)]
    if lacking:
        raise incomplete(operation, client.region, f"with a role without its {lacking[0]}")
    return role


def _caller_role(client: AwsClient) -> str | None:
    """The role we run as, if it is an execution role: on a notebook instance it is. Its session's ARN lacks the
    role's path, so IAM is asked for the whole ARN.
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
        found = {str(role["Arn"]): str(role["RoleName"]) for role in _list_roles(client) if _is_execution_role(role)}
    except AccessDenied as failure:
        text = f"Which role SageMaker may work with cannot be read: {failure.problem.message}"
        raise AccessDenied(
            "role-unreadable", text, _CHOOSE_ROLE_HINT, region=client.region, aws_code=failure.aws_code
        ) from failure
    roles = sorted(arn for arn, name in found.items() if name != NOTEBOOK_ROLE_NAME) or list(found)
    if len(roles) == 1:
        return roles[0]
    if roles:
        raise UsageError("several-roles", f"Several roles could run SageMaker: {', '.join(roles)}.", _CHOOSE_ROLE_HINT)
    hint = "Make one in the SageMaker console (Create role), or name one with --role."
    raise UsageError("no-role", f"No role of this account that could be passed trusts {_SAGEMAKER_PRINCIPAL}.", hint)


def _list_roles(client: AwsClient) -> Iterator[Mapping[str, Any]]:
    for page in client.paginate("iam", "list_roles", MaxItems=200):
        yield from (_whole(client, "iam:ListRoles", role) for role in page["Roles"])


def _is_execution_role(role: Mapping[str, Any]) -> bool:
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
    return any(_allows_sagemaker(each) for each in _as_list(policy.get("Statement")))


def _allows_sagemaker(statement: Mapping[str, Any]) -> bool:
    principal = statement.get("Principal", {})
    services = _as_list(principal.get("Service")) if isinstance(principal, dict) else []
    return statement.get("Effect") == "Allow" and _SAGEMAKER_PRINCIPAL in services


def _as_list(value: Any) -> list[Any]:
    """IAM writes a list of one as the one."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]

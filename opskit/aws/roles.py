"""Finds the execution role that SageMaker uses in this account."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import unquote

from opskit.aws.client import AwsClient
from opskit.aws.errors import incomplete
from opskit.aws.gather import gather_all
from opskit.core.exceptions import AccessDenied, AwsError, CredentialsError, UsageError
from opskit.core.model import NOTEBOOK_ROLE_NAME

_SAGEMAKER_PRINCIPAL = "sagemaker.amazonaws.com"
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/\S+")
# Marks of a service-linked role. It trusts SageMaker like any execution role, and cannot be passed:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html
_SERVICE_LINKED_PATH, _SERVICE_LINKED_NAME = "/aws-service-role/", "AWSServiceRole"
_CHOOSE_ROLE_HINT = "Choose one with --role, or set execution-role in opskit.toml."
# What the SageMaker console calls the execution roles that it makes.
_CONSOLE_ROLE_PREFIX = "AmazonSageMaker-ExecutionRole-"
# When a role was last used takes a call each; an account with more candidates is listed by name.
_MAX_DATED = 20


@dataclass(frozen=True)
class ExecutionRole:
    """The execution role to use, and why this one, as a phrase."""

    arn: str
    reason: str


class SeveralRoles(UsageError):
    """Several roles could be the execution role. ``candidates`` are their ARNs, last used first."""

    def __init__(self, candidates: Sequence[str], message: str) -> None:
        super().__init__("several-roles", message, _CHOOSE_ROLE_HINT)
        self.candidates = tuple(candidates)


def find_execution_role(client: AwsClient, named: str | None = None) -> ExecutionRole:
    """The execution role to use: the one ``named`` (ARN or name); else the caller's own role, if SageMaker may assume
    it; else the account's only candidate, or the only one among them that the SageMaker console has made.

    Service-linked roles are never candidates. The role that opskit creates for notebooks counts only if there is no
    other: creating a notebook must not make the choice of a training role ambiguous.

    Raises:
        SeveralRoles: there are several candidates.
        UsageError: there is no candidate, or the named role cannot be an execution role.
        AwsError: IAM could not be read.
    """
    if named:
        return ExecutionRole(_read_named_role(client, named), "it was named")
    own = _caller_role(client)
    return ExecutionRole(own, "it is the role opskit runs with") if own else _only_candidate(client)


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
    """A role by name or ARN."""
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
        # IAM may be denied, or have no route from a closed network. The ARN is then used as it is: AWS checks it before
        # anything runs.
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
    """The role of the caller, if it is an execution role: on a notebook instance it is."""
    # arn:aws:sts::123456789012:assumed-role/ROLE/SESSION: the sixth part, which may hold colons itself.
    parts = client.session.identity().arn.split(":", 5)[-1].split("/")
    if parts[0] != "assumed-role" or len(parts) < 2:
        return None
    try:
        # An assumed role's ARN lacks the role's path, so IAM is asked for the full ARN.
        role = _read_role(client, parts[1])
    except AwsError as failure:
        # Any other failure may pass, and another role would be taken in its place meanwhile.
        if isinstance(failure, AccessDenied) or failure.aws_code == "NoSuchEntity":
            return None
        raise
    return str(role["Arn"]) if _is_execution_role(role) else None


def _only_candidate(client: AwsClient) -> ExecutionRole:
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
        return ExecutionRole(roles[0], "it is the only one that SageMaker may assume")
    from_console = [arn for arn in roles if candidates[arn].startswith(_CONSOLE_ROLE_PREFIX)]
    if len(from_console) == 1:
        reason = f"of {len(roles)} that SageMaker may assume, it is the only {_CONSOLE_ROLE_PREFIX}*"
        return ExecutionRole(from_console[0], reason)
    if roles:
        raise _several_roles(client, {arn: candidates[arn] for arn in from_console or roles})
    hint = "Make one in the SageMaker console (Create role), or name one with --role."
    raise UsageError("no-role", f"No role in this account that can be passed trusts {_SAGEMAKER_PRINCIPAL}.", hint)


def _several_roles(client: AwsClient, candidates: Mapping[str, str]) -> SeveralRoles:
    """The error that lists the candidates, names by ARN, last used first."""
    times: list[datetime | None] = [None] * len(candidates)
    if len(candidates) <= _MAX_DATED:
        times = gather_all([partial(_last_used, client, name) for name in candidates.values()])
    dated = {arn: at for arn, at in zip(candidates, times, strict=True) if at}
    order = sorted(dated, key=lambda arn: dated[arn], reverse=True) + sorted(candidates.keys() - dated.keys())
    listed = ", ".join(f"{arn} (last used {dated[arn]:%Y-%m-%d})" if arn in dated else arn for arn in order)
    how = "Several roles could run SageMaker" + (", last used first" if dated else "")
    return SeveralRoles(order, f"{how}: {listed}.")


def _last_used(client: AwsClient, name: str) -> datetime | None:
    """When a role was last used, which IAM tells of single roles only; None: never in 400 days, or it is not known."""
    try:
        role = _read_role(client, name)
    except AwsError:  # the order is a help, no more
        return None
    used: datetime | None = (role.get("RoleLastUsed") or {}).get("LastUsedDate")
    return used


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

"""Which role SageMaker may work with in this account."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from opskit.aws import Door
from opskit.errors import AwsFailure, UsageProblem

_PRINCIPAL = "sagemaker.amazonaws.com"


def execution_role(door: Door) -> str:
    """The ARN of the role to use: the caller's own where SageMaker may assume it, else the account's only one.

    Raises:
        UsageProblem: there is none, or there are several.
        AwsFailure: IAM does not tell.
    """
    own = _own_role(door)
    if own:
        return own
    roles = [role["Arn"] for role in _all_roles(door) if _trusts_sagemaker(role)]
    if len(roles) == 1:
        return str(roles[0])
    if roles:
        text = f"Several roles could run SageMaker: {', '.join(sorted(roles))}."
        raise UsageProblem("several-roles", text, "Choose one with --role, or set execution-role in opskit.toml.")
    hint = "Make one in the SageMaker console (Create role), or name one with --role."
    raise UsageProblem("no-role", f"No role of this account trusts {_PRINCIPAL}.", hint)


def _own_role(door: Door) -> str | None:
    """The role we run as, if it is an execution role: on a notebook instance it is."""
    parts = door.connection.caller().arn.split(":", 5)[-1].split("/")
    if parts[0] != "assumed-role" or len(parts) < 2:
        return None
    try:
        role = door.read("iam", "get_role", RoleName=parts[1])["Role"]
    except AwsFailure:
        return None
    return str(role["Arn"]) if _trusts_sagemaker(role) else None


def _all_roles(door: Door) -> Iterator[Mapping[str, Any]]:
    params: dict[str, Any] = {"MaxItems": 200}
    while True:
        page = door.read("iam", "list_roles", **params)
        yield from page["Roles"]
        if not page.get("IsTruncated"):
            return
        params["Marker"] = page["Marker"]


def _trusts_sagemaker(role: Mapping[str, Any]) -> bool:
    document = role.get("AssumeRolePolicyDocument") or {}
    policy = json.loads(unquote(document)) if isinstance(document, str) else document
    statements = policy.get("Statement", [])
    return any(_allows(each) for each in (statements if isinstance(statements, list) else [statements]))


def _allows(statement: Mapping[str, Any]) -> bool:
    principal = statement.get("Principal", {})
    services = principal.get("Service", []) if isinstance(principal, dict) else []
    return statement.get("Effect") == "Allow" and _PRINCIPAL in (services if isinstance(services, list) else [services])

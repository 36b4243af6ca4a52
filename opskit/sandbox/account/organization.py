"""Several accounts in one sandbox (``--accounts N``): an organization with units, and in most of its accounts a role to
assume, whose trust is checked as STS does. Some have no such role, and one a role that trusts somebody else.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from botocore.exceptions import ClientError
from werkzeug.wrappers import Request, Response

from opskit.sandbox.account.caller_identity import caller_arn
from opskit.sandbox.dispatcher import aws_operation
from opskit.sandbox.errors import ApiError, FallThrough
from opskit.sandbox.state import INTERNAL_USER_AGENT, AccountRegion, ApiCall, SandboxState

ROLE = "opskit"
"""The role that the accounts of an organization have for opskit."""
_UNITS = ("production", "research", "teaching")
# Every so manyth account has not got the role, and the one after it a role that trusts another account.
_WITHOUT_ROLE = 10
_FOREIGN_ACCOUNT = "999999999999"


class OrganizationService:
    """Refuses to list an organization where AWS does: to an account that is in none, and to a member of one. moto lists
    none, and all, instead.
    """

    def __init__(self, management_account: str | None) -> None:
        self._management_account = management_account

    @aws_operation(
        "organizations", "ListAccounts", "ListAccountsForParent", "ListOrganizationalUnitsForParent", "ListRoots"
    )
    def check_account(self, call: ApiCall) -> dict[str, Any]:
        """Refuse, or leave the answer to moto.

        Raises:
            ApiError: Organizations' refusal.
            FallThrough: moto may answer.
        """
        if self._management_account is None:
            raise ApiError("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")
        if call.account_region.account != self._management_account:
            raise ApiError("AccessDeniedException", "You don't have permissions to access this resource.")
        raise FallThrough


def create_accounts(state: SandboxState, count: int, create_resources: Callable[[str, int], None]) -> list[str]:
    """Make an organization of so many accounts, the sandbox's own included, and let ``create_resources`` fill each by
    its number. Returns the accounts that were made.
    """
    organizations = state.client("organizations", state.home)
    organizations.create_organization(FeatureSet="ALL")
    root = organizations.list_roots()["Roots"][0]["Id"]
    units = [
        organizations.create_organizational_unit(ParentId=root, Name=name)["OrganizationalUnit"]["Id"]
        for name in _UNITS
    ]
    made = []
    for number in range(1, count):
        name = f"{_UNITS[number % len(_UNITS)]}-{number:03}"
        status = organizations.create_account(Email=f"{name}@example.com", AccountName=name)["CreateAccountStatus"]
        account = str(status["AccountId"])
        unit = units[number % len(units)]
        organizations.move_account(AccountId=account, SourceParentId=root, DestinationParentId=unit)
        if number % _WITHOUT_ROLE != 0:
            trusted = _FOREIGN_ACCOUNT if number % _WITHOUT_ROLE == 1 and number > 1 else state.home.account
            _create_role(state.client("iam", AccountRegion(account, state.home.region)), trusted)
        create_resources(account, number)
        made.append(account)
    return made


def _create_role(iam: Any, trusted: str) -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{trusted}:root"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=document)


def check_assume_role(state: SandboxState, accounts: frozenset[str], request: Request) -> Response:
    """Refuse a role that is not there, or that does not trust the caller's account; moto would hand out any.

    Raises:
        ApiError: STS's refusal.
        FallThrough: moto may answer.
    """
    query = dict(parse_qsl(request.get_data(as_text=True)))
    arn = query.get("RoleArn", "")
    account, _, path = (arn.split(":", 4) + [""] * 5)[4].partition(":role/")
    if account in accounts and INTERNAL_USER_AGENT not in request.user_agent.string:
        caller = caller_arn(request)
        if not _is_trusted(state, account, path.rpartition("/")[2], caller.split(":")[4], query.get("ExternalId")):
            text = f"User: {caller} is not authorized to perform: sts:AssumeRole on resource: {arn}"
            raise ApiError("AccessDenied", text, status=403)
    raise FallThrough


def _is_trusted(state: SandboxState, account: str, name: str, caller: str, external_id: str | None) -> bool:
    try:
        role = state.client("iam", AccountRegion(account, state.home.region)).get_role(RoleName=name)["Role"]
    except ClientError:
        return False
    document: Any = role["AssumeRolePolicyDocument"]
    return any(_allows(statement, caller, external_id) for statement in document["Statement"])


def _allows(statement: dict[str, Any], caller: str, external_id: str | None) -> bool:
    wanted = statement.get("Condition", {}).get("StringEquals", {}).get("sts:ExternalId")
    return f"::{caller}:" in str(statement.get("Principal", {}).get("AWS", "")) and wanted in (None, external_id)

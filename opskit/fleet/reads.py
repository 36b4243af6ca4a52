"""The accounts of an AWS organization."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from opskit.aws.client import AwsClient, parse_errors_as_aws
from opskit.core.exceptions import AccessDenied, AwsError, UsageError
from opskit.fleet.rules.accounts import FleetAccount, role_of_account

_SERVICE = "organizations"
_NOT_IN_USE = "AWSOrganizationsNotInUseException"
# As AWS says of ListAccounts: https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListAccounts.html
_WHO_MAY_LIST = "AWS lists an organization only to its management account and to a delegated administrator."


def list_organization_accounts(
    client: AwsClient, units: Sequence[str], partition: str, role_name: str, own_account: str
) -> tuple[FleetAccount, ...]:
    """The active accounts of the caller's organization, or of the given units and those below them, by ID. The caller's
    own is looked at with its own credentials: the role need not be in it.

    Raises:
        UsageError: there is no organization or no such unit, or none of these has an account.
        AwsError: the organization could not be read.
    """
    try:
        if units:
            parents = _resolve_units(client, units)
            found = [each for parent in parents for each in _accounts_below(client, parent)]
        else:
            found = list(_read_accounts(client, "list_accounts"))
    except AccessDenied as failure:
        failure.problem = replace(failure.problem, hint=f"{_WHO_MAY_LIST} {failure.problem.hint}".rstrip())
        raise
    except AwsError as failure:
        if failure.aws_code != _NOT_IN_USE:
            raise
        text = f"The account {own_account} is in no AWS organization."
        raise UsageError(
            "no-organization", text, "Name the accounts: --accounts FILE, or --role-arn for each."
        ) from failure
    active = {each["Id"]: each for each in found if (each.get("State") or each.get("Status")) == "ACTIVE"}
    if not active:
        raise UsageError("no-accounts", "The organization has no active account there.")
    return tuple(
        FleetAccount(
            number,
            each.get("Name") or None,
            None if number == own_account else role_of_account(partition, number, role_name),
        )
        for number, each in sorted(active.items())
    )


def _read_accounts(client: AwsClient, operation: str, **parameters: Any) -> Iterator[dict[str, Any]]:
    for page in client.paginate(_SERVICE, operation, **parameters):
        with parse_errors_as_aws(client, f"{_SERVICE}:ListAccounts"):
            yield from [{**each, "Id": str(each["Id"])} for each in page["Accounts"]]


def _accounts_below(client: AwsClient, parent: str) -> list[dict[str, Any]]:
    found = list(_read_accounts(client, "list_accounts_for_parent", ParentId=parent))
    for unit in _read_units(client, parent):
        found += _accounts_below(client, unit["Id"])
    return found


def _read_units(client: AwsClient, parent: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for page in client.paginate(_SERVICE, "list_organizational_units_for_parent", ParentId=parent):
        with parse_errors_as_aws(client, f"{_SERVICE}:ListOrganizationalUnitsForParent"):
            found += [{**each, "Id": str(each["Id"])} for each in page["OrganizationalUnits"]]
    return found


def _resolve_units(client: AwsClient, units: Sequence[str]) -> list[str]:
    """The IDs of units: those that are named by their ID as they are, others by their name, anywhere in the tree."""
    named = [unit for unit in units if not unit.startswith(("ou-", "r-"))]
    by_name: dict[str, list[str]] = {}
    if named:
        for page in client.paginate(_SERVICE, "list_roots"):
            with parse_errors_as_aws(client, f"{_SERVICE}:ListRoots"):
                roots = [str(each["Id"]) for each in page["Roots"]]
            for root in roots:
                _note_units(client, root, by_name)
    for name in named:
        if len(by_name.get(name, ())) != 1:
            text = f"The organization has {len(by_name.get(name, ()))} units called '{name}'."
            raise UsageError("no-unit", text, f"It has: {', '.join(sorted(by_name)) or 'none'}. An ID works too.")
    return [by_name[unit][0] if unit in named else unit for unit in units]


def _note_units(client: AwsClient, parent: str, by_name: dict[str, list[str]]) -> None:
    for unit in _read_units(client, parent):
        by_name.setdefault(str(unit.get("Name")), []).append(unit["Id"])
        _note_units(client, unit["Id"], by_name)

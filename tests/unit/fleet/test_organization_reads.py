"""Accounts that may not list an organization."""

from __future__ import annotations

import pytest

from opskit.core.exceptions import AccessDenied, UsageError
from opskit.fleet.reads import list_organization_accounts
from tests.fakes.stubbed_client import ACCOUNT, stubbed_client

NOT_IN_USE = "Your account is not a member of an organization."


@pytest.mark.parametrize(("units", "operation"), [((), "list_accounts"), (("teaching",), "list_roots")])
def test_an_account_of_no_organization_is_told_how_else_to_name_accounts(
    units: tuple[str, ...], operation: str
) -> None:
    with stubbed_client() as (client, calls):
        calls.add_refusal("organizations", operation, "AWSOrganizationsNotInUseException", NOT_IN_USE)
        with pytest.raises(UsageError, match=f"{ACCOUNT} is in no AWS organization") as told:
            list_organization_accounts(client, units, "aws", "opskit", ACCOUNT)
    assert "--accounts FILE" in told.value.problem.hint


def test_a_member_is_told_who_may_list_the_accounts() -> None:
    with stubbed_client() as (client, calls):
        calls.add_refusal("organizations", "list_accounts", "AccessDeniedException", "You don't have permissions")
        with pytest.raises(AccessDenied) as told:
            list_organization_accounts(client, (), "aws", "opskit", ACCOUNT)
    assert "management account" in told.value.problem.hint
    assert "organizations:ListAccounts" in told.value.problem.hint

"""An organization of accounts on the small AWS, of which every fifth fails in a way of its own."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from opskit.quotas.reads.code_cache import bundled_codes
from tests.fakes.fake_aws import BROKEN, CLOSED, DENIED, GARBLED, Entry, FakeAws, Fault

QUOTA = "ml.m4.xlarge for training job usage"
NO_ROLE = Fault(403, "AccessDenied", "User is not authorized to perform: sts:AssumeRole on resource: the role")
EXPIRED = Fault(400, "ExpiredTokenException", "The security token included in the request is expired")
FAULTS = {
    "no role": NO_ROLE,
    "denied": DENIED,
    "broken": BROKEN,
    "closed": CLOSED,
    "garbled": GARBLED,
    "expired": EXPIRED,
}


@dataclass
class FakeOrganization:
    """The accounts by their IDs: what each one's quota is, or how it fails. ``management`` is who calls."""

    management: FakeAws
    values: dict[str, float]
    faults: dict[str, str]

    @property
    def accounts(self) -> list[str]:
        """All IDs."""
        return sorted({*self.values, *self.faults})


def make_organization(size: int, regions: tuple[str, ...], *, fault_every: int = 5) -> FakeOrganization:
    """So many accounts; the quota of each is its number modulo three, and every so many fails."""
    management = FakeAws(enabled=regions)
    found = FakeOrganization(management, {}, {})
    names = list(FAULTS)
    for number in range(size):
        account = f"{number + 1:012}"
        member = management.members[account] = FakeAws(account=account, enabled=regions)
        member.quotas = [Entry(QUOTA, bundled_codes()[QUOTA], number % 3, 0)]
        if number % fault_every == fault_every - 1:
            how = found.faults[account] = names[(number // fault_every) % len(names)]
            fault = FAULTS[how]
            if how != "no role":
                member.fault = lambda operation, region, fault=fault: (  # type: ignore[misc]
                    None if operation == "GetCallerIdentity" else fault
                )
        else:
            found.values[account] = number % 3
    without_role = {account for account, how in found.faults.items() if how == "no role"}
    management.running["ListAccounts"] = lambda asked: _page(found.accounts, asked)
    answer, lock = management.answer_call, threading.Lock()

    def refuse_roles(operation: str, region: str, asked: Any) -> dict[str, Any] | Fault:
        with lock:
            refused = operation == "AssumeRole" and asked["RoleArn"].split(":")[4] in without_role
        return NO_ROLE if refused else answer(operation, region, asked)

    management.answer_call = refuse_roles  # type: ignore[method-assign]
    return found


def _page(accounts: list[str], asked: Any) -> dict[str, Any]:
    """Twenty a page, as AWS Organizations has them at most."""
    begin = int(asked.get("NextToken") or 0)
    told = [
        {"Id": account, "Name": f"team-{account[-3:]}", "Status": "ACTIVE"} for account in accounts[begin : begin + 20]
    ]
    return {"Accounts": told, **({"NextToken": str(begin + 20)} if begin + 20 < len(accounts) else {})}

"""Which accounts a command runs in, as files and flags name them."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opskit.core.exceptions import UsageError

_ACCOUNT = re.compile(r"\d{12}")
_ROLE_ARN = re.compile(r"arn:(aws[a-z-]*):iam::(\d{12}):role/[\w+=,.@/-]+")
_COLUMNS = ("account", "name", "role_arn", "regions")
_FILE_HINT = "Write a line for each account: ACCOUNT or ACCOUNT,NAME; or save `aws organizations list-accounts`."


@dataclass(frozen=True)
class FleetAccount:
    """An account to run in. ``role_arn`` None: with the caller's own credentials. ``name`` None: nobody gave it one.
    ``regions`` are its own; none: those of the run.
    """

    account: str
    name: str | None = None
    role_arn: str | None = None
    regions: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """How people are told of it."""
        return self.name or self.account


def role_of_account(partition: str, account: str, role_name: str) -> str:
    """The ARN of a role that has the same name in every account."""
    return f"arn:{partition}:iam::{account}:role/{role_name}"


def account_of_role(role_arn: str) -> FleetAccount:
    """The account of a role.

    Raises:
        UsageError: it is no ARN of a role.
    """
    match = _ROLE_ARN.fullmatch(role_arn)
    if match is None:
        text = f"'{role_arn}' is not the ARN of an IAM role."
        raise UsageError("bad-role-arn", text, "Write it like arn:aws:iam::123456789012:role/opskit.")
    return FleetAccount(match[2], role_arn=role_arn)


def parse_accounts(text: str, source: str, partition: str, role_name: str) -> tuple[FleetAccount, ...]:
    """The accounts in a file: a CSV with or without a header, or JSON as ``aws organizations list-accounts`` prints it.

    Raises:
        UsageError: it is neither, or names none, or one twice.
    """
    stripped = text.removeprefix("\ufeff").strip()
    rows = _json_rows(stripped, source) if stripped[:1] in ("{", "[") else _csv_rows(stripped)
    accounts = [_parse_row(row, source, partition, role_name) for row in rows]
    doubled = next((each.account for at, each in enumerate(accounts) if each in accounts[:at]), None)
    if doubled:
        raise UsageError("bad-accounts", f"{source} names the account {doubled} twice.")
    if not accounts:
        raise UsageError("bad-accounts", f"{source} names no account.", _FILE_HINT)
    return tuple(accounts)


def _csv_rows(text: str) -> Iterable[Mapping[str, Any]]:
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    cells = [[cell.strip() for cell in row] for row in csv.reader(lines)]
    header: Sequence[str] = _COLUMNS
    if cells and cells[0][0].lower() in ("account", "id"):
        header = ["account" if name.lower() == "id" else name.lower() for name in cells[0]]
        cells = cells[1:]
    return [dict(zip(header, row, strict=False)) for row in cells]


def _json_rows(text: str, source: str) -> Iterable[Mapping[str, Any]]:
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError("bad-accounts", f"{source} is not valid JSON: {error}.", _FILE_HINT) from error
    listed = told.get("Accounts") if isinstance(told, dict) else told
    if not isinstance(listed, list):
        raise UsageError("bad-accounts", f"{source} has no list of accounts.", _FILE_HINT)
    rows = [row if isinstance(row, dict) else {"account": row} for row in listed]
    return [{"account": row.get("Id"), "name": row.get("Name"), **row} for row in rows if _is_active(row)]


def _is_active(row: Mapping[str, Any]) -> bool:
    """Whether an account of an organization is open."""
    # State is AWS's newer member for it; an answer may still have the older Status alone.
    return (row.get("State") or row.get("Status") or "ACTIVE") == "ACTIVE"


def _parse_row(row: Mapping[str, Any], source: str, partition: str, role_name: str) -> FleetAccount:
    account = str(row.get("account") or "")
    if not _ACCOUNT.fullmatch(account):
        text = f"{source}: '{account[:40]}' is not the ID of an account, which has 12 digits."
        raise UsageError("bad-accounts", text, _FILE_HINT)
    role = row.get("role_arn") or role_of_account(partition, account, role_name)
    if account_of_role(str(role)).account != account:
        raise UsageError("bad-accounts", f"{source}: the role {role} is not one of the account {account}.")
    told = row.get("regions") or ()
    regions = told.split() if isinstance(told, str) else told
    return FleetAccount(account, row.get("name") or None, str(role), tuple(map(str, regions)))

"""Finds the accounts that the flags name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from opskit.aws.partitions import COMMERCIAL, partition_of
from opskit.aws.session import AwsSession
from opskit.core.exceptions import UsageError
from opskit.core.file_errors import read_named_text
from opskit.fleet.reads import list_organization_accounts
from opskit.fleet.rules.accounts import FleetAccount, account_of_role, parse_accounts


def choose_accounts(
    connect: Callable[[], AwsSession],
    file: Path | None,
    *,
    org: bool,
    units: Sequence[str],
    role_arns: Sequence[str],
    role_name: str,
    check: Callable[[Sequence[FleetAccount]], None],
) -> tuple[FleetAccount, ...]:
    """The accounts of a file, of the organization, or of roles. ``check`` may raise as soon as they are known: those of
    a file and of roles before ``connect`` is called.

    Raises:
        UsageError: none of them was named, or two, or the file cannot be read.
        AwsError: the organization could not be read.
    """
    if sum((file is not None, org, bool(role_arns))) != 1:
        text = "Name the accounts in one way: --accounts FILE, --org or --ou, or --role-arn for each."
        raise UsageError("which-accounts", text, "`opskit fleet check --org` looks at the whole organization.")
    if role_arns:
        accounts = tuple({arn: account_of_role(arn) for arn in role_arns}.values())
    elif file is not None:
        text = read_named_text(file, "accounts-unreadable")  # once: a pipe can be read no second time
        # The partition, which the Region tells, is that of roles that the file does not name.
        check(parse_accounts(text, str(file), COMMERCIAL.name, role_name))
        return parse_accounts(text, str(file), partition_of(connect().default_region).name, role_name)
    else:
        partition = partition_of((base := connect()).default_region).name
        accounts = list_organization_accounts(base.client(), units, partition, role_name, base.identity().account)
    check(accounts)
    return accounts


def run_key(
    base: AwsSession,
    command: Sequence[str],
    arguments: Mapping[str, Any],
    accounts: Sequence[FleetAccount],
    regions: Sequence[str],
) -> str:
    """What tells a run from others: only the same one is resumed."""
    typed = {name: str(value) for name, value in arguments.items()}
    told = [base.endpoint_id(), list(command), typed, list(regions), [asdict(each) for each in accounts]]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]

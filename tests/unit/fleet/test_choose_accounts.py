"""Which accounts the flags name, and when that is known."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import pytest

from opskit.core.exceptions import UsageError
from opskit.fleet.flows.choose_accounts import choose_accounts
from opskit.fleet.rules.accounts import FleetAccount
from tests.fakes.stubbed_client import stubbed_client

A, B = "111111111111", "222222222222"


def test_a_file_of_accounts_may_be_a_pipe() -> None:
    reading, writing = os.pipe()  # as of --accounts <(command), which can be read once
    os.write(writing, f"{A}\n{B}\n".encode())
    os.close(writing)
    checked: list[Sequence[FleetAccount]] = []
    with stubbed_client() as (client, _):
        found = choose_accounts(
            lambda: client.session,
            Path(f"/dev/fd/{reading}"),
            org=False,
            units=(),
            role_arns=(),
            role_name="opskit",
            check=checked.append,
        )
    os.close(reading)
    assert [each.account for each in found] == [A, B]
    assert len(checked) == 1


@pytest.mark.parametrize("role_arns", [(), (f"arn:aws:iam::{A}:role/opskit",)], ids=["file", "roles"])
def test_what_the_accounts_do_not_fit_is_told_before_any_call(tmp_path: Path, role_arns: tuple[str, ...]) -> None:
    def connect() -> NoReturn:
        raise AssertionError("nothing has to be asked")

    def refuse(accounts: Sequence[FleetAccount]) -> None:
        raise UsageError("bad-plan", f"{[each.account for each in accounts]}")

    file = tmp_path / "accounts.csv"
    file.write_text(f"{A}\n")
    with pytest.raises(UsageError, match=A):
        choose_accounts(
            connect,
            None if role_arns else file,
            org=False,
            units=(),
            role_arns=role_arns,
            role_name="opskit",
            check=refuse,
        )

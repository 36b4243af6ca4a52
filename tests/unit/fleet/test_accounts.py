"""Accounts as files and flags name them, and what their reports come to."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from opskit.cli.common_options import split_role_arns
from opskit.core.exceptions import ExitCode, Problem, UsageError
from opskit.core.setting_values import parse_tag
from opskit.fleet.render import fleet_result
from opskit.fleet.rules.accounts import FleetAccount, account_of_role, parse_accounts
from opskit.fleet.rules.reports import AccountReport, fleet_exit
from opskit.fleet.rules.role_template import role_template
from opskit.fleet.rules.views import VIEWS
from opskit.fleet.store import FinishedReports

A, B = "111111111111", "222222222222"
ROLE = "arn:aws:iam::{}:role/opskit"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def parse(text: str) -> tuple[FleetAccount, ...]:
    return parse_accounts(text, "accounts.csv", "aws", "opskit")


@pytest.mark.parametrize(
    "text",
    [
        f"{A},prod\n{B},\n",
        f"\ufeffaccount,name\r\n{A},prod\r\n{B}\r\n",
        f"# ours\n{A}, prod\n\n{B}\n",
        json.dumps({"Accounts": [{"Id": A, "Name": "prod", "Status": "ACTIVE"}, {"Id": B, "State": "ACTIVE"}]}),
        json.dumps([{"Id": A, "Name": "prod"}, B, {"Id": "333333333333", "Status": "SUSPENDED"}]),
    ],
)
def test_a_file_of_lines_of_csv_or_of_awss_own_json(text: str) -> None:
    assert parse(text) == (FleetAccount(A, "prod", ROLE.format(A)), FleetAccount(B, None, ROLE.format(B)))


def test_an_account_has_a_role_and_regions_of_its_own() -> None:
    (found,) = parse(f"account,role_arn,regions\n{A},arn:aws:iam::{A}:role/team/reader,eu-west-1 us-east-1\n")
    assert found == FleetAccount(A, None, f"arn:aws:iam::{A}:role/team/reader", ("eu-west-1", "us-east-1"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "names no account"),
        ("12345\n", "'12345' is not the ID"),
        (f"{A}\n{A}\n", "twice"),
        (f"account,role_arn\n{A},{ROLE.format(B)}\n", "is not one of the account"),
        (f"account,role_arn\n{A},arn:aws:iam::{A}:user/x\n", "not the ARN of an IAM role"),
        ("{", "not valid JSON"),
        ('{"Account": 3}', "no list of accounts"),
        ("[" * 100_000, "not valid JSON"),
    ],
)
def test_a_file_that_names_none_is_refused(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parse(text)


def test_roles_and_tags_as_they_are_typed() -> None:
    assert account_of_role(ROLE.format(A)) == FleetAccount(A, role_arn=ROLE.format(A))
    assert tuple(map(parse_tag, ["team=blue", "run=a=b"])) == (("team", "blue"), ("run", "a=b"))
    with pytest.raises(UsageError, match="'blue' is not a valid tag"):
        parse_tag("blue")


def test_several_roles_are_several_accounts() -> None:
    both = [ROLE.format(A), ROLE.format(B)]
    assert split_role_arns(("fleet", "check"), both) == (tuple(both), None)
    assert split_role_arns(("quotas", "check"), both[:1]) == ((), both[0])
    assert split_role_arns(("quotas", "check"), both, in_several=True) == (tuple(both), None)
    with pytest.raises(UsageError, match="one account"):
        split_role_arns(("train",), both)


@pytest.mark.parametrize(
    ("codes", "whole"),
    [
        ([0, 0], 0),
        ([0, 3, 4], 3),
        ([0, 4], 5),
        ([0, 5], 5),
        ([4, 4], 4),
        ([4, 2], 4),
        ([5, 5], 5),
    ],
)
def test_a_failed_account_hides_no_other(codes: list[int], whole: int) -> None:
    assert fleet_exit([AccountReport(FleetAccount(A), ExitCode(code)) for code in codes]) == whole


def test_what_was_finished_is_resumed_while_it_is_young_and_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opskit.fleet.store.state_dir", lambda: tmp_path)
    store = FinishedReports("key")
    good = AccountReport(
        FleetAccount(A, "prod", ROLE.format(A), ("eu-west-1",)),
        ExitCode.REFUSED,
        {"quotas": [{"verdict": "short"}]},
        (Problem("a", "b", "c"),),
        regions=("eu-west-1",),
    )
    store.add_report(good, NOW)
    store.add_report(AccountReport(FleetAccount(B), ExitCode.AWS_ERROR), NOW)
    with store.path.open("a") as file:
        file.write('{"at": "2026-01-01T00')  # killed while it wrote
    assert store.path.stat().st_mode & 0o077 == 0
    assert store.load_reports(NOW + timedelta(minutes=59)) == [good]
    assert store.load_reports(NOW + timedelta(minutes=61)) == []
    assert store.load_reports(NOW - timedelta(minutes=1)) == []
    store.forget_reports()
    assert store.load_reports(NOW) == []


def test_the_template_trusts_one_account_and_asks_for_the_external_id() -> None:
    role = role_template("reader", A, "team", {"Statement": []})["Resources"]["OpskitRole"]["Properties"]
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert (role["RoleName"], A in str(trust["Principal"])) == ("reader", True)
    assert trust["Condition"] == {"StringEquals": {"sts:ExternalId": "team"}}


def test_amounts_are_told_as_people_write_them() -> None:
    item = {"region": "us-east-1", "kind": "lab", "name": "x", "usd_per_hour": 1e-05, "owner": None, "stop_with": None}
    data = {"items": [item], "totals": {"usd_per_hour": 1e-05, "unpriced": 0}}
    nothing = {"items": [], "totals": {"usd_per_hour": 0.0, "unpriced": 0}}
    told = fleet_result(
        VIEWS["costs"],
        [AccountReport(FleetAccount(A), ExitCode.OK, data), AccountReport(FleetAccount(B), ExitCode.OK, nothing)],
    )
    found = [row[-1].text for row in told.tables[0].rows]
    assert found == ["1 item; 0.00001 USD per hour", "0 items; 0 USD per hour"]
    assert told.tables[1].rows[0][4].text == "0.00001"
    assert told.notes == ("2 accounts: 0.00001 USD per hour.",)


def test_what_has_no_known_price_is_not_the_cheapest() -> None:
    """In a fleet of hundreds the cheapest rows are left out."""
    item: dict[str, Any] = {"region": "us-east-1", "kind": "lab", "owner": None, "stop_with": None}
    items = [item | {"name": name, "usd_per_hour": usd} for name, usd in (("dear", 5.0), ("free", 0.0), ("new", None))]
    data = {"items": items, "totals": {"usd_per_hour": 5.0, "unpriced": 1}}
    rows = fleet_result(VIEWS["costs"], [AccountReport(FleetAccount(A), ExitCode.OK, data)]).tables[1].rows
    assert [(row[3].text, row[4].text, row[5].text) for row in rows] == [
        ("new", "?", "?"),
        ("dear", "5", "?"),
        ("free", "0", "?"),
    ]

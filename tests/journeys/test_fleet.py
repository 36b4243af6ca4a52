"""``opskit fleet`` over an organization: right verdicts in each account, failed ones named, none hidden."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.journeys.conftest import RunningSandbox, Shell, make_shell, run_sandbox
from tests.slow import starts_server

ACCOUNTS = 13


@pytest.fixture(scope="module")
@starts_server
def organization() -> Iterator[RunningSandbox]:
    with run_sandbox(accounts=ACCOUNTS) as running:
        yield running


@pytest.fixture
def shell(organization: RunningSandbox, tmp_path: Path) -> Shell:
    return make_shell(organization, tmp_path)


@pytest.fixture(scope="module")
def listed(organization: RunningSandbox) -> dict[str, str]:
    """The accounts by their names, as AWS's own client lists them."""
    names = ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "DEFAULT_REGION")
    key, secret, region = (organization.variables[f"AWS_{name}"] for name in names)
    client = boto3.Session(key, secret, region_name=region).client("organizations", endpoint_url=organization.url)
    pages = client.get_paginator("list_accounts").paginate()
    return {each["Name"]: each["Id"] for page in pages for each in page["Accounts"]}


def by_name(data: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in data["accounts"]}


def test_every_account_has_a_status_and_those_without_the_role_are_named(shell: Shell, listed: dict[str, str]) -> None:
    ended = shell.opskit("fleet", "check", "ml.m4.xlarge", "--for", "training", "--org")
    assert ended.exit == 3  # a new account's quota is 0
    told = by_name(ended.data)
    assert {name: each["account"] for name, each in told.items()} == listed
    failed = {name for name, each in told.items() if each["status"] == "error"}
    assert failed == {"research-010", "teaching-011"}
    assert "sts:AssumeRole" in told["research-010"]["error"]
    assert {row["account"] for row in ended.data["quotas"]} == {listed[name] for name in told.keys() - failed}
    assert f"[{ACCOUNTS}/{ACCOUNTS}] " in ended.stderr


def test_a_unit_is_chosen_by_its_name(shell: Shell) -> None:
    ended = shell.opskit("fleet", "costs", "--ou", "production", "--region", "us-east-1")
    assert set(by_name(ended.data)) == {"production-003", "production-006", "production-009", "production-012"}
    endpoints = {row["name"] for row in ended.data["items"] if row["kind"] == "endpoint"}
    assert endpoints == {"live-003", "live-006", "live-009", "live-012"}
    assert ended.data["totals"]["usd_per_hour"] > 0
    unknown = shell.opskit("fleet", "costs", "--ou", "nowhere")
    assert (unknown.exit, unknown.envelope["errors"][0]["code"]) == (2, "no-unit")


def test_a_file_names_accounts_and_regions(shell: Shell, listed: dict[str, str]) -> None:
    file = shell.home / "accounts.csv"
    file.write_text(f"{listed['production-003']},ours\n")
    ended = shell.opskit("fleet", "costs", "--accounts", str(file), "--region", "eu-west-1")
    assert by_name(ended.data)["ours"]["status"] in ("ok", "partial")
    assert {(row["account"], row["region"]) for row in ended.data["items"]} == {(listed["production-003"], "eu-west-1")}
    roles = [f"arn:aws:iam::{listed[name]}:role/opskit" for name in ("research-001", "teaching-002")]
    idle = shell.opskit("fleet", "idle", "--role-arn", roles[0], "--role-arn", roles[1])
    assert [each["account"] for each in idle.data["accounts"]] == [listed["research-001"], listed["teaching-002"]]
    assert len(idle.data["notebooks"]) == 3


def test_what_a_killed_run_has_seen_is_not_looked_at_again(shell: Shell, listed: dict[str, str]) -> None:
    command = ("fleet", "check", "ml.m4.xlarge", "--for", "training", "--ou", "production", "--concurrency", "1")
    process = shell.start(*command)
    first = process.stderr.readline()
    process.kill()
    process.wait()
    assert "[1/" in first
    [kept] = (shell.home / "state").rglob("fleet-*.jsonl")
    lines = kept.read_text().splitlines()
    assert json.loads(lines[0])["exit"] == 3
    ended = shell.opskit(*command, "--resume")
    assert [each["status"] for each in ended.data["accounts"]] == ["refused"] * 4
    assert "[1/" not in ended.stderr
    assert list((shell.home / "state").rglob("fleet-*.jsonl")) == []


def test_a_change_in_several_accounts_is_what_its_plan_says(shell: Shell, listed: dict[str, str]) -> None:
    command = ("endpoint", "stop", "live-003", "live-006", "live-009", "--ou", "production")
    refused = shell.opskit(*command)
    assert (refused.exit, refused.envelope["errors"][0]["code"]) == (2, "consent-missing")
    planned = shell.opskit(*command, "--dry-run")
    rows = {row["name"]: row for row in planned.data["endpoints"]}
    assert {name for name, row in rows.items() if row["outcome"] == "planned"} == {"live-003", "live-006", "live-009"}
    over = shell.opskit(*command, "--yes", "--limit-all", "2")
    assert (over.exit, over.envelope["errors"][-1]["code"]) == (3, "over-limit")

    envelope = planned.envelope
    envelope["data"]["endpoints"] = [row for row in rows.values() if row["name"] != "live-009"]
    plan = shell.home / "plan.json"
    plan.write_text(json.dumps(envelope))
    other = shell.opskit("notebook", "stop", "--idle", "--ou", "production", "--plan", str(plan))
    assert (other.exit, other.envelope["errors"][0]["code"]) == (2, "bad-plan")
    elsewhere = shell.opskit(*command[:-1], "research", "--plan", str(plan))
    assert (elsewhere.exit, elsewhere.envelope["errors"][0]["code"]) == (2, "bad-plan")
    done = shell.opskit(*command, "--plan", str(plan))
    assert {(row["account"], row["name"], row["outcome"]) for row in done.data["endpoints"]} == {
        (listed["production-003"], "live-003", "done"),
        (listed["production-006"], "live-006", "done"),
    }
    assert done.data["dry_run"] is False
    left = shell.opskit("endpoint", "list", "--ou", "production")
    running = {row["name"] for row in left.data["endpoints"] if row["status"] not in ("Deleting", "Stopped")}
    assert running == {"live-009", "live-012"}
    told = shell.opskit("history", "--accounts", str(_file_of(shell, listed["production-003"])), "--action", "stop")
    assert [(row["account"], row["subject"]) for row in told.data["history"]] == [
        (listed["production-003"], "live-003")
    ]


def _file_of(shell: Shell, account: str) -> Path:
    file = shell.home / "one.csv"
    file.write_text(account)
    return file


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        (("quotas", "list", "--used"), "quotas"),
        (("quotas", "requests"), "requests"),
        (("notebook", "list"), "notebooks"),
        (("costs", "--no-cloudtrail"), "items"),
        (("doctor",), "checks"),
    ],
)
def test_other_commands_run_in_accounts_too(
    words: tuple[str, ...], rows: str, shell: Shell, listed: dict[str, str]
) -> None:
    ended = shell.opskit(*words, "--ou", "teaching")
    told = by_name(ended.data)
    assert {name: each["status"] for name, each in told.items() if each["status"] == "error"} == {
        "teaching-011": "error"
    }
    assert {row["account"] for row in ended.data[rows]} <= {each["account"] for each in told.values()}
    assert ended.exit == 5


@pytest.mark.parametrize("words", [(), ("--org", "--accounts", "a.csv"), ("--accounts", "missing.csv")])
def test_accounts_are_named_in_one_way(shell: Shell, words: tuple[str, ...]) -> None:
    assert shell.opskit("fleet", "check", *words).exit == 2


def test_the_role_for_a_stack_set(shell: Shell) -> None:
    template = shell.opskit("fleet", "role", "--external-id", "x").data["template"]
    [role] = template["Resources"].values()
    actions = role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    assert "sagemaker:ListNotebookInstances" in str(actions)
    assert "Stop" not in str(actions)


def test_a_member_may_not_list_its_organization(organization: RunningSandbox, listed: dict[str, str]) -> None:
    names = ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "DEFAULT_REGION")
    key, secret, region = (organization.variables[f"AWS_{name}"] for name in names)
    role = f"arn:aws:iam::{listed['production-003']}:role/opskit"
    own = boto3.Session(key, secret, region_name=region).client("sts", endpoint_url=organization.url)
    keys = own.assume_role(RoleArn=role, RoleSessionName="member")["Credentials"]
    member = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], region)
    with pytest.raises(ClientError, match="AccessDenied"):
        member.client("organizations", endpoint_url=organization.url).list_accounts()

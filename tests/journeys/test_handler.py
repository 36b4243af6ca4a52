"""The handler of one account, as AWS Lambda runs it: by AWS's own runtime client, without a home, on file systems that
are read-only but for a temporary folder, with the credentials of a role, in 512 MB; and state that outlives it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.fakes.lambda_runtime import LambdaFunction, running_function
from tests.fakes.state_table import make_table
from tests.journeys.conftest import RunningSandbox, Shell, make_shell, run_sandbox
from tests.slow import starts_server
from tests.waiting import wait_until

REPOSITORY = Path(__file__).parents[2]
HANDLER = "opskit.fleet.cli.account_handler.lambda_handler"
STATE = "dynamodb://opskit"


@pytest.fixture(scope="module")
@starts_server
def organization() -> Iterator[RunningSandbox]:
    with run_sandbox(accounts=11) as running:
        make_table(aws_client(running, "dynamodb"), "opskit")
        yield running


@pytest.fixture(scope="module")
@starts_server
def function(organization: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LambdaFunction]:
    environment = {**organization.environment(), "OPSKIT_READ_TIMEOUT": "120s", "OPSKIT_STATE": STATE}
    with running_function(HANDLER, tmp_path_factory.mktemp("lambda"), environment, str(REPOSITORY)) as running:
        yield running


@pytest.fixture
def shell(organization: RunningSandbox, tmp_path: Path) -> Shell:
    return make_shell(organization, tmp_path)


@pytest.fixture(scope="module")
def account(organization: RunningSandbox) -> dict[str, Any]:
    """An account of the organization, by its role."""
    pages = aws_client(organization, "organizations").get_paginator("list_accounts").paginate()
    by_name = {each["Name"]: each["Id"] for page in pages for each in page["Accounts"]}
    return role_in(by_name["production-003"], "production-003") | {"lacks the role": by_name["research-010"]}


def aws_client(running: RunningSandbox, service: str) -> Any:
    names = ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "DEFAULT_REGION")
    key, secret, region = (running.variables[f"AWS_{name}"] for name in names)
    return boto3.Session(key, secret, region_name=region).client(service, endpoint_url=running.url)


def role_in(account: str, name: str) -> dict[str, Any]:
    return {"account": account, "name": name, "role_arn": f"arn:aws:iam::{account}:role/opskit"}


def request_for(account: dict[str, Any], *command: str, **more: Any) -> dict[str, Any]:
    place = {key: account[key] for key in ("account", "name", "role_arn")}
    return {"account": place, "regions": ["us-east-1"], "command": list(command), **more}


def test_a_look_answers_with_the_envelope_of_its_account(
    function: LambdaFunction, account: dict[str, Any], shell: Shell
) -> None:
    told = function.invoke(request_for(account, "quotas", "check", "ml.m4.xlarge", "--for", "training"))
    assert (told["opskit"], told["command"], told["exit"], told["status"]) == (1, ["quotas", "check"], 3, "refused")
    assert (told["account"], told["name"]) == (account["account"], "production-003")
    row = next(row for row in told["data"]["quotas"] if row["instance_type"])
    assert (row["region"], row["verdict"]) == ("us-east-1", "short")
    by_hand = shell.opskit(
        *("quotas", "check", "ml.m4.xlarge", "--for", "training", "--region", "us-east-1"),
        *("--role-arn", account["role_arn"]),
    )
    assert told["data"]["quotas"] == by_hand.data["quotas"]


def test_what_fails_is_told_in_the_envelope(function: LambdaFunction, account: dict[str, Any]) -> None:
    missing = role_in(account["lacks the role"], "research-010")
    told = function.invoke(request_for(missing, "costs", "--no-cloudtrail"))
    assert (told["exit"], told["account"]) == (4, missing["account"])
    assert "sts:AssumeRole" in told["errors"][0]["message"]
    for wrong, code in (
        ({"account": "12"}, "bad-request"),
        (request_for(account, "quotas", "chekc"), "usage"),
        (request_for(account, "train", "boston"), "one-account-only"),
        (request_for(account, "quotas", "check", "--profile", "x"), "flag-in-request"),
        (request_for(account, "quotas", "check", "--org"), "flag-in-request"),
        (request_for(account, "quotas", "check", settings={"notebook.afterr": "1h"}), "settings-unknown-key"),
        (request_for(account, "endpoint", "stop", "live-003"), "consent-missing"),
        ([], "bad-request"),
    ):
        told = function.invoke(wrong)
        assert (told["exit"], told["errors"][0]["code"]) == (2, code), wrong


def test_a_change_is_in_the_journal_that_outlives_the_function(
    function: LambdaFunction, account: dict[str, Any], shell: Shell
) -> None:
    planned = function.invoke(request_for(account, "endpoint", "stop", "live-003", "--dry-run"))
    assert [row["outcome"] for row in planned["data"]["endpoints"]] == ["planned"]
    plan = planned["data"]["endpoints"]

    def stop_planned() -> Any:
        return function.invoke(request_for(account, "endpoint", "stop", "live-003", plan=plan))

    # On a busy machine the last look takes longer than what opskit acts on may be old, and then it refuses.
    done = wait_until(stop_planned, lambda told: told["data"]["endpoints"][0]["outcome"] == "done")
    assert [(row["name"], row["outcome"]) for row in done["data"]["endpoints"]] == [("live-003", "done")], (
        done["data"]["endpoints"][0]["because"],
        done["errors"],
    )
    assert function.invoke(request_for(account, "history"))["data"]["history"][-1]["account"] == account["account"]
    told = shell.opskit("history", "--all", "--state", STATE)
    assert ("stop endpoint", "live-003", "done") in [
        (row["action"], row["subject"], row["outcome"]) for row in told.data["history"]
    ]
    assert "opskit" in {entry["caller"].rpartition("/")[2] for entry in told.data["history"]}
    assert shell.opskit("history", "--all", "--state", "local").data["history"] == []


def test_it_needs_no_home_nor_any_other_place_to_write_and_512_mb(
    function: LambdaFunction, account: dict[str, Any]
) -> None:
    for command in (("quotas", "list", "--used"), ("notebook", "list"), ("costs", "--no-cloudtrail"), ("doctor",)):
        told = function.invoke(request_for(account, *command))
        assert told["exit"] in (0, 3, 5), told["errors"]
    kept_nowhere = function.invoke(request_for(account, "notebook", "list", settings={"state": "local"}))
    assert "state-not-kept" in {each["code"] for each in kept_nowhere["errors"]}
    # Whether a home can be written to is tried, and only where state was to be kept there.
    assert [each for each in function.forbidden_writes() if "/.local" not in each] == []
    assert function.peak_megabytes() < 512

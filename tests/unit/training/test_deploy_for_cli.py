"""``deploy --for``: a new endpoint says until when it is meant to be used; one that is there already is not tagged."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest

from opskit.core.tags import DEPLOYED_UNTIL
from tests.fakes.account import Account, in_memory
from tests.fakes.billing_accounts import JOB, deployed_account, trained_account
from tests.fakes.cli_runner import CliResult, run_opskit


@pytest.fixture(autouse=True)
def no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)


def deploy(account: Account, capsys: pytest.CaptureFixture[str], *words: str) -> CliResult:
    with in_memory(account):
        return run_opskit(capsys, "deploy", "boston", "--no-guard", *words, "-o", "json")


def test_a_new_endpoint_says_until_when(capsys: pytest.CaptureFixture[str]) -> None:
    account = trained_account()
    began = datetime.now(UTC)
    ran = deploy(account, capsys, "--for", "4h")
    assert ran.code == 0, ran.out
    tags = {tag["Key"]: tag["Value"] for tag in account.things["Endpoint", JOB].params["Tags"]}
    until = datetime.fromisoformat(tags[DEPLOYED_UNTIL])
    assert timedelta(hours=4) - timedelta(seconds=1) <= until - began.replace(microsecond=0) < timedelta(hours=5)
    assert datetime.fromisoformat(ran.data["deployed_until"]).replace(microsecond=0) == until
    config = account.things["EndpointConfig", JOB].params["Tags"]
    assert DEPLOYED_UNTIL not in {tag["Key"] for tag in config}, "a configuration outlives its endpoint"


def test_one_that_is_there_is_not_tagged(capsys: pytest.CaptureFixture[str]) -> None:
    ran = deploy(deployed_account(), capsys, "--for", "4h")
    assert (ran.code, ran.envelope["errors"][0]["code"]) == (2, "endpoint-exists")
    assert deploy(deployed_account(), capsys).code == 0


def test_a_time_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert deploy(trained_account(), capsys, "--for", "soon").code == 2


def test_of_one_whose_configuration_was_deleted_nobody_knows_what_it_runs_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The workflow's instances are not taken for its own, nor the named ones."""
    account = deployed_account()
    del account.things["EndpointConfig", JOB]
    ran = deploy(account, capsys)
    assert (ran.code, ran.data["endpoint"], ran.data["instance_type"], ran.data["usd_per_day"]) == (0, JOB, None, None)
    named = deploy(account, capsys, "--instance-type", "ml.m4.xlarge")
    assert (named.code, named.envelope["errors"][0]["code"]) == (2, "endpoint-exists")
    assert f"its configuration {JOB} was deleted" in named.envelope["errors"][0]["message"]
    with in_memory(account):
        told = run_opskit(capsys, "deploy", "boston", "--no-guard", "--dry-run").out
    assert "on instances that are not known" in told.replace("\n", " ")

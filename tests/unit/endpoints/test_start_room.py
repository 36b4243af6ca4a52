"""A stopped endpoint is brought back where the quota has room for it; what cannot be read is no room."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.account import client_error, in_memory
from tests.fakes.billing_accounts import with_a_stopped_endpoint
from tests.fakes.cli_runner import CliResult, run_opskit
from tests.fakes.endpoint_account import EndpointAccount
from tests.fakes.fake_endpoints import FakeVariant
from tests.fakes.random_account import random_account
from tests.fakes.stubbed_client import REGION

QUOTA, TOTAL = "ml.m4.xlarge for endpoint usage", "Number of instances across active endpoints"
ROOM = {QUOTA: 99.0, TOTAL: 99.0, "Maximum number of instances per endpoint": 99.0}


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> EndpointAccount:
    """An account whose endpoint was stopped and is gone."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    account = with_a_stopped_endpoint()
    assert isinstance(account, EndpointAccount)
    return account


def start(account: EndpointAccount, capsys: pytest.CaptureFixture[str], *words: str) -> CliResult:
    with in_memory(account):
        return run_opskit(capsys, "endpoint", "start", "prices", *words, "-o", "json")


def deny_listing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs cannot be counted."""

    def denied(self: EndpointAccount, params: dict[str, Any]) -> dict[str, Any]:
        text = "User: me is not authorized to perform: sagemaker:ListEndpoints on resource: x"
        raise client_error("ListEndpoints", "AccessDeniedException", text, 403)

    monkeypatch.setattr(EndpointAccount, "do_list_endpoints", denied)


def test_a_stopped_endpoint_comes_back_where_there_is_room(
    stopped: EndpointAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    stopped.quotas = dict(ROOM)
    ended = start(stopped, capsys)
    assert (ended.code, stopped.creates) == (0, 1)
    lines = ended.err.splitlines()
    assert "prices: InService" in lines
    assert all(line != after for line, after in pairwise(lines))  # a status is said when it changes


@pytest.mark.parametrize("dry", [(), ("--dry-run",)], ids=["run", "dry-run"])
def test_a_quota_that_is_too_small_refuses(
    dry: tuple[str, ...], stopped: EndpointAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    stopped.quotas = ROOM | {QUOTA: 0.0}
    ended = start(stopped, capsys, *dry)
    [error] = ended.envelope["errors"]
    assert (ended.code, error["code"], error["region"], stopped.creates) == (3, "no-room", REGION, 0)
    assert f"{QUOTA}: the quota is 0" in error["message"]
    assert "opskit quotas increase ml.m4.xlarge --for endpoint" in error["hint"]


@pytest.mark.parametrize("dry", [(), ("--dry-run",)], ids=["run", "dry-run"])
def test_what_cannot_be_read_is_no_room(
    dry: tuple[str, ...],
    stopped: EndpointAccount,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stopped.quotas = dict(ROOM)
    deny_listing(monkeypatch)
    ended = start(stopped, capsys, *dry)
    codes = [error["code"] for error in ended.envelope["errors"]]
    assert (ended.code, codes, stopped.creates) == (5, ["quota-unknown"], 0)
    assert "sagemaker:ListEndpoints" in ended.envelope["errors"][0]["message"]
    assert "--no-guard" in ended.envelope["errors"][0]["hint"]
    if not dry:
        assert (start(stopped, capsys, "--no-guard").code, stopped.creates) == (0, 1)


@pytest.mark.parametrize("untold", ["InstanceType", "InitialInstanceCount"])
def test_a_variant_whose_instances_are_not_told_is_no_room(
    untold: str, stopped: EndpointAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    stopped.quotas = dict(ROOM)
    stopped.configs["prices-config"].variants[0].untold = frozenset({untold})
    ended = start(stopped, capsys)
    [error] = ended.envelope["errors"]
    assert (ended.code, error["code"], error["region"], stopped.creates) == (5, "quota-unknown", REGION, 0)
    assert "does not tell type and number of instances of v0" in error["message"]
    assert "--no-guard" in error["hint"]


def test_shadow_variants_take_room_too(stopped: EndpointAccount, capsys: pytest.CaptureFixture[str]) -> None:
    stopped.quotas = ROOM | {QUOTA: 40.0}
    stopped.configs["prices-config"].shadows = [FakeVariant("shadow", count=50)]
    ended = start(stopped, capsys, "--dry-run")
    assert (ended.code, ended.envelope["errors"][0]["code"]) == (3, "no-room")


def test_one_that_has_failed_and_has_no_record_does_not_run(capsys: pytest.CaptureFixture[str]) -> None:
    account = random_account(random.Random(1))
    account.endpoints["prices"].steps = ["Failed"]
    ended = start(account, capsys)
    [error] = ended.envelope["errors"]
    assert (ended.code, error["code"], ended.data["endpoints"][0]["outcome"]) == (3, "no-record", "refused")
    assert "is Failed" in error["message"]

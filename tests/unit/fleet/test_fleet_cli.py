"""Many accounts of which some fail: right verdicts in the others, each failure named, nothing doubled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import active_children
from multiprocessing.process import BaseProcess
from typing import Any

import pytest

from tests.fakes.cli_runner import CliResult, run_opskit
from tests.fakes.fake_aws import serve_fake_aws
from tests.fakes.organization import QUOTA, FakeOrganization, make_organization

REGIONS = ("eu-west-1", "us-east-1")


@pytest.fixture
def organization(monkeypatch: pytest.MonkeyPatch, no_backoff: None) -> FakeOrganization:
    return make_organization(30, REGIONS)


@contextmanager
def serve(organization: FakeOrganization) -> Iterator[None]:
    """Its accounts are the AWS of the block."""
    with pytest.MonkeyPatch.context() as patched, serve_fake_aws(organization.management) as aws:
        for name, value in aws.environment().items():
            patched.setenv(name, value)
        yield


def look(capsys: pytest.CaptureFixture[str], *more: str) -> CliResult:
    """What a check of all accounts answers."""
    regions = [word for region in REGIONS for word in ("--region", region)]
    command = ("fleet", "check", "ml.m4.xlarge", "--for", "training", "--org", *regions, "-o", "json")
    return run_opskit(capsys, *command, *more)


def test_a_fifth_of_the_accounts_fails_and_hides_no_other(
    organization: FakeOrganization, capsys: pytest.CaptureFixture[str]
) -> None:
    with serve(organization):
        ran = look(capsys)
    told = {each["account"]: each for each in ran.data["accounts"]}
    assert told.keys() == set(organization.accounts)
    assert {account for account, each in told.items() if each["error"]} == organization.faults.keys()
    for account, how in organization.faults.items():
        assert told[account]["status"] in ("error", "partial"), how
    rows = [row for row in ran.quotas if row["quota_name"] == QUOTA and row["account"] in organization.values]
    assert Counter((row["account"], row["region"]) for row in rows) == Counter(
        (account, region) for account in organization.values for region in REGIONS
    )
    expected = {account: "short" if value == 0 else "fits" for account, value in organization.values.items()}
    assert {(row["account"], row["verdict"]) for row in rows} == set(expected.items())
    assert not [row for row in ran.quotas if row["account"] in organization.faults and row["verdict"] == "fits"]
    assert organization.management.count("AssumeRole") == len(organization.values) + len(organization.faults) - 1
    assert ran.code == 3


def test_several_processes_answer_what_one_does_and_one_that_is_killed_is_told(
    capsys: pytest.CaptureFixture[str], no_backoff: None
) -> None:
    organization = make_organization(10, REGIONS)
    shared = ("--processes", "2", "--concurrency", "2")
    with serve(organization):
        alone = look(capsys)
        with pytest.MonkeyPatch.context() as patched:
            kill_the_processes(organization, "000000000004", patched)
            cut = look(capsys, *shared)
        lost = {each["account"] for each in cut.data["accounts"] if "was killed by signal 9" in (each["error"] or "")}
        assert "000000000004" in lost
        assert "[10/10] " in cut.err
        assert [row for row in alone.quotas if row["account"] not in lost] == cut.quotas
        asked = organization.management.count("AssumeRole")
        whole = look(capsys, *shared, "--resume")
    assert (whole.code, whole.data, whole.envelope["errors"]) == (alone.code, alone.data, alone.envelope["errors"])
    faults = organization.faults
    again = {account for account in lost | faults.keys() if faults.get(account) != "no role"}
    assert organization.management.count("AssumeRole") - asked == len(again)  # what is refused is not counted


def kill_the_processes(organization: FakeOrganization, account: str, patched: pytest.MonkeyPatch) -> None:
    """Kill the processes, of which one asks, when this account is first looked at."""
    member = organization.management.members[account]
    answer = member.answer_call

    def kill_first(operation: str, region: str, asked: Any) -> Any:
        if operation != "GetCallerIdentity" and not killed:
            killed.extend(active_children())
            for process in killed:
                process.kill()
        return answer(operation, region, asked)

    killed: list[BaseProcess] = []
    patched.setattr(member, "answer_call", kill_first)

"""Many accounts of which some fail: right verdicts in the others, each failure named, nothing doubled."""

from __future__ import annotations

import json
import subprocess
import sys
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


@pytest.mark.served
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


@pytest.mark.served
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


@pytest.mark.soak
@pytest.mark.parametrize("processes", ["1", "2"])
def test_fifty_accounts_in_four_regions_of_which_a_tenth_fails_killed_and_resumed(processes: str) -> None:
    regions = ("ap-south-1", "eu-west-1", "us-east-1", "us-west-2")
    organization = make_organization(50, regions, fault_every=10)
    where = [word for region in regions for word in ("--region", region)]
    check = (sys.executable, "-m", "opskit", "fleet", "check", "ml.m4.xlarge", "--for", "training", "--org", *where)
    command = (*check, "--concurrency", "16", "--processes", processes, "-o", "json")
    with serve(organization):
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as killed:
            assert killed.stderr is not None
            while "[20/50] " not in killed.stderr.readline():
                pass
            killed.kill()
        asked = organization.management.count("AssumeRole")
        ended = subprocess.run((*command, "--resume"), capture_output=True, text=True, check=False)
    told = json.loads(ended.stdout)["data"]
    assert ended.returncode == 3
    assert {each["account"] for each in told["accounts"] if each["error"]} == organization.faults.keys()
    rows = [row for row in told["quotas"] if row["quota_name"] == QUOTA and row["account"] in organization.values]
    assert len(rows) == len(organization.values) * len(regions)
    assert len({(row["account"], row["region"]) for row in rows}) == len(rows)
    for row in rows:
        assert row["verdict"] == ("short" if organization.values[row["account"]] == 0 else "fits")
    assert not [row for row in told["quotas"] if row["account"] in organization.faults and row["verdict"] == "fits"]
    # Of the twenty that had answered only those that had failed, two or three, are looked at again.
    assert organization.management.count("AssumeRole") - asked <= 50 - 20 + len(organization.faults)

"""The real command, killed at the worst moment: AWS has the request, and nobody here knows yet."""

from __future__ import annotations

import json
import random
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.fake_aws import CLOSED, Entry, FakeAws, Fault
from tests.journeys.conftest import RunningSandbox, Shell, forkserver_for, make_shell
from tests.prefork import PipedProcess
from tests.seeds import few_of_many

QUOTAS = {
    "ml.m4.xlarge for training job usage": "L-A373146E",
    "ml.m4.xlarge for transform job usage": "L-5A1E5B9E",
    "ml.m4.xlarge for endpoint usage": "L-97CF11BE",
}
WORDS = ("quotas", "increase", "ml.m4.xlarge", "--for", "training", "--to", "4", "--yes", "-o", "json")
ALL_WORDS = (*WORDS[:5], "--for", "transform", "--for", "endpoint", *WORDS[5:])


class Desk:
    """Takes requests, as many as come, and kills whoever sends the first."""

    def __init__(self, aws: FakeAws) -> None:
        self.filed: list[dict[str, Any]] = []
        self.to_kill: PipedProcess | None = None
        aws.running["RequestServiceQuotaIncrease"] = self._file
        aws.running["ListRequestedServiceQuotaChangeHistoryByQuota"] = self._list
        aws.running["ListRequestedServiceQuotaChangeHistory"] = lambda asked: {"RequestedQuotas": self.filed}

    def _list(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        return {"RequestedQuotas": [each for each in self.filed if each["QuotaCode"] == asked["QuotaCode"]]}

    def _file(self, asked: Mapping[str, Any]) -> dict[str, Any] | Fault:
        request: dict[str, Any] = {
            "Id": f"r-{len(self.filed)}",
            "QuotaCode": asked["QuotaCode"],
            "QuotaName": next(name for name, code in QUOTAS.items() if code == asked["QuotaCode"]),
            "Status": "PENDING",
        }
        request |= {"DesiredValue": asked["DesiredValue"], "Created": time.time()}
        self.filed.append(request)
        if self.to_kill is not None:
            self.to_kill.kill()
            self.to_kill = None
            return CLOSED
        return {"RequestedQuota": request}


@pytest.fixture
def fake_account_shell(fake_aws: FakeAws, tmp_path: Path) -> Shell:
    fake_aws.quotas = [Entry(name, code) for name, code in QUOTAS.items()]
    return make_shell(RunningSandbox(fake_aws.environment()), tmp_path)


def test_a_kill_in_the_middle_files_neither_two_nor_none(fake_aws: FakeAws, fake_account_shell: Shell) -> None:
    category = Desk(fake_aws)
    killed = fake_account_shell.start(*WORDS)
    category.to_kill = killed
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    resumed = fake_account_shell.opskit("quotas", "increase", "--resume")
    assert [request["outcome"] for request in resumed.data["requests"]] == ["already-open"]
    again = json.loads(fake_account_shell.opskit(*WORDS[:-2]).stdout)
    assert [request["outcome"] for request in again["data"]["requests"]] == ["already-open"]
    assert len(category.filed) == 1


def test_nothing_waits_and_cron_hears_nothing(fake_account_shell: Shell) -> None:
    ended = fake_account_shell.opskit("quotas", "increase", "--resume", json_output=False)
    assert (ended.exit, ended.stdout, ended.stderr) == (0, "", "")


def run_killed(shell: Shell, aws: FakeAws, words: Sequence[str], dies_at: int, *, filed_first: bool) -> int:
    """Run a command that is killed when it asks AWS for the so-manieth time, of all calls or of the filings alone; a
    filing takes effect all the same. Its exit code.
    """
    seen = 0
    doomed: list[Any] = []

    def strike(operation: str, region: str) -> Fault | None:
        nonlocal seen
        seen += not filed_first or operation == "RequestServiceQuotaIncrease"
        if seen == dies_at and doomed:
            doomed.pop().kill()
        return None

    aws.fault = strike
    with (shell.home / "said").open("a") as said:
        command = Shell.command(*words)
        process = forkserver_for(words).start(command, shell.home, shell.environment, said.fileno(), said.fileno())
        doomed.append(process)
        code = process.wait()
    aws.fault = lambda operation, region: None
    return code


@pytest.mark.parametrize("seed", few_of_many(1, 70))
def test_killed_anywhere_each_request_is_filed_once(seed: int, fake_aws: FakeAws, fake_account_shell: Shell) -> None:
    desk, dice = Desk(fake_aws), random.Random(seed)
    codes = []
    for _ in range(3):
        filed_first = dice.random() < 0.5
        dies_at = dice.randint(1, 3) if filed_first else dice.randint(1, 12)
        words = ALL_WORDS if dice.random() < 0.7 else ("quotas", "increase", "--resume")
        codes.append(run_killed(fake_account_shell, fake_aws, words, dies_at, filed_first=filed_first))
    assert set(codes) <= {-signal.SIGKILL, 0}
    assert fake_account_shell.opskit("quotas", "increase", "--resume").exit == 0
    again = json.loads(fake_account_shell.opskit(*ALL_WORDS[:-2]).stdout)
    assert {request["outcome"] for request in again["data"]["requests"]} <= {"filed", "already-open"}
    assert sorted(each["QuotaCode"] for each in desk.filed) == sorted(QUOTAS.values())
    assert "Traceback" not in (fake_account_shell.home / "said").read_text()

"""The real command, killed at the worst moment: AWS has the request, and nobody here knows yet."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.fake_aws import CLOSED, Entry, FakeAws, Fault
from tests.journeys.conftest import RunningSandbox, Shell, make_shell

NAME, CODE = "ml.m4.xlarge for training job usage", "L-A373146E"
WORDS = ("quotas", "increase", "ml.m4.xlarge", "--for", "training", "--to", "4", "--yes", "-o", "json")


class Desk:
    """Takes requests, as many as come, and kills whoever sends the first."""

    def __init__(self, aws: FakeAws) -> None:
        self.filed: list[dict[str, Any]] = []
        self.to_kill: int | None = None
        aws.running["RequestServiceQuotaIncrease"] = self._file
        aws.running["ListRequestedServiceQuotaChangeHistoryByQuota"] = lambda asked: {"RequestedQuotas": self.filed}

    def _file(self, asked: Mapping[str, Any]) -> dict[str, Any] | Fault:
        request: dict[str, Any] = {
            "Id": f"r-{len(self.filed)}",
            "QuotaCode": CODE,
            "QuotaName": NAME,
            "Status": "PENDING",
        }
        request |= {"DesiredValue": asked["DesiredValue"], "Created": time.time()}
        self.filed.append(request)
        if self.to_kill is not None:
            os.kill(self.to_kill, signal.SIGKILL)
            self.to_kill = None
            return CLOSED
        return {"RequestedQuota": request}


@pytest.fixture
def fake_account_shell(fake_aws: FakeAws, tmp_path: Path) -> Shell:
    fake_aws.quotas = [Entry(NAME, CODE)]
    return make_shell(RunningSandbox(fake_aws.environment()), tmp_path)


def test_a_kill_in_the_middle_files_neither_two_nor_none(fake_aws: FakeAws, fake_account_shell: Shell) -> None:
    category = Desk(fake_aws)
    killed = fake_account_shell.start(*WORDS)
    category.to_kill = killed.pid
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

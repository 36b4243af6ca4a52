"""``opskit iam policy`` prints what IAM takes, without asking AWS."""

from __future__ import annotations

import json

import pytest

from tests.fakes.cli_runner import run_opskit
from tests.fakes.fake_aws import FakeAws


def test_the_screen_shows_the_policy_alone(fake_aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    ran = run_opskit(capsys, "iam", "policy", "quotas", "check", "notebook stop", "--idle", "--region", "eu-west-1")
    assert ran.code == 0
    shown = json.loads(ran.out)
    assert shown["Version"] == "2012-10-17"
    assert "sagemaker:StopNotebookInstance" in ran.out
    assert "eu-west-1" in ran.out
    told = run_opskit(capsys, "iam", "policy", "quotas check", "notebook stop", "--region", "eu-west-1", "-o", "json")
    assert told.data == {"commands": ["quotas check", "notebook stop"], "policy": shown}
    assert fake_aws.calls == []


def test_what_needs_no_policy_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    ran = run_opskit(capsys, "iam", "policy", "settings")
    assert (ran.code, ran.out.strip()) == (0, "This needs no permission at AWS: opskit settings.")


def test_a_command_nobody_knows_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    ran = run_opskit(capsys, "iam", "policy", "notbook", "-o", "json")
    assert (ran.code, ran.envelope["errors"][0]["code"]) == (2, "no-command")

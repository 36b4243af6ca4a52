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
    assert (told.data["commands"], told.data["policy"]) == (["quotas check", "notebook stop"], shown)
    assert fake_aws.calls == []


def test_what_needs_no_policy_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    ran = run_opskit(capsys, "iam", "policy", "settings")
    assert (ran.code, ran.out.strip()) == (0, "This needs no permission at AWS: opskit settings.")


def told_codes(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, str]:
    ran = run_opskit(capsys, "iam", "policy", *words, "-o", "json")
    assert ran.code == 0
    return {error["code"]: error["message"] for error in ran.envelope["errors"]}


def test_what_a_policy_gives_away_is_said_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    boundary = "arn:aws:iam::123456789012:policy/limits"
    maker = told_codes(capsys, "notebook create", "--role-boundary", boundary)
    assert "administrator in all but name" in maker["makes-roles"]
    assert "makes-roles" not in told_codes(capsys, "notebook create")
    assert "a shell in every notebook" in told_codes(capsys, "notebook stop")["opens-shells"]
    assert "opens-shells" not in told_codes(capsys, "notebook stop", "--evidence", "logs")
    assert "AmazonSageMaker-ExecutionRole-*" in told_codes(capsys, "train")["passes-roles"]
    assert "passes-roles" not in told_codes(capsys, "train", "--role", "arn:aws:iam::123456789012:role/mine")


def test_what_aws_may_ask_besides_is_said_and_not_allowed(capsys: pytest.CaptureFixture[str]) -> None:
    ran = run_opskit(capsys, "iam", "policy", "train", "--request-increase", "-o", "json")
    besides = {action for each in ran.data["besides"] for action in each["actions"]}
    assert {"kms:Decrypt", "sts:AssumeRole on the role"} <= besides
    assert any("iam:CreateServiceLinkedRole" in action for action in besides)
    allowed = {action for statement in ran.data["policy"]["Statement"] for action in statement["Action"]}
    assert not any(action.startswith(("kms:", "sts:", "iam:Create", "ec2:")) for action in allowed)
    shown = run_opskit(capsys, "iam", "policy", "train")
    assert json.loads(shown.out)["Version"] == "2012-10-17"
    assert "kms:Decrypt" in shown.err


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ("notebook stop --evidence banana", "usage", "banana"),
        ("notebook stop --evidence=", None, ""),
        ("quotas increase --via=support,", "usage", "support,"),
        ("quotas increase --via", None, ""),
        ("notebook create --role-boundary banana", "bad-boundary", "banana"),
        ("notebook create --role-boundary arn:aws:iam::aws:policy/PowerUserAccess", None, ""),
        ("train --role arn:aws:iam::123456789012:policy/mine", "bad-role", "policy/mine"),
        ("train --role arn:aws:iam::123456789012:role/service-role/mine", None, ""),
        ("train --role team-*", None, ""),
    ],
)
def test_a_flag_s_value_that_means_nothing_is_refused(
    words: str, code: str | None, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = run_opskit(capsys, "iam", "policy", *words.split(), "-o", "json")
    if code is None:
        assert ran.code == 0
        return
    [error] = ran.envelope["errors"]
    assert (ran.code, error["code"], says in error["message"]) == (2, code, True)


def test_a_command_nobody_knows_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    ran = run_opskit(capsys, "iam", "policy", "notbook", "-o", "json")
    assert (ran.code, ran.envelope["errors"][0]["code"]) == (2, "no-command")

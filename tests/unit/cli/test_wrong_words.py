"""What is typed wrong is told as that, with what to type instead: it is no bug, and is taken for nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from opskit.core.workloads import WORKLOADS
from opskit.fleet.rules.views import VIEWS
from tests.fakes.cli_runner import run_opskit


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("--region us-east-1 quotas check", "--region comes after the command"),
        ("-o csv quotas check", "quotas check -o"),
        ("notebook stop --idle course", "Leave out one of the two"),
        ("endpoint stop --idle churn", "Leave out one of the two"),
        ("endpoint stop", "Give endpoint names or --idle"),
        ("notebook stop --idle --grace 99999999d", "at most 36500d"),
        ("notebook stop --idle --after 36501d", "at most 36500d"),
        ("quotas increase ml.m5.large --for training --to 99999999999999999999", "not in the range"),
        ("quotas increase ml.m5.large --for training --to 1,5", "'1,5' is not a whole number."),
        ("notebook stop --idle --limit ten", "'ten' is not a whole number."),
        ("cron install stop-idle -- --limit ten", "'ten' is not a whole number."),
        ("notebook stop --idle --patience-usd 0", "An amount of USD is more than 0, and '0' is not."),
        ("notebook stop --idle --patience-usd 1,5", "'1,5' is not an amount of USD."),
        ("history --since 99999999999999d", "at most 999999999d"),
        ("demo --keep /dev/null/x", "--keep /dev/null/x: the folder cannot be made"),
        ("demo --picture /dev/null/x.svg", "the directory does not exist"),
        ("state move --to foo", "For example dynamodb://opskit"),
        ("predict boston /nonexistent.csv", "/nonexistent.csv cannot be read: No such file or directory."),
        ("fleet check --accounts /nonexistent.csv", "/nonexistent.csv cannot be read: No such file or directory."),
        ("quotas check --config /nonexistent.toml", "/nonexistent.toml cannot be read: No such file or directory."),
    ],
)
def test_wrong_words_are_told_with_what_to_type_instead(
    line: str, told: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    ran = run_opskit(capsys, *line.split())
    assert (ran.code, told in ran.err) == (2, True), ran.err
    assert "[Errno" not in ran.err


def test_an_empty_text_is_not_the_wish_for_all_permissions(capsys: pytest.CaptureFixture[str]) -> None:
    ran = run_opskit(capsys, "iam", "policy", "")
    assert (ran.code, ran.out) == (2, "")


def test_what_opskit_says_of_secrets_is_not_taken_for_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLEEXAMPLE00")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    ran = run_opskit(capsys, "cron", "show")
    assert "AWS_SECRET_ACCESS_KEY, since secrets stay out of what this writes" in ran.err


def test_several_roles_for_one_account_name_every_command_that_takes_them(capsys: pytest.CaptureFixture[str]) -> None:
    ran = run_opskit(capsys, "settings", "--role-arn", "one", "--role-arn", "two", "-o", "json")
    [error] = ran.envelope["errors"]
    assert (ran.code, error["code"]) == (2, "one-role")
    assert error["hint"] == f"These run in several accounts: {', '.join(sorted(VIEWS))}."


def test_the_help_names_each_workload_that_a_type_is_checked_for_where_none_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = " ".join(run_opskit(capsys, "quotas", "check", "--help").out.split()).partition("without --for")[2]
    sentence = said.partition(".")[0]
    assert all(each.value in sentence for each, spec in WORKLOADS.items() if spec.is_checked_alone), sentence

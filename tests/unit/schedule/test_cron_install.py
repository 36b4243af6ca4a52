"""What is installed runs as it was meant: several entries side by side, arguments checked, what will end said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.cli_runner import CliResult
from tests.unit.schedule.test_cron_cli import crontab_file, problem_codes, run_words

__all__ = ["crontab_file", "run_words"]

Run = Callable[..., CliResult]
UNREADABLE = """#!/bin/sh
case "$1" in
  -l) echo "{message}" >&2; exit 1 ;;
  *) echo written >> {file}.writes; exec cat > {file} ;;
esac
"""


def test_one_job_stands_under_several_names_side_by_side(crontab_file: Path, run_words: Run) -> None:
    run_words("cron", "install", "stop-idle", "--profile", "work")
    run_words("cron", "install", "stop-idle", "--profile", "other", "--name", "stop-idle-other")
    lines = [line for line in crontab_file.read_text().splitlines() if " cron run " in line]
    assert [line.split(" cron run ")[1].split()[0] for line in lines] == ["stop-idle", "stop-idle-other"]
    assert ["--profile work" in lines[0], "--profile other" in lines[1]] == [True, True]
    assert run_words("cron", "remove", "stop-idle-other").code == 0
    assert crontab_file.read_text().count(" cron run ") == 1
    assert run_words("cron", "remove", "no-such-name").code == 2
    assert run_words("cron", "install", "--name", "x").code == 2
    assert run_words("cron", "install", "check", "--name", "a b").code == 2


def test_what_is_replaced_is_said(crontab_file: Path, run_words: Run) -> None:
    run_words("cron", "install", "stop-idle", "--profile", "work")
    again = run_words("cron", "install", "stop-idle", "--profile", "work")
    assert "replaces" not in again.out
    told = run_words("cron", "install", "stop-idle", "--role-arn", "arn:aws:iam::123456789012:role/ops")
    assert "It replaces what was there as stop-idle" in told.out
    assert "--profile work" in told.out
    assert "--name" in told.out


@pytest.mark.parametrize(
    "words",
    [("--aftr", "2h"), ("--limit", "many"), ("--idle", "extra-word", "--nonsense"), ("--notify", "https://h/sssh"),
     ("--heartbeat=https://h/sssh",), ("--after", "banana"), ("--grace", "soon"), ("--patience-usd", "much"),
     ("--limit", "0"), ("--tab-age=4",), ("--region", "us-east-1", "-o", "pdf")],
)  # fmt: skip
def test_cron_install_checks_arguments_after_the_dashes_before_it_installs_them(
    words: tuple[str, ...], crontab_file: Path, run_words: Run
) -> None:
    told = run_words("cron", "install", "stop-idle", "-o", "json", "--", *words)
    assert told.code == 2
    assert problem_codes(told)[0] in ("bad-job-arguments", "secret")
    assert "sssh" not in told.out + told.err
    assert not crontab_file.exists()


@pytest.mark.parametrize(
    ("job", "words"),
    [("stop-idle", ("--tag", "team")), ("stop-idle-endpoints", ("--tag", "team")), ("costs", ("--budget", "much")),
     ("stop-idle", ("--org", "--yes", "--session-tag", "a=b", "--session-tag", "team"))],
)  # fmt: skip
def test_cron_install_checks_tags_and_amounts_before_it_installs_them(
    job: str, words: tuple[str, ...], crontab_file: Path, run_words: Run
) -> None:
    told = run_words("cron", "install", job, "-o", "json", "--", *words)
    assert (told.code, problem_codes(told)[:1]) == (2, ["bad-job-arguments"])
    assert not crontab_file.exists()
    right = [word if "=" in word else {"team": "team=blue", "much": "250"}.get(word, word) for word in words]
    assert run_words("cron", "install", job, "--", *right).code == 0


def test_cron_install_checks_workloads_before_it_installs_them(crontab_file: Path, run_words: Run) -> None:
    told = run_words("cron", "install", "check", "--", "--for", "trainin", "ml.m5.large")
    assert (told.code, "'trainin'" in told.out + told.err) == (2, True)
    assert not crontab_file.exists()
    assert run_words("cron", "install", "check", "--", "--for", "training", "ml.m5.large").code == 0
    told = run_words("cron", "install", "check", "--", "ml.m5.large", "--for", "training")
    assert (told.code, "begin with an option" in told.err) == (2, True)


@pytest.mark.parametrize(
    ("job", "words", "why"),
    [
        ("costs", ("--by", "banana"), "--by does not take 'banana'"),
        ("costs", ("--billing",), "does not read the month's bill"),
        ("costs", ("--accounts", "/nonexistent.csv"), "/nonexistent.csv cannot be read"),
        ("costs", ("--config", "/nonexistent.toml"), "/nonexistent.toml"),
        ("check", ("--state", "banana"), "'banana' names no home"),
        ("check", ("--external-id", "x"), "--external-id is for several accounts"),
        ("check", ("--notify", "/nonexistent"), "--notify"),
        ("resume", ("--for", "training"), "--resume submits queued increases"),
        ("stop-idle", ("--trust-logs",), "--trust-logs requires --evidence logs"),
        ("stop-idle", ("--org",), "This changes several accounts"),
        ("stop-idle", ("--org", "--yes", "--resume"), "--resume is for looks"),
        ("stop-idle-endpoints", ("--help",), "is no command that answers"),
    ],
)
def test_cron_install_takes_nothing_that_the_command_itself_refuses(
    job: str, words: tuple[str, ...], why: str, crontab_file: Path, run_words: Run
) -> None:
    told = run_words("cron", "install", job, "--", *words)
    assert (told.code, why in told.err) == (2, True), told.err
    assert not crontab_file.exists()


@pytest.mark.parametrize(
    ("accounts", "plan", "why"),
    [
        (
            "123456789012\n123456789013,x,arn:aws:iam::123456789012:role/r\n",
            None,
            "not one of the account 123456789013",
        ),
        ("account,name\n1234,x\n", None, "not the ID of an account"),
        ("", None, "names no account"),
        ("123456789012\n", "{}", "not the answer of a dry run"),
        ("123456789012\n", {"command": ["endpoint", "stop"]}, "is a plan of `opskit endpoint stop`"),
        ("123456789012\n", {"data": {"dry_run": False}}, "not of a dry run"),
        ("123456789013\n", {}, "plans changes in the account 123456789012, which was not named"),
        ("123456789012\n", {}, None),
        ("123456789012\n", None, None),
    ],
)
def test_cron_install_reads_accounts_and_plans(
    accounts: str,
    plan: str | dict[str, Any] | None,
    why: str | None,
    crontab_file: Path,
    run_words: Run,
    tmp_path: Path,
) -> None:
    (tmp_path / "accounts.csv").write_text(accounts)
    row = {"account": "123456789012", "region": "us-east-1", "name": "lab", "outcome": "planned", "step": "stop"}
    whole = {"command": ["notebook", "stop"], "data": {"dry_run": True, "notebooks": [row]}}
    (tmp_path / "plan.json").write_text(plan if isinstance(plan, str) else json.dumps({**whole, **(plan or {})}))
    consent = ("--yes",) if plan is None else ("--plan", str(tmp_path / "plan.json"))
    told = run_words("cron", "install", "stop-idle", "--", "--accounts", str(tmp_path / "accounts.csv"), *consent)
    assert (told.code, (why or "") in told.err) == (0 if why is None else 2, True), told.err
    assert crontab_file.exists() is (why is None)


@pytest.mark.parametrize(
    ("message", "is_empty"),
    [
        ("no crontab for me", True),
        ("crontab: can't open 'me': No such file or directory", True),
        ("crontab: can't open 'me': Permission denied", False),
        ("crontabs/me: fopen: Permission denied", False),
        ("You (me) are not allowed to use this program", False),
        ("", False),
    ],
)
def test_a_crontab_that_could_not_be_read_is_never_overwritten(
    message: str, is_empty: bool, crontab_file: Path, run_words: Run, tmp_path: Path
) -> None:
    (tmp_path / "bin" / "crontab").write_text(UNREADABLE.format(message=message, file=crontab_file))
    told = run_words("cron", "install", "check")
    written = Path(f"{crontab_file}.writes").exists()
    assert written is is_empty
    assert told.code == 2


def test_what_will_end_is_said_at_install(
    crontab_file: Path, run_words: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text(
        "[profile work]\nregion = us-east-1\n"
        "[profile sso]\nregion = us-east-1\nsso_session = corp\nsso_account_id = 1\nsso_role_name = x\n"
        "[sso-session corp]\nsso_start_url = https://corp\nsso_region = us-east-1\n"
        "[profile session]\nregion = us-east-1\naws_access_key_id = ASIAEXAMPLE\naws_secret_access_key = sssh\n"
        "aws_session_token = sssh\n"
    )
    assert "sign-in-that-ends" in problem_codes(run_words("cron", "show", "--profile", "sso", "-o", "json"))
    assert "keys-that-end" in problem_codes(run_words("cron", "show", "--profile", "session", "-o", "json"))
    assert problem_codes(run_words("cron", "show", "--profile", "work", "-o", "json")) == []
    keys = tmp_path / "keys"
    keys.write_text("AWS_ACCESS_KEY_ID=ASIAEXAMPLE\nAWS_SECRET_ACCESS_KEY=sssh\n")
    keys.chmod(0o600)
    told = run_words("cron", "install", "--env-file", str(keys), "-o", "json")
    assert "keys-that-end" in problem_codes(told)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    told = run_words("cron", "install", "check", "-o", "json")
    assert (told.code, "local-endpoint" in problem_codes(told)) == (0, True)
    assert "sssh" not in told.out + crontab_file.read_text()


def test_the_address_of_a_heartbeat_may_stay_out_of_the_line(
    crontab_file: Path, run_words: Run, tmp_path: Path
) -> None:
    (tmp_path / "beat").write_text("https://hc.example/sssh\n")
    (tmp_path / "beat").chmod(0o600)
    assert run_words("cron", "install", "check", "--heartbeat", "@beat").code == 0
    assert f" --heartbeat @{tmp_path}/beat " in crontab_file.read_text()
    told = run_words("cron", "install", "check", "--heartbeat", "https://hc.example/other", "-o", "json")
    assert "address-visible" in problem_codes(told)

"""``opskit cron`` with a crontab program that does what cron's does, and runs against a small AWS."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opskit.schedule.rules.crontab_block import BEGIN, END
from tests.fakes.cli_runner import CliResult, run_opskit
from tests.fakes.fake_aws import Entry, FakeAws

PROGRAM = """#!/bin/sh
case "$1" in
  -l) [ -e {file} ] || {{ echo "no crontab for me" >&2; exit 1; }}; exec cat {file} ;;
  -r) exec rm {file} ;;
  -) echo >> {file}.writes; exec cat > {file} ;;
esac
"""

Run = Callable[..., CliResult]


@pytest.fixture
def run_words(capsys: pytest.CaptureFixture[str]) -> Run:
    return lambda *words: run_opskit(capsys, *words)


def problem_codes(ran: CliResult) -> list[str]:
    return [problem["code"] for problem in ran.envelope["errors"]]


@pytest.fixture
def crontab_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the crontab is kept, for a user with a Region and a profile and no keys in the environment."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    config = tmp_path / "config"
    config.write_text("[profile work]\nregion = us-east-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_PROFILE", "work")
    file, program = tmp_path / "spool", tmp_path / "bin" / "crontab"
    program.parent.mkdir()
    program.write_text(PROGRAM.format(file=file))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}/usr/bin:/bin")
    monkeypatch.setattr("opskit.schedule.store.crontab.is_cron_running", lambda: True)
    monkeypatch.chdir(tmp_path)
    return file


OTHERS = [
    b"",
    b"MAILTO=me@example.com\r\n0 5 * * * tar czf \xff\xfe.tgz .\n",
    b"# no newline at the end\n* * * * * mine",
    BEGIN + b"\n* * * * * mine\n",
    b"* * * * * mine\n" + END + b"\n",
]


@pytest.mark.parametrize("before", OTHERS)
def test_the_lines_of_others_stay_as_they_are(before: bytes, crontab_file: Path, run_words: Run) -> None:
    crontab_file.write_bytes(before)
    assert run_words("cron", "install").code == 0
    ended = before if not before or before.endswith(b"\n") else before + b"\n"
    assert crontab_file.read_bytes().startswith(ended + BEGIN)
    assert crontab_file.read_bytes().count(b" cron run ") == 3
    assert run_words("cron", "remove").code == 0
    assert (crontab_file.read_bytes() if before else b"") == ended


def test_again_changes_nothing_and_writes_nothing(crontab_file: Path, run_words: Run) -> None:
    assert run_words("cron", "install", "-o", "json").data["crontab"] == "changed"
    again = run_words("cron", "install")
    assert again.code == 0
    assert crontab_file.with_name("spool.writes").read_text().count("\n") == 1
    assert run_words("cron", "install", "-o", "json").data["crontab"] == "unchanged"
    assert run_words("cron", "remove", "-o", "json").data["removed"] == ["stop-idle", "resume", "check"]
    assert not crontab_file.exists()
    left = run_words("cron", "remove", "-o", "json").data
    assert (left["crontab"], left["removed"]) == ("unchanged", [])


def test_a_dry_run_changes_nothing_and_shows_what_would_be(crontab_file: Path, run_words: Run) -> None:
    planned = run_words("cron", "install", "--dry-run", "-o", "json").data
    assert planned["crontab"] == "planned"
    assert not crontab_file.exists()
    run_words("cron", "install")
    shown = run_words("cron", "show")
    assert crontab_file.read_text() == shown.out
    assert [job["line"] for job in planned["jobs"]] == [line for line in shown.out.splitlines() if line[0] != "#"]
    assert run_words("cron", "remove", "--dry-run").code == 0
    assert crontab_file.read_text() == shown.out


def test_jobs_come_and_go_one_by_one(crontab_file: Path, run_words: Run) -> None:
    run_words("cron", "install", "stop-idle", "--every", "15m", "--", "--after", "2h", "--match", "a *%")
    run_words("cron", "install", "resume", "check")
    lines = crontab_file.read_text().splitlines()[2:-1]
    assert [line.split(" cron run ")[1].split()[0] for line in lines] == ["stop-idle", "resume", "check"]
    assert lines[0].startswith("*/15 * * * * ")
    assert lines[0].endswith(r"--after 2h --match 'a *\%'")
    run_words("cron", "remove", "stop-idle", "check")
    assert crontab_file.read_text().count(" cron run ") == 1


def test_the_line_has_what_a_run_needs(
    crontab_file: Path, run_words: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    monkeypatch.setenv("AWS_CA_BUNDLE", "ca.pem")
    (tmp_path / "opskit.toml").write_text('regions = ["eu-west-1"]\noutput = "json"\n')
    flags = ("--profile", "other", "--region", "us-east-1", "--state", "dynamodb://opskit", "-o", "table")
    shown = run_words("cron", "show", "check", *flags)
    line = next(line for line in shown.out.splitlines() if line[0] != "#")
    for part in (
        f"PATH={os.environ['PATH']}",
        "AWS_PROFILE=work",
        "AWS_ENDPOINT_URL=http://127.0.0.1:4566",
        f"AWS_CA_BUNDLE={tmp_path}/ca.pem",
        f"OPSKIT_FOLDER_SETTINGS={tmp_path}/opskit.toml",
        "--profile other",
        "--region us-east-1",
        "--state dynamodb://opskit",
        "-o table",
    ):
        assert f" {part} " in line


def test_keys_stay_out_and_that_is_said(
    crontab_file: Path, run_words: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIASSSH")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sssh")
    assert "the profile 'work'" in run_words("cron", "show").err
    monkeypatch.delenv("AWS_PROFILE")
    told = run_words("cron", "install", "--region", "us-east-1")
    assert told.code == 0
    assert "AWS_SECRET_ACCESS_KEY" in told.err
    assert "--env-file" in told.err
    assert not {"sssh", "AKIASSSH"} & set(crontab_file.read_text().replace("=", " ").split())
    keys = tmp_path / "keys"
    keys.write_text("export AWS_ACCESS_KEY_ID=AKIASSSH AWS_SECRET_ACCESS_KEY='sssh'\n")
    keys.chmod(0o640)
    refused = run_words("cron", "install", "--env-file", "keys")
    assert refused.code == 2
    assert f"chmod 600 {'keys'}" in refused.err
    keys.chmod(0o600)
    assert run_words("cron", "install", "--env-file", "keys").err == ""
    assert f" --env-file {keys} " in crontab_file.read_text()


def test_a_webhook_stays_out_as_well(crontab_file: Path, run_words: Run, tmp_path: Path) -> None:
    refused = run_words("cron", "install", "stop-idle", "--notify", "https://hooks.example/sssh")
    assert refused.code == 2
    assert "--notify FILE" in refused.err
    assert not crontab_file.exists()
    hook = tmp_path / "hook"
    hook.write_text("https://hooks.example/sssh\n")
    hook.chmod(0o600)
    assert run_words("cron", "install", "stop-idle", "--notify", "hook", "--heartbeat", "alive").code == 0
    assert f" --heartbeat {tmp_path}/alive --notify {hook} " in crontab_file.read_text()


def test_what_makes_a_run_fail_at_once_is_said_now(
    crontab_file: Path, run_words: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opskit.schedule.store.crontab.is_cron_running", lambda: False)
    assert problem_codes(run_words("cron", "install", "-o", "json")) == ["cron-asleep"]
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert problem_codes(run_words("cron", "install", "-o", "json")) == ["profile-not-found", "cron-asleep"]
    crontab_file.write_bytes(crontab_file.read_bytes() + BEGIN)
    assert "half-a-block" in problem_codes(run_words("cron", "remove", "-o", "json"))


@pytest.mark.parametrize("command", ["show", "install"])
def test_a_profile_that_asks_for_a_code_is_told_of_before_a_run_fails(
    command: str, crontab_file: Path, run_words: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "aws").write_text(
        "[profile there]\nrole_arn = arn:aws:iam::111122223333:role/ds\nmfa_serial = device\nsource_profile = keys\n"
        "[profile here]\nrole_arn = arn:aws:iam::111122223333:role/ds\nsource_profile = there\n[profile keys]\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws"))
    for profile, is_told in (("here", True), ("keys", False)):
        ran = run_words("cron", command, "check", "--profile", profile, "-o", "json")
        assert ("no-mfa-code" in problem_codes(ran)) is is_told
        assert ran.code == 0


@pytest.mark.parametrize(
    "words",
    [
        ("stop",),
        ("stop-idle", "--every", "7m"),
        ("stop-idle", "--every", "soon"),
        ("stop-idle", "--deadline", "1h"),
        ("--every", "15m"),
        ("stop-idle", "resume", "--", "--after", "2h"),
        ("stop-idle", "--env-file", "/no/such/file"),
        ("stop-idle", "--", "--match", "two\nlines"),
        ("stop-idle", "--", "--match", "x" * 1000),
    ],
)
def test_what_cannot_be_installed_is_one_sentence(words: tuple[str, ...], crontab_file: Path, run_words: Run) -> None:
    refused = run_words("cron", "install", *words)
    assert refused.code == 2
    assert refused.err.startswith("opskit: ")
    assert not crontab_file.exists()


def test_no_cron_is_one_sentence(crontab_file: Path, run_words: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    for words in (("install",), ("remove",)):
        refused = run_words("cron", *words)
        assert (refused.code, refused.out) == (2, "")
        assert "There is no cron on this machine" in refused.err
    assert run_words("cron", "show").code == 0


def test_a_crontab_that_may_not_be_had_is_said_in_crons_words(
    crontab_file: Path, run_words: Run, tmp_path: Path
) -> None:
    program = tmp_path / "bin" / "crontab"
    program.write_text("#!/bin/sh\necho 'You (me) are not allowed to use this program' >&2; exit 1\n")
    refused = run_words("cron", "install")
    assert refused.code == 2
    assert "not allowed to use this program" in refused.err


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="SYSTEMD IS NOT HERE: ITS UNITS ARE NOT VERIFIED")
def test_systemd_takes_the_units(crontab_file: Path, run_words: Run, tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze", path=os.defpath) or "systemd-analyze"
    units = run_words("cron", "show", "--systemd", "-o", "json").data["units"]
    odd = ("stop-idle", "--every", "1m", "--", "--match", 'a b%$x*"q\\')
    units |= {f"odd-{name}": text for name, text in _systemd_units(run_words, *odd).items()}
    assert len(units) == 8
    files = [tmp_path / name for name in units]
    for file, text in zip(files, units.values(), strict=True):
        file.write_text(text)
    done = subprocess.run([analyze, "verify", *map(str, files)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    shown = run_words("cron", "show", "--systemd").out
    assert all(text in shown for name, text in units.items() if not name.startswith("odd-"))


def _systemd_units(opskit: Run, *words: str) -> dict[str, str]:
    units: dict[str, str] = opskit("cron", "show", "--systemd", "-o", "json", *words).data["units"]
    return units


def logged_runs(home: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (home / "state" / "opskit" / "runs.jsonl").read_text().splitlines()]


def test_a_run_without_trouble_says_nothing_and_is_logged(
    fake_aws: FakeAws, isolated_home: Path, run_words: Run, tmp_path: Path
) -> None:
    beat = tmp_path / "alive"
    ran = run_words("cron", "run", "resume", "--quiet", "--heartbeat", str(beat))
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    [line] = logged_runs(isolated_home)
    assert (line["job"], line["command"]) == ("resume", ["quotas", "increase", "--resume"])
    assert (line["exit"], line["status"], line["errors"], line["requests"]) == (0, "ok", [], {})
    assert json.loads(beat.read_text())["command"] == ["quotas", "increase", "--resume"]


def test_a_run_that_fails_is_one_line_its_exit_and_its_line_in_the_log(
    fake_aws: FakeAws, isolated_home: Path, run_words: Run, tmp_path: Path
) -> None:
    fake_aws.quotas = [Entry("ml.m4.xlarge for training job usage", "L-A373146E", 0, 0)]
    words = ("cron", "run", "mine", "-q", "--heartbeat", str(tmp_path / "alive"), "--", "quotas", "check")
    ran = run_words(*words, "ml.m4.xlarge")
    assert ran.code == 3
    assert ran.out == ""
    assert ran.err.count("\n") == 1
    assert ran.err.startswith("opskit: mine ended with 3")
    [line] = logged_runs(isolated_home)
    assert (line["exit"], line["status"]) == (3, "refused")
    assert line["quotas"]
    assert not (tmp_path / "alive").exists()
    assert stat.S_IMODE((isolated_home / "state" / "opskit" / "runs.jsonl").stat().st_mode) == 0o600


def test_a_run_that_is_interrupted_is_logged_too(
    isolated_home: Path, run_words: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr("opskit.schedule.flows.supervisor.run_exclusive", interrupted)
    ran = run_words("cron", "run", "check", "-q")
    assert ran.code == 130
    assert "check ended with 130: it was interrupted" in ran.err
    assert [line["exit"] for line in logged_runs(isolated_home)] == [130]


def test_a_run_beside_an_earlier_one_does_nothing_and_is_logged(
    isolated_home: Path, run_words: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("opskit.schedule.flows.supervisor.run_exclusive", lambda *_: None)
    ran = run_words("cron", "run", "check", "-q", "--heartbeat", str(tmp_path / "alive"))
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert [(line["status"], line["exit"]) for line in logged_runs(isolated_home)] == [("skipped", None)]
    assert not (tmp_path / "alive").exists()


def test_a_run_gets_the_keys_of_its_file(
    crontab_file: Path, isolated_home: Path, run_words: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", os.environ.copy())
    keys = tmp_path / "keys"
    keys.write_text("# mine\nOPSKIT_REGIONS='eu-west-3'\n")
    keys.chmod(0o600)
    ran = run_words("cron", "run", "mine", "--env-file", str(keys), "-o", "json", "--", "settings")
    assert ran.code == 0
    assert "eu-west-3" in json.dumps(ran.data["answer"])
    keys.write_text("not a line\n")
    assert run_words("cron", "run", "mine", "--env-file", str(keys), "--", "settings").code == 2

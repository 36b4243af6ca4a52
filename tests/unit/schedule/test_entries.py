"""What is written into a crontab comes back as it was meant, says all a run needs, and holds no secret."""

from __future__ import annotations

import re
import shlex
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.core.exceptions import UsageError
from opskit.schedule.cli.job_arguments import check_job_arguments
from opskit.schedule.rules.entries import CronEntry, entry_environment, excluded_secrets
from opskit.schedule.rules.jobs import DEFAULT_JOBS, JOBS, cron_schedule, customize_job, find_job

OWN = {"OPSKIT_REGIONS"}
PROGRAM = ("/opt/my tools/opskit", "cron", "run", "stop-idle", "--")


def as_cron_reads(line: bytes) -> str:
    """The command that cron gives the shell: up to the first bare %, the others as themselves."""
    command = line.decode().removesuffix("\n").split(" ", 5)[5]
    unescaped = re.split(r"(?<!\\)%", command)[0]
    return unescaped.replace("\\%", "%")


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n\r\\\x00"))))
def test_the_shell_gets_every_word_as_it_was(words: list[str]) -> None:
    run = CronEntry(JOBS[0], {"AWS_PROFILE": "50% 'mine'"}, (*PROGRAM, *words))
    if len("".join(words).encode()) * 5 > 900:
        return
    assert shlex.split(as_cron_reads(run.crontab_line())) == [
        "/usr/bin/env", "AWS_PROFILE=50% 'mine'", *PROGRAM, *words,
    ]  # fmt: skip


@pytest.mark.parametrize("word", ["two\nlines", "C:\\", "x" * 1000])
def test_what_cron_cannot_read_is_refused(word: str) -> None:
    with pytest.raises(UsageError):
        CronEntry(JOBS[0], {}, (*PROGRAM, word)).crontab_line()


SECRETS = {
    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "sssh",
    "AWS_SESSION_TOKEN": "sssh",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN": "sssh",
    "AWS_SOMETHING_NEW": "sssh",
    "HTTPS_PROXY": "http://me:sssh@proxy.example:3128",
    "http_proxy": "me:sssh@proxy.example:3128",
    "AWS_ENDPOINT_URL_S3": "https://sssh@s3.example",
    "GITHUB_TOKEN": "sssh",
}


def test_no_secret_is_let_in() -> None:
    run = CronEntry(JOBS[0], entry_environment(SECRETS, OWN, "/home/me"), PROGRAM)
    written = run.crontab_line().decode() + "".join(run.systemd_units().values())
    assert "sssh" not in written
    assert "AKIA" not in written
    assert {"AWS_SECRET_ACCESS_KEY", "HTTPS_PROXY", "http_proxy"} < set(excluded_secrets(SECRETS, OWN))
    assert "GITHUB_TOKEN" not in excluded_secrets(SECRETS, OWN)


def test_what_a_run_needs_goes_along() -> None:
    needed = {
        "PATH": "/a:/b:.:/a",
        "AWS_PROFILE": "work",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4566/x%20y",
        "AWS_ENDPOINT_URL_SAGEMAKER": "http://127.0.0.1:4567",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ROLE_SESSION_NAME": "me@example.com",
        "OPSKIT_REGIONS": "all",
        "XDG_STATE_HOME": "/var/mine",
        "HTTPS_PROXY": "http://proxy.example:3128",
    }
    assert entry_environment(needed, OWN, "/home/me") == needed | {"PATH": "/a:/b"}
    assert not excluded_secrets(needed, OWN)


@pytest.mark.parametrize(("home", "written"), [("/home/me", None), ("/elsewhere", "/elsewhere")])
def test_another_home_than_crons_is_told(home: str, written: str | None) -> None:
    assert entry_environment({"HOME": home}, OWN, "/home/me").get("HOME") == written


@pytest.mark.parametrize(
    ("every", "cron", "calendar"),
    [
        (timedelta(minutes=1), "* * * * *", "*:0/1"),
        (timedelta(minutes=30), "*/30 * * * *", "*:0/30"),
        (timedelta(hours=1), "0 * * * *", "0/1:00"),
        (timedelta(minutes=60), "0 * * * *", "0/1:00"),
        (timedelta(hours=6), "0 */6 * * *", "0/6:00"),
        (timedelta(days=1), "0 7 * * *", "07:00"),
        (timedelta(hours=24), "0 7 * * *", "07:00"),
        (timedelta(days=7), "0 7 * * 1", "Mon 07:00"),
    ],
)
def test_a_rhythm_is_said_in_both_languages(every: timedelta, cron: str, calendar: str) -> None:
    assert (cron_schedule(every).cron, cron_schedule(every).calendar) == (cron, calendar)


@pytest.mark.parametrize(
    "every",
    [timedelta(0), timedelta(seconds=30), timedelta(minutes=7), timedelta(minutes=90), timedelta(hours=5),
     timedelta(days=2), timedelta(minutes=1, seconds=1)],
)  # fmt: skip
def test_what_cron_cannot_say_evenly_is_refused(every: timedelta) -> None:
    with pytest.raises(UsageError):
        cron_schedule(every)


def test_a_job_is_adapted_and_its_deadline_stays_within_its_rhythm() -> None:
    often = customize_job(find_job("stop-idle"), ("--after", "2h"), timedelta(minutes=5), None)
    assert often.arguments[-2:] == ("--after", "2h")
    assert often.deadline == timedelta(minutes=5)
    with pytest.raises(UsageError):
        customize_job(find_job("stop-idle"), (), timedelta(minutes=5), timedelta(minutes=6))
    with pytest.raises(UsageError, match="stop"):
        find_job("stop")


def test_what_deletes_endpoints_is_never_meant_without_being_named() -> None:
    assert [job.name for job in DEFAULT_JOBS] == ["stop-idle", "resume", "check"]
    assert find_job("stop-idle-endpoints").arguments[:3] == ("endpoint", "stop", "--idle")
    check_job_arguments(find_job("stop-idle-endpoints").arguments)


def test_the_page_shows_every_job() -> None:
    page = (Path(__file__).parents[3] / "docs" / "cron.md").read_text(encoding="utf-8")
    for job in JOBS:
        row = next(line for line in page.splitlines() if line.startswith(f"| `{job.name}` |"))
        assert f"| `{' '.join((*job.arguments, *job.installed_with))}` |" in row
        assert f"| {job.deadline.total_seconds() / 60:g} minutes |" in row


@pytest.mark.parametrize(
    ("more", "looks"), [((), ["--inside"]), (("--after", "2h"), ["--inside"]), (("--no-inside",), ["--no-inside"])]
)
def test_what_is_installed_from_now_on_looks_inside_unless_told(more: tuple[str, ...], looks: list[str]) -> None:
    job = find_job("stop-idle")
    written = customize_job(job, more, None, None)
    assert [word for word in written.arguments if "inside" in word] == looks
    assert not [word for word in job.arguments if "inside" in word], "older lines and the bare job stay as they are"


def test_customize_job_does_not_ask_to_look_inside_where_the_settings_say_no() -> None:
    written = customize_job(find_job("stop-idle"), (), None, None, inside=False)
    assert not [word for word in written.arguments if "inside" in word]
    typed = customize_job(find_job("stop-idle"), ("--inside",), None, None, inside=False)
    assert [word for word in typed.arguments if "inside" in word] == ["--inside"]


def test_every_job_fits_into_its_rhythm() -> None:
    assert all(job.deadline < job.interval and cron_schedule(job.interval) for job in JOBS)

"""The real cron daemon runs what `opskit cron install` wrote: an idle notebook stops by itself, a busy one lives on.

cron wakes once a minute, so this takes up to 70 seconds, nearly all of them asleep.
"""

from __future__ import annotations

import getpass
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.fakes.grace_tags import grace_tag
from tests.journeys.conftest import Shell, make_shell, run_sandbox
from tests.slow import starts_server
from tests.waiting import wait_until

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MINE = b"# mine, \xff\xfe\n30 4 1 1 * echo a happy new year\n"
CRON_WAKES = timedelta(minutes=3)
"""Cron looks once a minute, however busy the machine is."""
ENTER = '#!/bin/sh\nexec nsenter --mount=/proc/{pid}/ns/mnt -- {program} "$@"\n'


def run_crontab(word: str, given: bytes = b"") -> bytes | None:
    """What the program crontab says; None where it fails, as it does where there is no crontab."""
    done = subprocess.run(["crontab", word], input=given, capture_output=True, check=False)
    return None if done.returncode else done.stdout


def install_cron() -> None:
    """Have cron on this machine, where we may put it there."""
    if not shutil.which("crontab", path=PATH) and os.geteuid() == 0 and shutil.which("apt-get"):
        quietly = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for words in (["update"], ["install", "-y", "--no-install-recommends", "cron"]):
            subprocess.run(["apt-get", *words], check=False, capture_output=True, env=quietly)


@contextmanager
def spool_of_our_own(folder: Path) -> Iterator[None]:
    """A mount namespace in which /var/spool/cron and /run are empty, and programs in ``folder`` that enter it: nobody's
    crontab is touched, whatever ends this test, and two runs of it do not meet.
    """
    spool = "mkdir -p /var/spool/cron && mount -t tmpfs none /var/spool/cron && mkdir -m 1730 /var/spool/cron/crontabs"
    words = ["unshare", "--mount", "sh", "-c", f"{spool} && mount -t tmpfs none /run && echo mounted && read end"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        if not (holder.stdout and holder.stdout.readline()):
            pytest.skip("NO MOUNT NAMESPACE CAN BE MADE HERE: NOTHING IS KNOWN OF `opskit cron install` UNDER CRON")
        for program in ("crontab", "cron", "crond"):
            if found := shutil.which(program, path=PATH):
                (folder / program).write_text(ENTER.format(pid=holder.pid, program=found))
                (folder / program).chmod(0o755)
        yield
        holder.kill()


@contextmanager
def cron_awake() -> Iterator[None]:
    """A daemon that runs what stands in the crontab of our own; it ends with the block."""
    process = subprocess.Popen([shutil.which("cron") or "crond", "-f"], stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def short_home() -> Iterator[Path]:
    """A home whose name is short: it stands in a crontab's line many times, and cron takes 998 bytes."""
    with tempfile.TemporaryDirectory(prefix="cron", dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def installed_crontab(monkeypatch: pytest.MonkeyPatch, short_home: Path) -> Iterator[bytes]:
    """What stands in the crontab."""
    install_cron()
    if not shutil.which("crontab", path=PATH):
        pytest.skip("CRON IS NOT HERE AND CANNOT BE INSTALLED: NOTHING IS KNOWN OF `opskit cron install` UNDER CRON")
    programs = short_home / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}:{PATH}")
    with spool_of_our_own(programs):
        run_crontab("-", MINE)
        yield MINE


@pytest.fixture
@starts_server
def cron_shell(short_home: Path, installed_crontab: bytes) -> Iterator[Shell]:
    """A teacher's shell, which may do what `opskit iam policy cron run` allows and no more."""
    with run_sandbox("classroom", only=["cron run"]) as running:
        shell = make_shell(running, short_home)
        wait_until(lambda: all(each["verdict"] != "starting" for each in notebooks_by_name(shell).values()))
        yield shell


def notebooks_by_name(shell: Shell) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in shell.opskit("notebook", "list").data["notebooks"]}


def admin_client(shell: Shell, service: str) -> Any:
    """AWS as an administrator has it."""
    there = {"endpoint_url": shell.environment["AWS_ENDPOINT_URL"], "region_name": "us-east-1"}
    keys = {key: shell.environment[key.upper()] for key in ("aws_access_key_id", "aws_secret_access_key")}
    return boto3.client(service, **there, **keys)


def mark_as_idle(shell: Shell, name: str, ago: timedelta) -> None:
    """What a run of cron's before would have done."""
    sagemaker = admin_client(shell, "sagemaker")
    arn = sagemaker.describe_notebook_instance(NotebookInstanceName=name)["NotebookInstanceArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "opskit:idle-since", "Value": grace_tag(arn, ago)}])


def topic_with_a_reader(shell: Shell) -> tuple[str, Callable[[], list[str]]]:
    """An SNS topic, and what has come to a queue that listens to it."""
    sns, sqs = admin_client(shell, "sns"), admin_client(shell, "sqs")
    topic, queue = sns.create_topic(Name="lights-off")["TopicArn"], sqs.create_queue(QueueName="mine")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def read() -> list[str]:
        came = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"])["Message"] for message in came]

    return topic, read


def cron_begins(probe: Path) -> bool:
    """Whether cron runs this user's lines at all; one of them touches the ``probe``."""
    until = time.monotonic() + CRON_WAKES.total_seconds()
    while not probe.exists() and time.monotonic() < until:
        time.sleep(0.2)
    return probe.exists()


def first_run(log: Path) -> dict[str, Any]:
    """What the log says of the first run, once that is over. On a busy machine it may go on while cron begins the next,
    which says first that it was skipped.
    """
    runs: list[dict[str, Any]] = wait_until(lambda: _runs_that_ended(log), bool)
    return runs[0]


def _runs_that_ended(log: Path) -> list[dict[str, Any]]:
    lines = log.read_text().splitlines(keepends=True) if log.exists() else []
    runs = [json.loads(line) for line in lines if line.endswith("\n")]
    return [run for run in runs if run["status"] != "skipped"]


def test_an_idle_notebook_stops_by_itself_and_a_busy_one_lives_on(
    cron_shell: Shell, installed_crontab: bytes, short_home: Path
) -> None:
    mark_as_idle(cron_shell, "course-idle", timedelta(minutes=31))
    keys = short_home / "keys"
    keys.touch(mode=0o600)
    keys.write_text(
        "".join(f"{name}={value}\n" for name, value in cron_shell.environment.items() if "ACCESS_KEY" in name)
    )
    heartbeat, probe, log = (
        short_home / "100% alive",
        short_home / "probe",
        short_home / "state" / "opskit" / "runs.jsonl",
    )
    topic, told = topic_with_a_reader(cron_shell)
    wish = ("stop-idle", "--every", "1m", "--env-file", str(keys), "--heartbeat", str(heartbeat), "--notify", topic)

    assert cron_shell.opskit("cron", "install", *wish).data["crontab"] == "changed"
    written = run_crontab("-l") or b""
    assert cron_shell.opskit("cron", "install", *wish).data["crontab"] == "unchanged"
    assert written.startswith(installed_crontab)
    assert b"SECRET" not in written
    run_crontab("-", written + f"* * * * * touch {probe}\n".encode())
    with cron_awake():
        if not cron_begins(probe):
            pytest.skip(f"CRON RUNS NOTHING FOR {getpass.getuser()} HERE: NOTHING IS KNOWN OF `opskit cron install`")
        first = first_run(log)
        assert (first["command"], first["exit"], first["errors"]) == (
            ["notebook", "stop", "--idle", "--grace", "30m", "--inside"],
            0,
            [],
        )
        wait_until(heartbeat.exists)
        assert cron_shell.opskit("cron", "remove").data["removed"] == ["stop-idle"]
    assert run_crontab("-l") == installed_crontab + f"* * * * * touch {probe}\n".encode()

    assert first["stopped"] == ["course-idle"]
    assert first["saved_usd_per_hour"] == 0.0464
    assert json.loads(heartbeat.read_text())["exit"] == 0
    [news] = told()
    assert "stopped course-idle" in news
    assert "0.0464 USD per hour" in news
    after = notebooks_by_name(cron_shell)
    assert after["course-idle"]["verdict"] == "stopped"
    assert (after["course-busy"]["status"], after["course-busy"]["verdict"]) == ("InService", "busy")
    assert after["course-kept"]["status"] == after["course-terminal"]["status"] == "InService"

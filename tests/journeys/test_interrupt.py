"""Ctrl-C in the middle of a run names what is still running, and the same command goes on with it."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator

import pytest

from tests.journeys.conftest import Shell, make_shell, run_sandbox
from tests.slow import starts_server


@pytest.fixture
@starts_server
def interrupted_shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    with run_sandbox("classroom", has_jupyters=False) as running:
        yield make_shell(running, tmp_path_factory.mktemp("home"))


def test_an_interrupted_run_says_what_goes_on_and_is_followed_later(interrupted_shell: Shell) -> None:
    process = interrupted_shell.start("train", "boston", "-o", "json")
    for line in process.stderr:
        if "Training boston" in line:
            break
    next(iter(process.stderr))  # the job's first status: it is there
    process.send_signal(signal.SIGINT)
    stdout, _ = process.communicate()
    envelope = json.loads(stdout)
    assert process.returncode == envelope["exit"] == 130
    job = envelope["data"]["job"]
    assert job in envelope["errors"][0]["message"]
    assert f"stop-training-job --training-job-name {job}" in envelope["errors"][0]["hint"]
    after = interrupted_shell.opskit("train", "boston")
    assert after.exit == 0
    assert after.data["job"] == job

"""Notebooks from the shell, each a real Jupyter: the idle one stops, no other does."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from opskit.access.rules.permissions import API_CALLS
from tests.journeys.conftest import CompletedCommand, Shell, make_shell, run_sandbox
from tests.slow import starts_server
from tests.waiting import wait_until


@pytest.fixture(scope="module")
@starts_server
def notebook_shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    with run_sandbox(
        "classroom", only=[command for command in API_CALLS if command.startswith("notebook ")]
    ) as running:
        shell = make_shell(running, tmp_path_factory.mktemp("classroom"))
        wait_until(lambda: _by_name(shell.opskit("notebook", "list")), _have_started)
        yield shell


def _have_started(notebooks: dict[str, dict[str, Any]]) -> bool:
    return all(each["verdict"] != "starting" for each in notebooks.values())


def _by_name(ended: CompletedCommand) -> dict[str, dict[str, Any]]:
    return {notebook["name"]: notebook for notebook in ended.data["notebooks"]}


def test_only_the_idle_one_stops_and_only_when_it_is_meant(notebook_shell: Shell) -> None:
    """One test, since nothing can be tried with the idle one once it was stopped."""
    _assert_a_dry_run_stops_nothing(notebook_shell)
    _assert_a_kept_one_is_not_stopped(notebook_shell)
    _assert_the_idle_one_stops_and_no_other(notebook_shell)


def _assert_a_dry_run_stops_nothing(classroom: Shell) -> None:
    ended = classroom.opskit("notebook", "stop", "--idle", "--dry-run")
    assert ended.exit == 0, ended.stdout + ended.stderr
    assert _by_name(ended)["course-idle"]["outcome"] == "planned"
    assert _by_name(classroom.opskit("notebook", "list"))["course-idle"]["status"] == "InService"


def test_what_is_not_meant_is_left_alone(notebook_shell: Shell) -> None:
    ended = notebook_shell.opskit("notebook", "stop", "--idle", "--match", "other-*")
    assert ended.data["notebooks"] == []


def _assert_a_kept_one_is_not_stopped(classroom: Shell) -> None:
    assert classroom.opskit("notebook", "keep", "course-idle", "--for", "1h", "--reason", "still writing").exit == 0
    kept = _by_name(classroom.opskit("notebook", "stop", "--idle"))["course-idle"]
    assert (kept["verdict"], kept["action"]) == ("protected", "keep")
    assert "still writing" in kept["because"]
    by_name = classroom.opskit("notebook", "stop", "course-idle")
    assert by_name.exit == 3
    assert "--yes" in by_name.envelope["errors"][0]["hint"]
    assert _by_name(classroom.opskit("notebook", "list"))["course-idle"]["status"] == "InService"
    assert classroom.opskit("notebook", "unkeep", "course-idle").exit == 0


def _assert_the_idle_one_stops_and_no_other(classroom: Shell) -> None:
    # On a busy machine answers may take more than a second for a while: then it is not stopped, and the next run does.
    ended = wait_until(
        lambda: classroom.opskit("notebook", "stop", "--idle", "--verbose"),
        lambda ended: "nothing that old is acted on" not in ended.stdout,
    )
    assert ended.exit == 0, ended.stdout + ended.stderr
    found = _by_name(ended)
    verdicts = {name: (each["verdict"], each["action"], each["outcome"]) for name, each in found.items()}
    assert verdicts == {
        "course-busy": ("busy", "keep", None),
        "course-idle": ("idle", "stop", "done"),
        "course-kept": ("protected", "keep", None),
        "course-stopped": ("stopped", "keep", None),
        "course-terminal": ("unknown", "keep", None),
    }
    assert found["course-idle"]["idle_seconds"] > 4 * 3600
    assert ended.data["saved_usd_per_hour"] == 0.0464
    assert not re.search("authToken", ended.stdout + ended.stderr, re.IGNORECASE)
    after = _by_name(classroom.opskit("notebook", "list"))
    assert after["course-busy"]["status"] == "InService"
    assert after["course-idle"]["verdict"] == "stopped"


def test_a_name_that_is_not_there_is_said(notebook_shell: Shell) -> None:
    ended = notebook_shell.opskit("notebook", "stop", "nobody")
    assert ended.exit == 2
    assert "nobody" in ended.envelope["errors"][0]["message"]
    assert notebook_shell.opskit("notebook", "stop").exit == 2


WEST = "us-west-2"
"""Where no other test of this file holds a quota."""


def _foreign_client(shell: Shell, region: str = "us-east-1") -> Any:
    """A client of somebody else's in the same account."""
    session = boto3.Session("sandbox", "sandbox", region_name=region)
    return session.client("sagemaker", endpoint_url=shell.environment["AWS_ENDPOINT_URL"])


def test_a_start_that_aws_took_and_forgot_is_sent_once_more(notebook_shell: Shell) -> None:
    client = _foreign_client(notebook_shell)
    arn = client.describe_notebook_instance(NotebookInstanceName="course-stopped")["NotebookInstanceArn"]
    client.add_tags(ResourceArn=arn, Tags=[{"Key": "opskit-sandbox:start", "Value": "lost"}])
    started = notebook_shell.opskit("notebook", "start", "course-stopped", "--wait")
    assert started.exit == 0
    [row] = started.data["notebooks"]
    assert (row["outcome"], row["status"]) == ("done", "InService")


def test_a_lifecycle_script_that_fails_is_told_by_its_log(notebook_shell: Shell) -> None:
    client = _foreign_client(notebook_shell, WEST)
    script = b64encode(b"#!/bin/sh\necho pip: no such package\nexit 3\n").decode()
    client.create_notebook_instance_lifecycle_config(
        NotebookInstanceLifecycleConfigName="broken", OnStart=[{"Content": script}]
    )
    role = _foreign_client(notebook_shell).describe_notebook_instance(NotebookInstanceName="course-idle")["RoleArn"]
    client.create_notebook_instance(
        NotebookInstanceName="unlucky", InstanceType="ml.t2.medium", RoleArn=role, LifecycleConfigName="broken"
    )
    wait_until(
        lambda: _by_name(notebook_shell.opskit("notebook", "list", "--region", WEST)),
        lambda found: found["unlucky"]["status"] == "Failed",
    )
    listed = notebook_shell.opskit("notebook", "list", "--region", WEST)
    assert "unlucky/LifecycleConfigOnStart" in _by_name(listed)["unlucky"]["because"]
    assert "no such package" in _by_name(listed)["unlucky"]["because"]
    started = notebook_shell.opskit("notebook", "start", "unlucky", "--wait", "--region", WEST)
    assert started.exit == 4
    assert started.data["notebooks"][0]["outcome"] == "failed"
    assert "no such package" in started.envelope["errors"][0]["message"]

"""The real command, as a process of its own, against a sandbox over HTTP."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

from opskit.access.reads.permissions import PROBES
from opskit.access.rules.permissions import API_CALLS, FLAGS, REGION_DISCOVERY_CALLS, STATE_CALLS
from opskit.access.rules.policy import Scope, build_policy
from tests.fakes.recorded_calls import PATIENCE_SECONDS
from tests.prefork import BASE_MODULES, SANDBOX_MODULES, SDK_MODULES, Forkserver, PipedProcess, start_forkserver
from tests.slow import starts_server
from tests.waiting import wait_until

_ROOT = str(Path(__file__).parents[2])
_RECORDED = str(Path(__file__).parents[1] / "fakes" / "recorded_calls.py")

_CONNECTION = ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "DEFAULT_REGION")

_SDK_COMMANDS = ("train", "deploy", "predict", "cleanup")


def forkserver_for(words: Sequence[str]) -> Forkserver:
    """The process whose forks run this command line."""
    if words[0] == "sandbox":
        return start_forkserver(*SANDBOX_MODULES)
    return start_forkserver(*SDK_MODULES if words[0] in _SDK_COMMANDS else BASE_MODULES)


@dataclass(frozen=True)
class CompletedCommand:
    """A command that ended: its exit code, and what it said."""

    exit: int
    stdout: str
    stderr: str

    @property
    def envelope(self) -> dict[str, Any]:
        """The one JSON object on stdout."""
        answer: dict[str, Any] = json.loads(self.stdout)
        assert answer["exit"] == self.exit
        return answer

    @property
    def data(self) -> dict[str, Any]:
        """The envelope's data."""
        data: dict[str, Any] = self.envelope["data"]
        return data


@dataclass(frozen=True)
class Shell:
    """Somebody's shell: a home, a folder and an AWS."""

    home: Path
    environment: dict[str, str] = field(repr=False)

    def opskit(self, *words: str, json_output: bool = True, given: str = "") -> CompletedCommand:
        """Run opskit, with ``given`` to read, and wait for its end. Its process is forked from one that has loaded what
        opskit needs.
        """
        form = ("-o", "json") if json_output else ()
        run = forkserver_for(words).run
        code, stdout, stderr = run(self.command(*words, *form), self.home, self.environment, given)
        for command, calls in self.calls().items():
            beyond = (
                calls
                - API_CALLS.get(command, calls)
                - REGION_DISCOVERY_CALLS
                - STATE_CALLS
                - (set(PROBES) if command == "doctor" else set())
            )
            assert not beyond, f"access/rules/permissions.py does not know that {command} calls {beyond}"
        return CompletedCommand(code, stdout, stderr)

    def calls(self) -> dict[str, set[str]]:
        """What each command has called at AWS so far."""
        noted = self.home / "calls"
        made: dict[str, set[str]] = {}
        for line in noted.read_text().splitlines() if noted.exists() else ():
            command, _, call = line.partition("\t")
            made.setdefault(command, set()).add(call)
        return made

    def start(self, *words: str) -> PipedProcess:
        """Start opskit, forked likewise, and go on."""
        return forkserver_for(words).start_piped(self.command(*words), self.home, self.environment)

    @staticmethod
    def command(*words: str) -> Sequence[str]:
        """The script that is opskit, and its arguments."""
        return [_RECORDED, *words]


@dataclass(frozen=True)
class RunningSandbox:
    """A sandbox that runs as a process of its own, as a user's does, so that no two tests share what moto keeps."""

    variables: dict[str, str]

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.variables["AWS_ENDPOINT_URL"]

    def environment(self) -> dict[str, str]:
        """What leads a client to it."""
        return dict(self.variables)


@contextmanager
def run_sandbox(
    scenario: str = "fresh",
    *,
    approve_after: str = "30s",
    only: Sequence[str] = tuple(API_CALLS),
    hours: Path | None = None,
    policy: Path | None = None,
    accounts: int = 1,
    options: Sequence[str] = (),
    has_jupyters: bool = True,
) -> Iterator[RunningSandbox]:
    """Run a sandbox for as long as the block lasts. What no command of ``only`` has in its policy is denied there.
    Its clock is ahead by what the file ``hours`` says. ``policy`` is the file with the IAM policy that it enforces,
    ``options`` are other options of its command line. Without ``has_jupyters`` the notebooks are only said to
    run: each Jupyter takes a second of CPU time.
    """
    words = ["sandbox", "start", "-q", "-o", "json", "--scenario", scenario, "--approve-after", approve_after]
    words += [word for action in _allowed_actions(API_CALLS) - _allowed_actions(only) for word in ("--deny", action)]
    words += ["--policy", str(policy)] if policy else []
    words += ["--accounts", str(accounts), *options]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "OPSKIT_"))}
    environment = {**kept, "PYTHONPATH": _ROOT}
    environment |= ({"HOURS_AHEAD": str(hours)} if hours else {}) | (
        {} if has_jupyters else {"NOTEBOOKS_ARE_RECORDS": "1"}
    )
    reading, writing = os.pipe()
    with os.fdopen(reading) as said:
        process = forkserver_for(words).start([_RECORDED, *words], Path.cwd(), environment, writing, errors=2)
        os.close(writing)
        try:
            running = RunningSandbox(json.loads(said.readline())["data"]["environment"])
            _wait_for_notebooks(running)
            yield running
        finally:
            process.terminate()
            process.wait()


def _wait_for_notebooks(running: RunningSandbox) -> None:
    """Wait until the scenario's notebooks are up: a busy machine starts their Jupyters after the sandbox answers."""
    key, secret, region = (running.variables[f"AWS_{name}"] for name in _CONNECTION)
    client = boto3.Session(key, secret, region_name=region).client("sagemaker", endpoint_url=running.url)
    wait_until(lambda: _notebook_statuses(client), lambda statuses: statuses <= {"InService", "Stopped"})


def _notebook_statuses(client: Any) -> set[str]:
    pages = client.get_paginator("list_notebook_instances").paginate()
    try:
        return {each["NotebookInstanceStatus"] for page in pages for each in page["NotebookInstances"]}
    except client.exceptions.ClientError as error:
        if error.response["Error"]["Code"] == "ThrottlingException":
            return {"unknown"}
        if error.response["Error"]["Code"] == "AccessDeniedException":  # such a sandbox has no test of its notebooks
            return set()
        raise


def _allowed_actions(commands: Iterable[str]) -> set[str]:
    made = build_policy(tuple(commands), Scope(), FLAGS)
    return {action for each in made["Statement"] for action in each["Action"]} if made else set()


def make_shell(running: RunningSandbox, home: Path) -> Shell:
    own = {f"XDG_{kind}_HOME": str(home / kind.lower()) for kind in ("CACHE", "STATE", "CONFIG")}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "OPSKIT_", "XDG_"))}
    noted = {"CALLS_GO_TO": str(home / "calls"), "PYTHONPATH": _ROOT}
    patient = {"OPSKIT_READ_TIMEOUT": f"{PATIENCE_SECONDS:.0f}s"}
    return Shell(home, {**kept, **own, **patient, **running.environment(), **noted})


@pytest.fixture(autouse=True)
def patient_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer is given up because the machine is busy, by what runs in this process either; and the clients that a
    test makes for itself wait where the sandbox throttles them, since nobody knows how much was asked just before.
    """
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "10")
    monkeypatch.setenv("OPSKIT_READ_TIMEOUT", f"{PATIENCE_SECONDS:.0f}s")
    monkeypatch.setattr("opskit.notebooks.reads.jupyter.TIMEOUT_SECONDS", PATIENCE_SECONDS)


@pytest.fixture
@starts_server
def fresh_shell(tmp_path: Path) -> Iterator[Shell]:
    """A shell at a new account, where an increase takes a second."""
    with run_sandbox(approve_after="1s") as running:
        yield make_shell(running, tmp_path)

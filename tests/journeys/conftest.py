"""The real command, as a process of its own, against a sandbox over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from opskit.decide.permissions import CALLS, FIND_REGIONS
from opskit.decide.policy import Scope, policy
from opskit.observe.allowed import LOOKS
from tests.journeys.recorded import PATIENCE_SECONDS

_ROOT = str(Path(__file__).parents[2])
_RECORDED = Path(__file__).with_name("recorded.py")


@dataclass(frozen=True)
class Ended:
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

    def opskit(self, *words: str, json_output: bool = True) -> Ended:
        """Run opskit and wait for its end."""
        form = ("-o", "json") if json_output else ()
        done = subprocess.run(self.command(*words, *form), check=False, capture_output=True, text=True, **self.where())
        for command, calls in self.calls().items():
            beyond = calls - CALLS.get(command, calls) - FIND_REGIONS - (set(LOOKS) if command == "doctor" else set())
            assert not beyond, f"decide/permissions.py does not know that {command} calls {beyond}"
        return Ended(done.returncode, done.stdout, done.stderr)

    def calls(self) -> dict[str, set[str]]:
        """What each command has called at AWS so far."""
        noted = self.home / "calls"
        made: dict[str, set[str]] = {}
        for line in noted.read_text().splitlines() if noted.exists() else ():
            command, _, call = line.partition("\t")
            made.setdefault(command, set()).add(call)
        return made

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start opskit and go on."""
        return subprocess.Popen(
            self.command(*words),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.home,
            env=self.environment,
            stdin=subprocess.DEVNULL,
        )

    @staticmethod
    def command(*words: str) -> Sequence[str]:
        return [sys.executable, str(_RECORDED), *words]

    def where(self) -> dict[str, Any]:
        return {"cwd": self.home, "env": self.environment, "stdin": subprocess.DEVNULL}


@dataclass(frozen=True)
class Served:
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
def served(
    scenario: str = "fresh",
    *,
    approve_after: str = "30s",
    only: Sequence[str] = tuple(CALLS),
    hours: Path | None = None,
) -> Iterator[Served]:
    """Run a sandbox for as long as the block lasts. What no command of ``only`` has in its policy is denied there.
    Its clock is ahead by what the file ``hours`` says.
    """
    words = ["sandbox", "start", "-q", "-o", "json", "--scenario", scenario, "--approve-after", approve_after]
    words += [word for action in _actions(CALLS) - _actions(only) for word in ("--deny", action)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "OPSKIT_"))}
    environment = {**kept, "PYTHONPATH": _ROOT, **({"HOURS_AHEAD": str(hours)} if hours else {})}
    process = subprocess.Popen(Shell.command(*words), stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        yield Served(json.loads(process.stdout.readline())["data"]["environment"])
    finally:
        process.terminate()
        process.communicate()


def _actions(commands: Iterable[str]) -> set[str]:
    made = policy(commands, Scope())
    return {action for each in made["Statement"] for action in each["Action"]} if made else set()


def shell_for(running: Served, home: Path) -> Shell:
    own = {f"XDG_{kind}_HOME": str(home / kind.lower()) for kind in ("CACHE", "STATE", "CONFIG")}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "OPSKIT_", "XDG_"))}
    noted = {"CALLS_GO_TO": str(home / "calls"), "PYTHONPATH": _ROOT}
    patient = {"OPSKIT_READ_TIMEOUT": f"{PATIENCE_SECONDS:.0f}s"}
    return Shell(home, {**kept, **own, **patient, **running.environment(), **noted})


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer is given up because the machine is busy, by what runs in this process either."""
    monkeypatch.setenv("OPSKIT_READ_TIMEOUT", f"{PATIENCE_SECONDS:.0f}s")
    monkeypatch.setattr("opskit.observe.jupyter.WITHIN_SECONDS", PATIENCE_SECONDS)


@pytest.fixture
def fresh_shell(tmp_path: Path) -> Iterator[Shell]:
    """A shell at a new account, where an increase takes a second."""
    with served(approve_after="1s") as running:
        yield shell_for(running, tmp_path)

"""The real command, as a process of its own, against a sandbox over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

_ROOT = str(Path(__file__).parents[2])


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
        return Ended(done.returncode, done.stdout, done.stderr)

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
        return [sys.executable, "-m", "opskit", *words]

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
def served(scenario: str = "fresh", *, approve_after: str = "30s") -> Iterator[Served]:
    """Run a sandbox for as long as the block lasts."""
    words = ("sandbox", "start", "-q", "-o", "json", "--scenario", scenario, "--approve-after", approve_after)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "OPSKIT_"))}
    environment = {**kept, "PYTHONPATH": _ROOT}
    process = subprocess.Popen(Shell.command(*words), stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        yield Served(json.loads(process.stdout.readline())["data"]["environment"])
    finally:
        process.terminate()
        process.communicate()


def shell_for(running: Served, home: Path) -> Shell:
    own = {f"XDG_{kind}_HOME": str(home / kind.lower()) for kind in ("CACHE", "STATE", "CONFIG")}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "OPSKIT_", "XDG_"))}
    return Shell(home, {**kept, **own, **running.environment(), "PYTHONPATH": _ROOT})


@pytest.fixture
def fresh_shell(tmp_path: Path) -> Iterator[Shell]:
    """A shell at a new account, where an increase takes a second."""
    with served(approve_after="1s") as running:
        yield shell_for(running, tmp_path)

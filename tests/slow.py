"""Which tests need a server, and which none. ``slow`` are those that start a real one (a sandbox, with all that trains
and serves in it, a demo, a cron), ``served`` those that talk to a small one of their own process (an AWS, a Jupyter, a
webhook). Both markers are read off the fixtures, and a test that starts a server without its marker fails.
"""

from __future__ import annotations

import shlex
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import pytest

from tests.prefork import Forkserver

F = TypeVar("F", bound=Callable[..., Any])


def starts_server(fixture: F) -> F:
    """Say of a fixture, below ``@pytest.fixture``, that it starts a real server: all that use it are slow."""
    fixture.marks_tests = "slow"  # type: ignore[attr-defined]
    return fixture


def serves(fixture: F) -> F:
    """Say of a fixture, below ``@pytest.fixture``, that it has a small server in this process: all that use it are
    served.
    """
    fixture.marks_tests = "served"  # type: ignore[attr-defined]
    return fixture


def markers_of_fixtures(item: pytest.Item) -> set[str]:
    """What a test is marked by its fixtures, and by theirs."""
    info = getattr(item, "_fixtureinfo", None)
    found = [each for several in info.name2fixturedefs.values() for each in several] if info else []
    return {each.func.marks_tests for each in found if hasattr(each.func, "marks_tests")}


def fail_real_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no real server be started, in this process or in one of its own."""
    monkeypatch.setattr(subprocess.Popen, "__init__", _unless_it_serves(subprocess.Popen.__init__))
    monkeypatch.setattr(Forkserver, "start", _unless_it_serves(Forkserver.start))
    if server := sys.modules.get("opskit.sandbox.server"):
        monkeypatch.setattr(server, "open_listener", lambda port: _fail_server_start("run_sandbox"))


def fail_small_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing in this process listen for connections."""

    def listen(_: socket.socket, *__: Any) -> NoReturn:
        pytest.fail("this listens for connections: mark the test served, or its fixture @serves (tests/slow.py)")

    monkeypatch.setattr(socket.socket, "listen", listen)


def _unless_it_serves(start: Callable[..., Any]) -> Callable[..., Any]:
    """What starts a process, but none that is a server."""

    def checked(starter: Any, words: Any, *rest: Any, **more: Any) -> Any:
        said = set(map(str, words.split() if isinstance(words, str) else words))
        if ("demo" in said or ("sandbox" in said and {"start", "run"} & said)) and "--help" not in said:
            _fail_server_start(shlex.join(map(str, words))[:80])
        return start(starter, words, *rest, **more)

    return checked


def _fail_server_start(what: str) -> NoReturn:
    pytest.fail(f"{what} starts a server: mark the test slow, or its fixture @starts_server (tests/slow.py)")

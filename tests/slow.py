"""Which tests need a server, and which none. ``slow`` are those that start a real one (a sandbox, with all that trains
and serves in it, a demo, a cron), ``served`` those that talk to a small one of their own process (an AWS, a Jupyter, a
webhook). Both markers are read off the fixtures, and a test that starts a server without its marker fails.
"""

from __future__ import annotations

import functools
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
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


@dataclass
class AllowedServers:
    """Which servers may be started now."""

    real: bool = True
    small: bool = True


_ALLOWED = AllowedServers()


def refuse_servers(patched: pytest.MonkeyPatch) -> None:
    """Let no server be started but those that are allowed: no real one, in this process or in one of its own, and
    nothing in this process listen for connections.
    """
    listen = socket.socket.listen

    def checked(listening: socket.socket, *rest: Any) -> None:
        if not _ALLOWED.small:
            pytest.fail("this listens for connections: mark the test served, or its fixture @serves (tests/slow.py)")
        listen(listening, *rest)

    patched.setattr(subprocess.Popen, "__init__", _unless_it_serves(subprocess.Popen.__init__))
    patched.setattr(Forkserver, "start", _unless_it_serves(Forkserver.start))
    patched.setattr(socket.socket, "listen", checked)


def allow_servers(item: pytest.Item) -> None:
    """Allow from now on what this test is marked to start."""
    _ALLOWED.real = item.get_closest_marker("slow") is not None
    _ALLOWED.small = _ALLOWED.real or item.get_closest_marker("served") is not None
    if server := sys.modules.get("opskit.sandbox.server"):
        _check_sandbox(server)


@functools.cache
def _check_sandbox(server: Any) -> None:
    """Let no sandbox listen in this process where none may. It is loaded by few, so that it is looked for in time."""
    open_listener = server.open_listener

    def checked(port: int) -> Any:
        if not _ALLOWED.real:
            _fail_server_start("run_sandbox")
        return open_listener(port)

    server.open_listener = checked


def _unless_it_serves(start: Callable[..., Any]) -> Callable[..., Any]:
    """What starts a process, but none that is a server where none may be started."""

    def checked(starter: Any, words: Any, *rest: Any, **more: Any) -> Any:
        said = set(map(str, words.split() if isinstance(words, str) else words))
        is_server = ("demo" in said or ("sandbox" in said and {"start", "run"} & said)) and "--help" not in said
        if is_server and not _ALLOWED.real:
            _fail_server_start(shlex.join(map(str, words))[:80])
        return start(starter, words, *rest, **more)

    return checked


def _fail_server_start(what: str) -> NoReturn:
    pytest.fail(f"{what} starts a server: mark the test slow, or its fixture @starts_server (tests/slow.py)")

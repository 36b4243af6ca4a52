"""Which tests are ``slow``: those that start a real server (a sandbox, with all that trains and serves in it, a demo, a
cron), or stand on a fixture that did. The marker is read off the fixtures, and starting one without it fails.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import pytest

from tests.prefork import Forkserver

F = TypeVar("F", bound=Callable[..., Any])


def starts_server(fixture: F) -> F:
    """Say of a fixture, below ``@pytest.fixture``, that it starts a real server: all that use it are slow."""
    fixture.starts_server = True  # type: ignore[attr-defined]
    return fixture


def stands_on_server(item: pytest.Item) -> bool:
    """Whether a fixture of a test's, or one of theirs, starts a real server."""
    info = getattr(item, "_fixtureinfo", None)
    found = [each for several in info.name2fixturedefs.values() for each in several] if info else []
    return any(hasattr(each.func, "starts_server") for each in found)


def fail_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no server be started, in this process or in one of its own."""
    monkeypatch.setattr(subprocess.Popen, "__init__", _unless_it_serves(subprocess.Popen.__init__))
    monkeypatch.setattr(Forkserver, "start", _unless_it_serves(Forkserver.start))
    if server := sys.modules.get("opskit.sandbox.server"):
        monkeypatch.setattr(server, "open_listener", lambda port: _fail_server_start("run_sandbox"))


def _unless_it_serves(start: Callable[..., Any]) -> Callable[..., Any]:
    """What starts a process, but none that is a server."""

    def checked(starter: Any, words: Any, *rest: Any, **more: Any) -> Any:
        said = set(map(str, words.split() if isinstance(words, str) else words))
        if ("demo" in said or ("sandbox" in said and {"start", "run"} & said)) and "--help" not in said:
            _fail_server_start(shlex.join(map(str, words))[:80])
        return start(starter, words, *rest, **more)

    return checked


def _fail_server_start(what: str) -> NoReturn:
    pytest.fail(f"{what} starts a server: mark the test slow, or its fixture starts_server")

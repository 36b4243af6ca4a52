"""Waiting for what another process does. How long that takes is the machine's business, not the test's."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from typing import TypeVar

import pytest

Seen = TypeVar("Seen")

HANGS_AFTER_SECONDS = 15 * 60
"""No machine is so busy that something takes this long: what does, hangs."""


def wait_until(look: Callable[[], Seen], done: Callable[[Seen], object] = bool) -> Seen:
    """Look again and again until what is seen is ``done`` (by default: true), and return it. Fails what hangs."""
    gives_up = time.monotonic() + HANGS_AFTER_SECONDS
    while not done(seen := look()):
        assert time.monotonic() < gives_up, f"it never came to pass; last seen: {seen!r}"
        time.sleep(0.05)
    return seen


def have_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let opskit, in this process, wait for a Jupyter on a busy machine as long as that takes, and stand by what it
    saw: in a test of what is stopped, not of how soon.
    """
    monkeypatch.setattr("opskit.notebooks.reads.jupyter.TIMEOUT_SECONDS", HANGS_AFTER_SECONDS)
    # What it imports waits twice as long as was so when it was imported.
    importlib.import_module("opskit.notebooks.flows.stop_plan")
    deadline = time.monotonic() + HANGS_AFTER_SECONDS
    monkeypatch.setattr("opskit.notebooks.reads.jupyter.inspection_deadline", lambda: deadline)
    monkeypatch.setattr("opskit.notebooks.flows.stop.FRESH_SECONDS", float(HANGS_AFTER_SECONDS))

"""What every test stands on: opskit's own folders and settings are the test's, never the user's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.small_aws import SmallAws, serve


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own, where opskit's caches, state and settings go."""
    home = tmp_path_factory.mktemp("home")
    for name in [name for name in os.environ if name.startswith("OPSKIT_")]:
        monkeypatch.delenv(name)
    for kind in ("cache", "state", "config"):
        monkeypatch.setenv(f"XDG_{kind.upper()}_HOME", str(home / kind))
    return home


@pytest.fixture
def small_aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallAws]:
    """An empty small AWS that clients made in this process talk to, and nobody's own profile."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    with serve(SmallAws()) as aws:
        for name, value in aws.environment().items():
            monkeypatch.setenv(name, value)
        yield aws


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads that fail are repeated, but at once, and no rate is kept."""
    monkeypatch.setattr("opskit.aws._RATES", {})
    monkeypatch.setattr("opskit.aws.random.uniform", lambda low, high: 0.0)

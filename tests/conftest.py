"""What every test stands on: opskit's own folders and settings are the test's, never the user's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own, where opskit's caches, state and settings go."""
    home = tmp_path_factory.mktemp("home")
    for name in [name for name in os.environ if name.startswith("OPSKIT_")]:
        monkeypatch.delenv(name)
    for kind in ("cache", "state", "config"):
        monkeypatch.setenv(f"XDG_{kind.upper()}_HOME", str(home / kind))
    return home

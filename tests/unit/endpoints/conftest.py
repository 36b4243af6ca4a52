"""An account with an idle endpoint, and a state of its own for each test."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.fakes.endpoint_account import EndpointAccount
from tests.fakes.random_account import random_account


@pytest.fixture(autouse=True)
def state_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


@pytest.fixture
def account() -> EndpointAccount:
    return random_account(random.Random(1))

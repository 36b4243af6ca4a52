"""An account with notebooks whose verdict is known."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.inside_runs import Account, inside_accounts
from tests.fakes.notebook_kinds import MakeAccount, notebook_accounts


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeAccount]:
    """Makes an account with these notebooks, that clients made in this process talk to."""
    with notebook_accounts(monkeypatch) as made:
        yield made


@pytest.fixture
def inside_account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """Makes an account with these notebooks, in which nobody waits for long."""
    with inside_accounts(monkeypatch) as made:
        yield made


@pytest.fixture
def patient_jupyter(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy this machine is, what answers at all is in time."""
    monkeypatch.setattr("opskit.notebooks.reads.jupyter.TIMEOUT_SECONDS", 600.0)


@pytest.fixture
def hasty_jupyter(patient_jupyter: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not answer is waited for no longer than that."""
    monkeypatch.setattr("opskit.notebooks.reads.jupyter.TIMEOUT_SECONDS", 0.4)

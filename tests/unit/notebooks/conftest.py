"""An account with notebooks whose verdict is known."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from opskit.aws.client import AwsClient
from opskit.core.model import Price
from opskit.notebooks.flows import create
from opskit.quotas.rules.headroom import QuotaCheck
from opskit.quotas.rules.model import Verdict
from tests.fakes.created_notebooks import headroom
from tests.fakes.inside_runs import Account, inside_accounts
from tests.fakes.notebook_kinds import MakeAccount, notebook_accounts
from tests.fakes.stubbed_client import StubbedCalls, stubbed_client


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


@pytest.fixture
def roomy_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every quota has room, and a price is known."""
    monkeypatch.setattr(create, "read_workload_price", lambda *_: Price(Decimal("0.0464"), "the test"))
    monkeypatch.setattr(create, "check_quotas", lambda *_: QuotaCheck((headroom(Verdict.FITS),)))


@pytest.fixture
def aws() -> Iterator[tuple[AwsClient, StubbedCalls]]:
    """A client, and the calls that it is to make, all of them."""
    with stubbed_client() as both:
        yield both
        both[1].assert_done()

"""Notebooks whose activity lies in the past: what they did is real, and new work moves it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests

from opskit.sandbox import scenarios
from opskit.sandbox.scenarios import NotebookKind, NotebookSeed, Scenario
from opskit.sandbox.server import run_sandbox
from tests.sandbox.notebooks.notebook_session import FIVE_HOURS, Visit, ago
from tests.sandbox.tidy import tidy_options
from tests.slow import starts_server
from tests.waiting import wait_until


@pytest.fixture(scope="module")
@starts_server
def corner(account_of: Callable[..., Any]) -> Iterator[Any]:
    """An account with the rare notebooks, each called as its kind."""
    seeds = tuple(NotebookSeed(kind, kind=NotebookKind(kind)) for kind in ("starting", "empty", "record", "idle"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(scenarios.SCENARIOS, "corner", Scenario("corner", seeds=seeds))
        with run_sandbox(tidy_options(scenario="corner")) as running:
            client = account_of(running).client("sagemaker")
            wait_until(lambda: not client.list_notebook_instances(StatusEquals="Pending")["NotebookInstances"])
            yield client


def test_backdated_starting_empty_and_silent_jupyters(corner: Any) -> None:
    (kernel,) = Visit(corner, "starting").look("kernels")
    assert (kernel["execution_state"], kernel["connections"]) == ("starting", 0)
    assert ago(kernel["last_activity"]) >= FIVE_HOURS
    empty = Visit(corner, "empty")
    assert (empty.look("kernels"), empty.look("terminals")) == ([], [])
    assert ago(empty.look("status")["last_activity"]) >= FIVE_HOURS
    with pytest.raises(requests.ConnectionError):
        Visit(corner, "record")


def test_work_moves_a_record_that_was_set_back(corner: Any) -> None:
    visit = Visit(corner, "idle")
    (kernel,) = visit.look("kernels")
    assert ago(kernel["last_activity"]) >= FIVE_HOURS
    visit.run(kernel["id"], "21 * 2")
    (kernel,) = visit.look("kernels")
    assert ago(kernel["last_activity"]) < timedelta(hours=1)

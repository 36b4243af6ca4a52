"""Notebooks whose activity lies in the past: what they did is real, and new work moves it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from opskit.sandbox import scenarios
from opskit.sandbox.notebooks.jupyter.start_orders import NotebookPast, PastWork, StartOrders
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


def test_serve_jupyter_makes_another_kernel_where_the_ports_of_the_first_were_taken(tmp_path: Path) -> None:
    orders, port_file = tmp_path / "orders.json", tmp_path / "port"
    (tmp_path / "volume").mkdir()
    StartOrders("secret", tmp_path / "volume", port_file, NotebookPast(PastWork.IDLE, 3600)).write_to(orders)
    served = subprocess.Popen(
        [sys.executable, "-m", "tests.sandbox.notebooks.jupyter_with_taken_ports", str(orders)],
        cwd=Path(__file__).parents[3],
        env={**os.environ, "JUPYTER_NO_CONFIG": "1", "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime")},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until(port_file.exists)
    finally:
        served.terminate()
        assert served.stderr is not None
        said = served.stderr.read()
        served.wait()
    assert "Address already in use" in said

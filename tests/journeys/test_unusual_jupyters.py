"""Real Jupyters in the states that are rare: stuck in starting, with nothing open, saved into, killed. (The
classroom's compute silently, rest, and have a terminal.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import boto3
import psutil
import pytest
import requests

from opskit.sandbox import scenarios
from opskit.sandbox.scenarios import NotebookKind, NotebookSeed, Scenario
from opskit.sandbox.server import SandboxOptions, run_sandbox
from tests.fakes.cli_runner import run_opskit
from tests.slow import starts_server
from tests.waiting import have_patience, wait_until

Stop = Callable[..., dict[str, dict[str, Any]]]
A_LONG_TIME_SECONDS = 4 * 3600


@pytest.fixture
@starts_server
def jupyter_environment() -> Iterator[dict[str, str]]:
    # Names that no other test has: in one process, sandboxes share the log streams that moto keeps.
    kinds = {"never-up": "starting", "kernel-less": "empty", "doomed": "idle", "saved": "idle"}
    seeds = tuple(NotebookSeed(name, kind=NotebookKind(instance_type)) for name, instance_type in kinds.items())
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(scenarios.SCENARIOS, "rare", Scenario("rare", seeds=seeds))
        with run_sandbox(SandboxOptions(scenario="rare")) as running:
            yield running.client_environment()


@pytest.fixture
def jupyter_sandbox_client(jupyter_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Any:
    for name, value in jupyter_environment.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("sagemaker")
    wait_until(lambda: not client.list_notebook_instances(StatusEquals="Pending")["NotebookInstances"])
    return client


@pytest.fixture
def stop_idle_rows(
    jupyter_sandbox_client: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Stop:
    """``notebook stop --idle`` with more words: its rows by name."""
    have_patience(monkeypatch)

    def stopped(*words: str) -> dict[str, dict[str, Any]]:
        ran = run_opskit(capsys, "notebook", "stop", "--idle", "-o", "json", *words)
        return {row["name"]: row for row in ran.data["notebooks"]}

    return stopped


def test_looks_do_not_wake_them_and_only_whose_server_was_killed_stays_on(
    stop_idle_rows: Stop, jupyter_sandbox_client: Any
) -> None:
    """One test, since nothing can be seen of them once they were stopped."""
    _assert_logs_are_as_old_as_the_work(stop_idle_rows)
    _assert_looks_do_not_wake_them(stop_idle_rows)
    _assert_a_save_is_work_for_as_long_as_tab_age_says(stop_idle_rows, jupyter_sandbox_client)
    url = jupyter_sandbox_client.create_presigned_notebook_instance_url(NotebookInstanceName="doomed")["AuthorizedUrl"]
    listener = served_at(urlsplit(url).port)
    listener.kill()
    listener.wait()
    rows = stop_idle_rows()
    assert {name: (row["verdict"], row["outcome"]) for name, row in rows.items()} == {
        "never-up": ("idle", "done"),
        "kernel-less": ("idle", "done"),
        "saved": ("idle", "done"),
        "doomed": ("unknown", None),
    }
    assert "cannot be reached" in rows["doomed"]["because"]
    described = jupyter_sandbox_client.describe_notebook_instance(NotebookInstanceName="doomed")
    assert described["NotebookInstanceStatus"] == "InService"


def _assert_logs_are_as_old_as_the_work(stop: Stop) -> None:
    rows = wait_until(  # the last of a log comes a moment after its notebook
        lambda: stop("--evidence", "logs"),
        lambda seen: all(row["idle_seconds"] is not None for row in seen.values()),
    )
    for row in rows.values():
        assert (row["verdict"], row["evidence"], row["action"]) == ("unknown", "logs", "keep")
        assert row["idle_seconds"] > A_LONG_TIME_SECONDS


def _assert_looks_do_not_wake_them(stop: Stop) -> None:
    for _ in range(2):
        for row in stop("--dry-run").values():
            assert (row["verdict"], row["evidence"], row["outcome"]) == ("idle", "jupyter", "planned")
            assert row["idle_seconds"] > A_LONG_TIME_SECONDS


def served_at(port: int | None) -> psutil.Process:
    """The process of ours that listens on a port."""
    for process in psutil.Process().children(recursive=True):
        # One that ends meanwhile listens no more.
        with suppress(psutil.NoSuchProcess):
            if any(line.status == "LISTEN" and line.laddr.port == port for line in process.net_connections()):
                return process
    raise LookupError(port)


def _assert_a_save_is_work_for_as_long_as_tab_age_says(stop: Stop, sagemaker: Any) -> None:
    save_a_file(sagemaker.create_presigned_notebook_instance_url(NotebookInstanceName="saved")["AuthorizedUrl"])
    row = stop("--dry-run", "--tab-age", "6h")["saved"]
    assert (row["verdict"], row["step"], row["idle_seconds"] < 3600) == ("busy", "nothing", True)
    assert "less than --tab-age 6h" in row["because"]
    row = stop("--dry-run")["saved"]
    assert (row["verdict"], row["rule"], row["idle_seconds"] > A_LONG_TIME_SECONDS) == ("idle", "tab-age", True)
    assert "perhaps saves, or an open browser tab" in row["because"]


def save_a_file(url: str) -> None:
    """Save a file as JupyterLab does: with the cookies of the front page, and back to the server what it gave."""
    jupyter = f"{urlsplit(url).scheme}://{urlsplit(url).netloc}"
    with requests.Session() as browser:
        browser.get(url)
        browser.get(f"{jupyter}/tree")
        name = next(cookie.name for cookie in browser.cookies if cookie.name.startswith("_xsrf"))
        saved = browser.put(
            f"{jupyter}/api/contents/notes.txt",
            json={"type": "file", "format": "text", "content": "still here"},
            headers={"X-XSRFToken": browser.cookies[name]},
        )
    assert saved.status_code in (200, 201), saved.text

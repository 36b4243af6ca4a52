"""Somebody hears of a grace: once for each notebook and grace, with what to type; and each stop is called by whose it
was.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import opskit.__main__
from opskit.core.tags import IDLE_SINCE
from tests.fakes.cli_runner import run_opskit
from tests.fakes.fake_aws import FakeAws, Fault
from tests.fakes.fake_jupyter import serve_jupyters
from tests.fakes.fake_notebooks import FakeNotebook, FakeNotebooks
from tests.fakes.grace_tags import grace_tag
from tests.prefork import BASE_MODULES, start_forkserver

pytestmark = pytest.mark.served

OLD = timedelta(hours=5, minutes=30)
GRACE = ("notebook", "stop", "--idle", "--grace", "30m", "-o", "json")


@contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    """A webhook, and what it heard."""
    heard: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", heard
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def account(fake_aws: FakeAws, no_backoff: None, monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    """An account in which nobody waits."""
    monkeypatch.setattr("opskit.aws.pacing.FIRST_PER_SECOND", 200.0)
    fake_aws.running["GetProducts"] = lambda _: {"PriceList": []}
    return fake_aws


def idle(name: str = "lab", **tags: str) -> FakeNotebook:
    return FakeNotebook(name, tags=dict(tags)).kernel("idle", OLD)


def test_a_grace_is_told_once_with_all_that_its_owner_needs(
    account: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    lab = idle("lab", owner="alice")
    with serve_jupyters(account, FakeNotebooks.of(lab, idle("lab2"))), listening() as (hook, heard):
        first = run_opskit(capsys, *GRACE, "--notify", hook)
        for _ in range(2):
            assert run_opskit(capsys, *GRACE, "--notify", hook).code == 0
        listed = run_opskit(capsys, "notebook", "list", "-o", "json")
    assert len(heard) == 2
    [told] = [text for text in heard if "the notebook lab is idle" in text]
    row = first.data["notebooks"][0]
    stops_at = datetime.fromisoformat(row["stops_at"])
    for part in (
        "account 123456789012",
        "Region us-east-1",
        "owner alice",
        "the last activity of a kernel was 5h",
        f"stopped at {stops_at:%Y-%m-%d %H:%M} UTC",
        "opskit notebook keep lab --for 36h --region us-east-1",
    ):
        assert part in told
    assert (row["account"], row["owner"], row["owner_source"]) == ("123456789012", "alice", "tag")
    assert {each["stops_at"] for each in listed.data["notebooks"]} <= {
        each["stops_at"] for each in first.data["notebooks"]
    }
    assert all(each["stops_at"] for each in listed.data["notebooks"])


def test_a_tag_that_opskit_did_not_write_begins_a_grace_of_which_somebody_hears(
    account: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    lab = idle()
    lab.tags[IDLE_SINCE] = grace_tag(idle("another").arn, timedelta(hours=1))
    with serve_jupyters(account, FakeNotebooks.of(lab)), listening() as (hook, heard):
        assert run_opskit(capsys, "notebook", "list", "-o", "json").data["notebooks"][0]["stops_at"] is None
        run_opskit(capsys, *GRACE, "--notify", hook)
    assert (lab.stops, len(heard)) == (0, 1)


def test_of_two_runs_at_once_one_tells(account: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    """Both look before either has tagged: the second AddTags waits until the first has come."""
    lab, both = idle(), threading.Barrier(2)
    with serve_jupyters(account, FakeNotebooks.of(lab)), listening() as (hook, heard):
        tag = account.running["AddTags"]

        def tag_together(asked: object) -> object:
            both.wait()
            return tag(asked)  # type: ignore[arg-type]

        account.running["AddTags"] = tag_together  # type: ignore[assignment]
        with ThreadPoolExecutor(2) as runs:
            codes = list(runs.map(lambda _: _run_alone(hook), range(2)))
    assert (codes, len(heard)) == ([0, 0], 1)


def _run_alone(hook: str) -> int:
    """A run beside another one in this process."""
    from opskit.cli import main

    with pytest.raises(SystemExit) as ended:
        main((*GRACE, "--notify", hook))
    return int(ended.value.code or 0)


def test_a_webhook_that_refuses_keeps_no_grace_from_beginning(
    account: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    lab = idle()
    with serve_jupyters(account, FakeNotebooks.of(lab)):
        ran = run_opskit(capsys, *GRACE, "--notify", "http://127.0.0.1:9/hook")
    assert (ran.code, [error["code"] for error in ran.envelope["errors"]]) == (5, ["not-delivered"])
    assert IDLE_SINCE in lab.tags


def test_a_grace_that_nobody_heard_of_is_told_by_a_later_run_and_once(
    account: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    labs = [idle("lab", owner="alice"), idle("lab2")]
    with serve_jupyters(account, FakeNotebooks.of(*labs)), listening() as (hook, heard):
        for _ in range(2):  # it is down for two runs
            assert run_opskit(capsys, *GRACE, "--notify", "http://127.0.0.1:9/hook").code == 5
        for _ in range(3):
            assert run_opskit(capsys, *GRACE, "--notify", hook).code == 0
        labs[0].tags.pop(IDLE_SINCE)  # a new grace is told anew
        run_opskit(capsys, *GRACE, "--notify", hook)
    names = [text.split()[3] for text in heard]
    assert sorted(names) == ["lab", "lab", "lab2"]
    assert "opskit notebook keep lab --for 36h" in heard[names.index("lab")]


def test_a_grace_whose_run_was_killed_after_its_tag_is_told_by_the_next_and_once(
    account: FakeAws, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lab, doomed = idle(), list[Any]()
    with serve_jupyters(account, FakeNotebooks.of(lab)), listening() as (hook, heard):
        tag = account.running["AddTags"]

        def tag_and_kill(asked: dict[str, Any]) -> object:
            answer = tag(asked)
            doomed.pop().kill()
            return answer

        account.running["AddTags"] = tag_and_kill  # type: ignore[assignment]
        words = [opskit.__main__.__file__, *GRACE, "--notify", hook]
        with (tmp_path / "said").open("w") as said:
            server = start_forkserver(*BASE_MODULES)
            doomed.append(process := server.start(words, tmp_path, os.environ, said.fileno(), said.fileno()))
            assert process.wait() == -signal.SIGKILL
        assert (IDLE_SINCE in lab.tags, heard) == (True, [])
        for _ in range(2):
            assert run_opskit(capsys, *GRACE, "--notify", hook).code == 0
    assert [text.split()[3] for text in heard] == ["lab"]


def test_a_grace_that_is_over_before_anybody_heard_of_it_is_told_as_a_stop(
    account: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    lab = idle()
    with serve_jupyters(account, FakeNotebooks.of(lab)), listening() as (hook, heard):
        run_opskit(capsys, *GRACE, "--notify", "http://127.0.0.1:9/hook")
        lab.tags[IDLE_SINCE] = grace_tag(lab.arn, timedelta(hours=1))
        run_opskit(capsys, *GRACE, "--notify", hook)
    assert len(heard) == 1
    assert "stopped lab (" in heard[0]


@pytest.mark.parametrize("by", ["another run", "somebody"])
def test_a_stop_of_anothers_is_called_that(by: str, account: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    lab = idle()
    with serve_jupyters(account, FakeNotebooks.of(lab)):
        if by == "another run":
            assert run_opskit(capsys, "notebook", "stop", "lab", "-o", "json").code == 0
        lab.status = "InService"

        def stopped_first(asked: object) -> Fault:
            lab.status = "Stopping"
            return Fault(400, "ValidationException", "Status (Stopping) not in ([InService]).")

        account.running["StopNotebookInstance"] = stopped_first
        ran = run_opskit(capsys, "notebook", "stop", "--idle", "-o", "json")
    [row] = ran.data["notebooks"]
    assert (ran.code, row["outcome"], row["status"]) == (0, None, "Stopping")
    assert row["because"].startswith("another run of opskit stopped it") is (by == "another run")
    assert "another run of opskit" in row["because"]
    assert ran.data["saved_usd_per_hour"] == 0

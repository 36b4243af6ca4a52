"""`notebook stop --idle --inside` and `list --inside` on the sandbox's Jupyters, with real jobs beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from opskit.sandbox import scenarios
from opskit.sandbox.scenarios import NotebookKind, NotebookSeed, Scenario
from opskit.sandbox.server import SandboxOptions, run_sandbox
from tests.fakes.cli_runner import run_opskit
from tests.slow import starts_server
from tests.waiting import have_patience, wait_until

Rows = dict[str, dict[str, Any]]
Run = Callable[..., Rows]

KINDS = {
    "at-rest": "idle",
    "computes-beside": "job-computes",
    "polls-beside": "job-polls",
    "sleeps-beside": "job-sleeps",
    "without-terminals": "no-terminals",
    "forbids-it": "job-sleeps",
}


@pytest.fixture
@starts_server
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """A ``notebook`` command in an account with such notebooks: its rows by name."""
    seeds = tuple(
        NotebookSeed(name, kind=NotebookKind(kind), tags=(("opskit:no-inside", ""),) if name == "forbids-it" else ())
        for name, kind in KINDS.items()
    )
    have_patience(monkeypatch)
    monkeypatch.setitem(scenarios.SCENARIOS, "beside", Scenario("beside", seeds=seeds))
    with run_sandbox(SandboxOptions(scenario="beside")) as running:
        for name, value in running.client_environment().items():
            monkeypatch.setenv(name, value)
        client = boto3.client("sagemaker")
        wait_until(lambda: not client.list_notebook_instances(StatusEquals="Pending")["NotebookInstances"])

        def rows(*words: str) -> Rows:
            """On a busy machine a look may take too long for its deadline: then another is made."""
            may_repeat = words[0] == "list" or "--dry-run" in words
            ran = wait_until(
                lambda: run_opskit(capsys, "notebook", *words, "-o", "json"),
                lambda ran: ran.code == 0 or not may_repeat,
            )
            assert ran.code == 0, ran.envelope["errors"]
            return {row["name"]: row for row in ran.data["notebooks"]}

        yield rows


def verdicts(rows: Rows) -> dict[str, str]:
    return {name: row["verdict"] for name, row in rows.items()}


SEEN = {
    "at-rest": "idle",
    "computes-beside": "busy",
    "polls-beside": "unknown",
    "sleeps-beside": "unknown",
    "without-terminals": "idle",
    "forbids-it": "idle",
}


def test_jobs_that_jupyter_does_not_know_keep_their_notebook_on(run: Run) -> None:
    _assert_nobody_looks_unless_told(run)
    _assert_a_look_changes_no_later_look(run)
    assert run("stop", "--idle", "--inside", "--dry-run", "--ignore-background")["polls-beside"]["verdict"] == "idle"
    assert run("stop", "--idle", "--inside", "--dry-run", "--max-age", "2h")["sleeps-beside"]["rule"] == "max-age"
    marked = run("stop", "--idle", "--inside", "--grace", "1h")
    assert {name: row["step"] for name, row in marked.items() if row["step"] != "nothing"} == dict.fromkeys(
        ("at-rest", "without-terminals", "forbids-it"), "mark"
    )
    assert 3000 <= marked["at-rest"]["inside_ms_ago"] <= 30_000, "a grace begins with a look inside"
    _assert_what_is_stopped(run)


def _assert_nobody_looks_unless_told(run: Run) -> None:
    for rows in (run("list"), run("stop", "--idle", "--dry-run"), run("stop", "--idle", "--no-inside", "--dry-run")):
        assert set(verdicts(rows).values()) == {"idle"}
        assert {row.get("inside_ms_ago") for row in rows.values()} == {None}
    for row in rows.values():
        assert "the instance was not inspected" in row["because"]
    assert "the instance was not inspected" not in run("list")["at-rest"]["because"]


def _assert_a_look_changes_no_later_look(run: Run) -> None:
    before = run("list")
    for words in (("stop", "--idle", "--inside", "--dry-run"), ("list", "--inside")) * 2:
        rows = run(*words)
        assert verdicts(rows) == SEEN
        for name in ("at-rest", "sleeps-beside"):
            assert 0 <= rows[name]["idle_seconds"] - before[name]["idle_seconds"] < 600
    assert "sh job.sh (of " in rows["computes-beside"]["because"]
    assert "is at work beside Jupyter" in rows["computes-beside"]["because"]
    assert "waiting beside Jupyter" in rows["polls-beside"]["because"]
    assert (
        "the instance was not inspected: Jupyter's terminals are switched off" in rows["without-terminals"]["because"]
    )
    assert "tagged opskit:no-inside" in rows["forbids-it"]["because"]


def _assert_what_is_stopped(run: Run) -> None:
    rows = run("stop", "--idle", "--inside")
    stopped = {name for name, row in rows.items() if row["outcome"] == "done"}
    assert stopped == {"at-rest", "without-terminals", "forbids-it"}
    assert verdicts(rows) == SEEN
    assert 3000 <= rows["at-rest"]["inside_ms_ago"] <= 30_000
    assert all(rows[name]["looked_ms_ago"] is not None for name in stopped)
    assert rows["forbids-it"]["inside_ms_ago"] is None

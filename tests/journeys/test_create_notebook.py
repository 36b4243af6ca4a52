"""A notebook from nothing to Jupyter and back, on a road where AWS denies, refuses and loses answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import requests

from tests.fakes.cli_runner import CliResult, run_opskit
from tests.fakes.fault_proxy import Answer, FaultProxy, fault_proxy, json_refusal, xml_refusal
from tests.journeys.conftest import run_sandbox
from tests.slow import starts_server
from tests.waiting import wait_until

SANDBOX_ROLE = "AmazonSageMaker-ExecutionRole-20240101T120000"
LIMIT = (
    "The account-level service limit 'ml.t2.medium for notebook instance usage' is 5 NotebookInstances, with current "
    "utilization of 5 NotebookInstances and a request delta of 1 NotebookInstances. Please contact AWS support."
)


@pytest.fixture
@starts_server
def create_proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    with run_sandbox("classroom", has_jupyters=False) as running, fault_proxy(running.url) as road:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, road.url if value == running.url else value)
        yield road


def lose_response(count: int, send: Callable[[], Answer]) -> None:
    """The deed is done, and nobody hears of it."""
    send()


def test_a_notebook_is_made_once_opened_stopped_and_counted(
    create_proxy: FaultProxy, capsys: pytest.CaptureFixture[str]
) -> None:
    def notebook(*words: str) -> CliResult:
        return run_opskit(capsys, "notebook", *words, "-o", "json")

    without_consent = notebook("create", "lab")
    assert (without_consent.code, create_proxy.seen["CreateRole"]) == (2, 0)
    assert "and no other bucket" in without_consent.err

    create_proxy.rules["CreateRole"] = lambda count, send: xml_refusal("AccessDenied", "not authorized: iam:CreateRole")
    denied = notebook("create", "lab", "--yes")
    [problem] = denied.envelope["errors"]
    assert (denied.code, problem["code"], create_proxy.seen["CreateNotebookInstance"]) == (4, "role-denied", 0)
    assert "--role" in problem["hint"]
    del create_proxy.rules["CreateRole"]

    create_proxy.rules["CreateNotebookInstance"] = lambda count, send: json_refusal("ResourceLimitExceeded", LIMIT)
    full = notebook("create", "lab", "--yes")
    [problem] = full.envelope["errors"]
    assert (full.code, problem["code"]) == (3, "aws-quota")
    assert "opskit quotas increase ml.t2.medium --for notebook --to 6" in problem["hint"]

    create_proxy.rules["CreateNotebookInstance"] = lose_response
    made = notebook("create", "lab", "--tag", "team=blue", "--wait")  # the role is there now: nothing to agree to
    [lab] = made.data["notebooks"]
    assert (made.code, lab["outcome"], lab["status"]) == (0, "created", "InService")
    assert (create_proxy.seen["CreateRole"], create_proxy.seen["CreateNotebookInstance"]) == (2, 2)
    assert [each["outcome"] for each in notebook("create", "lab").data["notebooks"]] == ["exists"]
    assert notebook("create", "another").code == 3  # five of five

    planned = run_opskit(capsys, "train", "boston", "--dry-run", "-o", "json")  # the course's order: notebook first
    assert (planned.code, planned.data["plan"]["role"].rpartition("/")[2]) == (0, SANDBOX_ROLE)

    url = notebook("open", "lab").data["url"]
    assert requests.Session().get(url).ok
    assert notebook("stop", "lab").code == 0
    wait_until(lambda: notebook("list", "--match", "lab").data["notebooks"][0]["status"], lambda it: it == "Stopped")
    stopped = stop_history(capsys)
    assert (stopped["usd_per_hour"], stopped["saved_until"] is not None) == (0.0464, True)

    started = notebook("start", "lab", "course-busy", "nobody", "--wait")
    outcomes = {each["name"]: each["outcome"] for each in started.data["notebooks"]}
    assert (started.code, outcomes) == (5, {"lab": "done", "course-busy": "already", "nobody": "refused"})
    assert stop_history(capsys)["saved_because"] == "started again by opskit"


def stop_history(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    """What the journal says of the one stop."""
    told = run_opskit(capsys, "history", "-o", "json")
    assert "authToken" not in told.out
    [stop] = [entry for entry in told.data["history"] if entry["action"] == "stop notebook"]
    return dict(stop)

"""A notebook sees its own processes and no others, and what was begun in it beside Jupyter goes on."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from opskit.sandbox import scenarios
from opskit.sandbox.notebooks.jupyter import isolation
from opskit.sandbox.scenarios import NotebookKind, NotebookSeed, Scenario
from opskit.sandbox.server import Sandbox, run_sandbox
from tests.sandbox.notebooks.notebook_session import GROUP, ROLE, WEST, Visit, create, lines_with, status
from tests.sandbox.tidy import tidy_options
from tests.slow import starts_server
from tests.waiting import wait_until

KINDS = ("idle", "no-terminals", "job-computes", "job-polls", "job-sleeps")


@pytest.fixture(scope="module")
@starts_server
def yard(account_of: Callable[..., Any]) -> Iterator[tuple[Sandbox, Any]]:
    """A sandbox with an idle notebook and those with jobs, each called as its kind, and SageMaker in it."""
    seeds = tuple(NotebookSeed(kind, kind=NotebookKind(kind)) for kind in KINDS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(scenarios.SCENARIOS, "yard", Scenario("yard", seeds=seeds))
        with run_sandbox(tidy_options(scenario="yard")) as running:
            client = account_of(running).client("sagemaker")
            wait_until(lambda: not client.list_notebook_instances(StatusEquals="Pending")["NotebookInstances"])
            yield running, client


@contextmanager
def notebook(client: Any, name: str, **more: Any) -> Iterator[Visit]:
    """Somebody's visit to a new notebook, which holds its quota for as long as the block lasts."""
    create(client, name, **more)
    yield Visit(client, name)
    client.stop_notebook_instance(NotebookInstanceName=name)
    wait_until(lambda: status(client, name) == "Stopped")


def in_terminal(visit: Visit, command: str) -> str:
    """What a command writes in a new terminal of a notebook, which is shut again."""
    name = visit.send("POST", "terminals")["name"]
    try:
        return asyncio.run(_said_in_terminal(visit, name, command))
    finally:
        visit.session.delete(
            f"{visit.host}/api/terminals/{name}", headers={"X-XSRFToken": visit.session.cookies["_xsrf"]}
        )


async def _said_in_terminal(visit: Visit, terminal: str, command: str) -> str:
    cookie = "; ".join(f"{name}={value}" for name, value in visit.session.cookies.items())
    url = f"{visit.host.replace('http', 'ws', 1)}/terminals/websocket/{terminal}"
    socket = await websocket_connect(HTTPRequest(url, headers={"Cookie": cookie}))
    await socket.write_message(json.dumps(["stdin", f'stty -echo; {command}; echo "the""-end"\r']))
    said = ""
    while "the-end" not in said:
        kind, *rest = json.loads(str(await socket.read_message()))
        said += str(rest[0]) if kind == "stdout" else ""
    socket.close()
    return said.partition("the-end")[0]


@pytest.mark.parametrize("kind", ["job-computes", "job-polls", "job-sleeps"])
def test_a_notebook_sees_its_own_job_and_no_others(yard: tuple[Sandbox, Any], kind: str) -> None:
    listed = in_terminal(Visit(yard[1], kind), "ps -eww -o pid=,ppid=,user:32=,args=")
    jobs = [line for line in listed.splitlines() if "/job.sh" in line]
    assert len(jobs) == 1
    assert f"/{kind}/" in jobs[0]
    assert "pytest" not in listed


def test_an_idle_one_has_no_job_and_booted_when_it_was_started(yard: tuple[Sandbox, Any]) -> None:
    visit = Visit(yard[1], "idle")
    listed = in_terminal(visit, "ps -eww -o pid=,ppid=,user:32=,args=")
    assert "ipykernel" in listed
    assert "job.sh" not in listed
    if "--time" in isolation.isolating_command(0):
        up = float(in_terminal(visit, "cat /proc/uptime").split("the-end")[0].split()[-2])
        assert 5 * 3600 < up < 6 * 3600


def test_the_job_s_terminal_is_shut(yard: tuple[Sandbox, Any]) -> None:
    assert Visit(yard[1], "job-sleeps").look("terminals") == []


def test_terminals_can_be_off(yard: tuple[Sandbox, Any]) -> None:
    visit = Visit(yard[1], "no-terminals")
    assert len(visit.look("kernels")) == 1
    with pytest.raises(requests.HTTPError, match="404"):
        visit.look("terminals")


@pytest.mark.parametrize(
    ("instance_type", "said"), [("ml.t2.medium", "No devices were found"), ("ml.p2.xlarge", "0\r\n")]
)
def test_nvidia_smi_shows_the_notebook_s_gpus(
    yard: tuple[Sandbox, Any], instance_type: str, said: str, tmp_path: Any
) -> None:
    folder = tmp_path / "instance" / "bin"
    folder.parent.mkdir()
    isolation.install_programs(folder, instance_type)
    query = "nvidia-smi --query-gpu=utilization.gpu --format=csv,noheader,nounits"
    assert said in in_terminal(Visit(yard[1], "idle"), f"{folder}/{query}")


def test_without_namespaces_its_ps_shows_its_own(
    west: Any, yard: tuple[Sandbox, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolation, "allowed_namespaces", lambda: ())
    with notebook(west, "plain") as visit:
        in_terminal(visit, "setsid nohup sleep 86398 > /dev/null 2>&1 & :")
        listed = in_terminal(visit, "ps -eww -o pid=,ppid=,user:32=,args=")
    assert "sleep 86398" in listed
    assert "opskit.sandbox.notebooks.jupyter" in listed
    assert "pytest" not in listed
    assert "job.sh" not in listed


def test_a_lifecycle_script_runs_before_jupyter_and_what_it_leaves_stays(
    account_of: Callable[..., Any], classroom_sandbox: Sandbox, west: Any
) -> None:
    script = "#!/bin/sh\necho starting the poller\nsetsid nohup sleep 86397 > /dev/null 2>&1 &\n"
    west.create_notebook_instance_lifecycle_config(
        NotebookInstanceLifecycleConfigName="poller", OnStart=[{"Content": b64encode(script.encode()).decode()}]
    )
    with notebook(west, "scripted", LifecycleConfigName="poller") as visit:
        assert "sleep 86397" in in_terminal(visit, "ps -eww -o args=")
    stream = {"logGroupName": GROUP, "logStreamName": "scripted/LifecycleConfigOnStart"}
    assert lines_with(
        account_of(classroom_sandbox).client("logs", WEST).get_log_events(**stream)["events"], "starting the poller"
    )


def test_a_lifecycle_script_that_fails_fails_the_notebook(west: Any) -> None:
    script = b64encode(b"#!/bin/sh\necho no such package\nexit 3\n").decode()
    west.create_notebook_instance_lifecycle_config(
        NotebookInstanceLifecycleConfigName="broken", OnStart=[{"Content": script}]
    )
    west.create_notebook_instance(
        NotebookInstanceName="unlucky", InstanceType="ml.t2.medium", RoleArn=ROLE, LifecycleConfigName="broken"
    )
    wait_until(lambda: status(west, "unlucky") == "Failed")
    reason = west.describe_notebook_instance(NotebookInstanceName="unlucky")["FailureReason"]
    assert "OnStart script failed" in reason

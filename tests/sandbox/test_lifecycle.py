"""However a sandbox ends, nothing of it stays: no process, no folder."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import boto3
import psutil
import pytest
from botocore.config import Config

from opskit.sandbox.processes import ChildProcesses
from opskit.sandbox.server import PortTaken, SandboxOptions, run_sandbox
from opskit.sandbox.work_dir import temporary_work_dir
from tests.processes import has_ended, has_number_ended
from tests.waiting import wait_until

OPSKIT = [sys.executable, "-m", "opskit"]
CHILDREN = {"classroom": 4, "endpoints": 2}
"""How many notebooks or endpoints with a process there are in a scenario."""


@contextmanager
def started_sandbox(temporary: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A ``sandbox start`` with a temporary folder of its own, and its URL."""
    command = [*OPSKIT, "sandbox", "start", "-o", "json", *options]
    environment = os.environ | {"TMPDIR": str(temporary)}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert process.stdout
        yield process, json.loads(process.stdout.readline())["data"]["url"]
    finally:
        process.kill()
        process.communicate()


def child_processes(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return list(psutil.Process(process.pid).children(recursive=True))


def living_processes(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [process for process in processes if not has_ended(process)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code", "scenario"),
    [(signal.SIGTERM, 0, "classroom"), (signal.SIGINT, 130, "endpoints"), (signal.SIGHUP, 0, "endpoints")],
)
def test_asked_to_end_it_leaves_nothing(number: signal.Signals, code: int, scenario: str, tmp_path: Path) -> None:
    with started_sandbox(tmp_path, "--scenario", scenario) as (process, _):
        wait_until(lambda: len(child_processes(process)) >= CHILDREN[scenario])
        processes = child_processes(process)
        process.send_signal(number)
        process.wait()
        assert living_processes(processes) == []
    assert list(tmp_path.iterdir()) == []
    assert process.returncode == code


@pytest.mark.slow
def test_killed_its_children_end_and_the_next_start_clears_the_folder(tmp_path: Path) -> None:
    with started_sandbox(tmp_path, "--scenario", "classroom") as (process, _):
        wait_until(lambda: len(child_processes(process)) >= CHILDREN["classroom"])
        processes = child_processes(process)
        process.kill()
        process.wait()
        wait_until(lambda: living_processes(processes) == [])
    left = set(tmp_path.iterdir())
    assert left
    with started_sandbox(tmp_path) as (process, _):
        now = set(tmp_path.iterdir())
        assert not left & now
        assert len(now) == 1
        process.terminate()
        process.wait()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_signal_while_it_starts_ends_it_as_well(tmp_path: Path) -> None:
    command = [*OPSKIT, "sandbox", "start"]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: any(tmp_path.iterdir()))
    process.send_signal(signal.SIGTERM)
    assert process.wait() == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone lets a process adopt another's orphans")
@pytest.mark.parametrize("after", ["exec sleep 1000", "true"])
def test_what_a_child_left_behind_ends_with_it(after: str, tmp_path: Path) -> None:
    processes, left = ChildProcesses(), tmp_path / "left"
    orphan = f"(setsid sh -c 'echo $$ > {left}.new; mv {left}.new {left}; exec sleep 1000' &)"
    script = f"{orphan}; while ! test -e {left}; do sleep 0.01; done; {after}"
    process = processes.start(["sh", "-c", script], cwd=tmp_path, env=os.environ, output=subprocess.DEVNULL)
    wait_until(left.exists)
    if after == "true":
        process.wait()
    processes.end(process)
    wait_until(lambda: has_number_ended(int(left.read_text())))


def test_a_child_is_asked_to_end_first_unless_its_sandbox_ends(tmp_path: Path) -> None:
    processes = ChildProcesses()

    def start(name: str) -> subprocess.Popen[bytes]:
        ready = tmp_path / f"{name}-ready"
        script = f"trap 'touch {name}-asked; exit 7' TERM; touch {ready}; while :; do sleep 0.05; done"
        process = processes.start(["sh", "-c", script], cwd=tmp_path, env=os.environ, output=subprocess.DEVNULL)
        wait_until(ready.exists)
        return process

    first = start("first")
    assert processes.end(first) == 7
    second = start("second")
    processes.close()
    assert second.returncode == 128 + signal.SIGKILL
    assert [each.name for each in tmp_path.glob("*-asked")] == ["first-asked"]


@pytest.mark.slow
def test_two_sandboxes_run_side_by_side(tmp_path: Path) -> None:
    with started_sandbox(tmp_path) as (first, first_url), started_sandbox(tmp_path) as (second, second_url):
        assert first_url != second_url
        assert len(list(tmp_path.iterdir())) == 2
        for process in (first, second):
            process.terminate()
            process.wait()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_port_that_is_taken_is_said() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match="in use"), run_sandbox(SandboxOptions(port=port)):
            pass
        said = subprocess.run(
            [*OPSKIT, "sandbox", "start", "--port", str(port)], capture_output=True, text=True, check=False
        )
    assert said.returncode == 2
    assert f"cannot listen on port {port}" in said.stderr
    assert "Traceback" not in said.stderr


@pytest.mark.slow
def test_the_sandbox_listens_on_loopback_alone(tmp_path: Path) -> None:
    with started_sandbox(tmp_path) as (process, url):
        listening = [
            connection.laddr
            for connection in psutil.Process(process.pid).net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        ]
        assert [f"http://{address.ip}:{address.port}" for address in listening] == [url]
        assert url.startswith("http://127.0.0.1:")


@pytest.mark.slow
def test_the_sandbox_is_light_beside_its_children(tmp_path: Path) -> None:
    with started_sandbox(tmp_path, "--quotas", "2000") as (process, url):
        session = boto3.Session("sandbox", "sandbox", region_name="us-east-1")
        for service, operation in [
            ("s3", "list_buckets"),
            ("logs", "describe_log_groups"),
            ("cloudwatch", "list_metrics"),
            ("sagemaker", "list_models"),
            ("ec2", "describe_regions"),
        ]:
            getattr(session.client(service, endpoint_url=url, config=Config(proxies={})), operation)()
        for number in range(4):  # other accounts, as nothing but an assumed role makes them
            role = {"RoleArn": f"arn:aws:iam::{number:012}:role/visitor", "RoleSessionName": "visitor"}
            session.client("sts", endpoint_url=url, config=Config(proxies={})).assume_role(**role)
        quotas = session.client("service-quotas", endpoint_url=url, config=Config(proxies={}))
        assert len(list(quotas.get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker"))) == 20
        assert psutil.Process(process.pid).memory_info().rss < 300 * 2**20


def test_a_folder_cleared_before_it_was_locked_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    lock = fcntl.flock
    cleared: list[Path] = []

    def another_is_quicker(descriptor: int, how: int) -> None:
        if not cleared:
            (folder,) = tmp_path.iterdir()
            cleared.append(folder)
            folder.rmdir()
        lock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", another_is_quicker)
    with temporary_work_dir() as folder:
        assert folder.is_dir()
        assert folder not in cleared


def test_a_work_dir_in_use_is_left_alone_and_an_abandoned_one_cleared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with temporary_work_dir() as mine:
        abandoned = tmp_path / f"opskit-sandbox-{os.getuid()}-abandoned"
        (abandoned / "deep").mkdir(parents=True)
        other = tmp_path / "someone-elses"
        other.mkdir()
        with temporary_work_dir():
            assert (mine.is_dir(), abandoned.exists(), other.is_dir()) == (True, False, True)


HOST_SCRIPT = """
import sys, time
from opskit.sandbox import scenarios
from opskit.sandbox.server import SandboxOptions, run_sandbox
seeds = tuple(scenarios.NotebookSeed(kind, kind=scenarios.NotebookKind(kind)) for kind in ("busy", "terminal"))
scenarios.SCENARIOS["corner"] = scenarios.Scenario("corner", seeds=seeds)
with run_sandbox(SandboxOptions(scenario="corner")) as running:
    print(running.url, flush=True)
    sys.stdin.read()
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_kernels_and_terminals_end_with_the_sandbox(how: signal.Signals, tmp_path: Path) -> None:
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    host = subprocess.Popen(
        [sys.executable, "-c", HOST_SCRIPT],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert host.stdin and host.stdout
    with host.stdin, host.stdout:
        url = host.stdout.readline().decode().strip()
        client = boto3.Session("sandbox", "sandbox", region_name="us-east-1").client("sagemaker", endpoint_url=url)
        wait_until(lambda: len(client.list_notebook_instances(StatusEquals="InService")["NotebookInstances"]) == 2)
        assert len(given_folder(tmp_path)) >= 7  # the host, two leashes, two servers, a kernel, a shell
        host.send_signal(how)
        host.wait()
    wait_until(lambda: not given_folder(tmp_path))
    assert how == signal.SIGKILL or not list(tmp_path.iterdir())


def given_folder(folder: Path) -> list[int]:
    """The processes that were given this folder."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if any(str(folder) in value for value in (*process.environ().values(), *process.cmdline())):
                found.append(process.pid)
    return [pid for pid in found if pid != os.getpid()]

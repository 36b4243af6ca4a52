"""A run that nobody watches ends at its deadline with all it started, and never overlaps itself, not even killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from opskit.schedule.flows import supervisor
from opskit.schedule.flows.supervisor import ProcessResult, run_exclusive
from opskit.state.store import try_lock
from tests.waiting import wait_until

LONG = timedelta(minutes=10)
KEY = ("stop-idle", "notebook", "stop")


def run_script(script: str, deadline: timedelta = LONG, **more: str) -> ProcessResult | None:
    return run_exclusive(KEY, ["/bin/sh", "-c", script], {**os.environ, **more}, deadline)


@pytest.fixture
def named_pipe(tmp_path: Path) -> Path:
    """A named pipe: whoever reads it to its end has waited for everybody who had it open for writing."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


@pytest.fixture
def pipe_reader(named_pipe: Path) -> Iterator[int]:
    handle = os.open(named_pipe, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(handle, True)
    yield handle
    os.close(handle)


def test_a_run_comes_back_with_all_it_said() -> None:
    ended = run_script("echo out; echo $TOLD >&2; exit 3", TOLD="err")
    assert ended is not None
    assert (ended.exit, ended.stdout, ended.stderr) == (3, "out\n", "err\n")


@pytest.mark.parametrize("trap", ["", "trap '' INT;"], ids=["that listens", "that does not listen"])
def test_a_run_ends_at_its_deadline_and_its_children_with_it(
    trap: str, named_pipe: Path, pipe_reader: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "GRACE_SECONDS", 0.1)
    ended = run_script(f"{trap} exec 3>{named_pipe}; sleep 1000 & wait; sleep 1000", timedelta(seconds=0.5))
    assert ended is not None
    assert ended.exit is None
    assert os.read(pipe_reader, 1) == b""


def test_what_ends_the_watch_ends_the_run(named_pipe: Path, pipe_reader: int) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGUSR1, interrupted)
    try:
        with pytest.raises(KeyboardInterrupt):
            run_script(f"exec 3>{named_pipe}; kill -USR1 $PPID; sleep 1000")
    finally:
        signal.signal(signal.SIGUSR1, previous)
    assert os.read(pipe_reader, 1) == b""


def test_a_run_does_not_begin_while_an_earlier_one_goes_on() -> None:
    with try_lock("run", *KEY) as lock:
        assert lock is not None
        assert run_script("exit 0") is None
        assert run_exclusive(("resume",), ["/bin/sh", "-c", "exit 4"], os.environ, LONG) is not None
    assert run_script("exit 0") is not None


def test_a_run_whose_watcher_was_killed_still_keeps_others_out(named_pipe: Path) -> None:
    watch = f"""
import os
from datetime import timedelta
from opskit.schedule.flows.supervisor import run_exclusive
run_exclusive({KEY!r}, ["/bin/sh", "-c", "read line < {named_pipe}"], os.environ, timedelta(minutes=10))
"""
    watcher = subprocess.Popen([sys.executable, "-c", watch])
    with named_pipe.open("w"):  # which waits until the run has begun to read
        watcher.kill()
        watcher.wait()
        assert run_script("exit 0") is None
    wait_until(lambda: run_script("exit 0"))


def test_a_run_that_nobody_watches_any_more_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "ALARM_SECONDS", 1 - int(LONG.total_seconds()))
    ended = run_script("exec sleep 1000")
    assert ended is not None
    assert ended.exit == -signal.SIGALRM


def test_a_program_that_is_not_there_is_an_error_of_the_run() -> None:
    ended = run_exclusive(KEY, ["/no/such/program"], os.environ, LONG)
    assert ended is not None
    assert ended.exit
    assert "No such file" in ended.stderr

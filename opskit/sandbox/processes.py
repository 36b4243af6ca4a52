"""The sandbox's child processes (training, Jupyter), none of which may outlive it.

Each child runs under a supervisor: a small parent of its own that holds a pipe to the sandbox. When the sandbox ends,
however it ends, the pipe closes and the supervisor ends the child's whole process group. That works after SIGKILL
and on every POSIX system, where "die with your parent" is Linux's alone. A sandbox that ends in order says in
the pipe that nobody waits for the child to finish anything.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

import psutil

# AWS gives a container two minutes to save its model; nobody who practises should wait so long.
_GRACE_SECONDS = 3.0
# Written into the pipe where the child is to end without a grace.
_END_WITHOUT_GRACE = b"!"
# Linux's PR_SET_CHILD_SUBREAPER.
_SET_CHILD_SUBREAPER = 36


class ChildProcesses:
    """Starts children under a supervisor and ends them all at the end."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._closed = False

    def start(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        output: IO[bytes] | int,
    ) -> subprocess.Popen[bytes]:
        """Start ``command`` with stdout and stderr to ``output``; the process returned is its supervisor, whose exit
        code is the command's. Raises RuntimeError once the sandbox is ending.
        """
        with self._lock:
            if self._closed:
                raise RuntimeError("the sandbox is ending")
            process = subprocess.Popen(
                [sys.executable, "-m", "opskit.sandbox.processes", *command],
                cwd=cwd,
                # The child imports what this process can, from wherever it was started.
                env={**env, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                # A group of its own: Ctrl-C in a terminal reaches the sandbox alone, which then ends its children in
                # order.
                start_new_session=True,
            )
            self._running = {child for child in self._running if child.poll() is None} | {process}
            return process

    def end(self, process: subprocess.Popen[bytes], grace_seconds: float = _GRACE_SECONDS) -> int:
        """End one child and what it started: SIGTERM, ``grace_seconds``, SIGKILL. Returns its exit code."""
        # The closed pipe is the request to end. The supervisor takes its own grace; one that takes longer is stuck.
        if process.stdin:
            process.stdin.close()
        try:
            return process.wait(grace_seconds + _GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            _signal_group(process.pid, signal.SIGKILL)
            return process.wait()

    def close(self) -> None:
        """End every child, at once: what it made goes with the sandbox. No new one starts after this."""
        with self._lock:
            self._closed = True
            running = list(self._running)
        # All pipes before the first wait, so that the children end side by side.
        for process in running:
            if process.stdin:
                # ValueError: it is being ended already. OSError: it has ended.
                with suppress(ValueError, OSError):
                    process.stdin.write(_END_WITHOUT_GRACE)
                with suppress(OSError):
                    process.stdin.close()
        for process in running:
            self.end(process)


def container_environment(**more: str) -> dict[str, str]:
    """What a container's process sees: a small environment, and one thread for its arithmetic."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ}
    return {**kept, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1", **more}


def _signal_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return


def _run_supervisor(command: Sequence[str]) -> int:
    """Run ``command`` until it ends or the pipe on standard input closes."""
    # The whole group is asked to end; the supervisor outlives it, to report how.
    signal.signal(signal.SIGTERM, lambda *_: None)
    _adopt_orphans()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    released = threading.Event()
    ender = threading.Thread(target=_end_when_released, args=(child, released), daemon=True)
    ender.start()
    code = child.wait()
    if released.is_set():
        ender.join()
    _kill_processes(_find_descendants())
    # As a shell reports a signal: 128 and its number.
    return 128 - code if code < 0 else code


def _end_when_released(child: subprocess.Popen[bytes], released: threading.Event) -> None:
    at_once = False
    # The read returns nothing when the pipe's other end is closed, however that came.
    while os.read(0, len(_END_WITHOUT_GRACE)):
        at_once = True
    released.set()
    # Looked up while the parents that lead to them are alive.
    descendants = _find_descendants()
    if not at_once:
        _signal_group(os.getpgrp(), signal.SIGTERM)
        deadline = time.monotonic() + _GRACE_SECONDS
        while child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
    if child.poll() is None:
        child.kill()
    _kill_processes(descendants)


def _adopt_orphans() -> None:
    """Be the parent of what the child's children leave behind, such as ``nohup python train.py &`` in a terminal that
    was closed: else it would be nobody's, and stay.
    """
    # Linux alone can do that.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _kill_processes(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def _find_descendants() -> list[psutil.Process]:
    """What the child started: Jupyter's kernels and terminals have process groups of their own."""
    descendants: list[psutil.Process] = psutil.Process().children(recursive=True)
    return descendants


if __name__ == "__main__":
    sys.exit(_run_supervisor(sys.argv[1:]))

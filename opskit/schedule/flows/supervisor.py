"""Runs a command unattended: never beside an earlier run of the same job, and never for longer than its deadline."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import IO

from opskit.state.store import try_lock

GRACE_SECONDS = 5.0
"""From SIGINT, on which a run records how far it got, to SIGKILL."""

ALARM_SECONDS = 30
"""How long after its deadline a run ends itself if the process that watches it was killed."""

# SIGALRM's timer survives exec, and its default action ends the process: a deadline that needs no watcher.
_WITH_ALARM = "import os, signal, sys; signal.alarm(int(sys.argv[1])); os.execv(sys.argv[2], sys.argv[2:])"


@dataclass(frozen=True)
class ProcessResult:
    """A run that is over. ``exit`` None: it was ended at its deadline; below zero: a signal ended it."""

    exit: int | None
    stdout: str
    stderr: str
    seconds: float


def run_exclusive(
    key: Sequence[str], command: Sequence[str], environment: Mapping[str, str], deadline: timedelta
) -> ProcessResult | None:
    """Run ``command`` (its program by full path) unless an earlier run of the same ``key`` still goes on: then None.

    Raises:
        UsageError: there is no place for the lock.
        OSError: the command cannot be started.
    """
    with try_lock("run", *key) as lock:
        return None if lock is None else _run_process(command, environment, deadline.total_seconds(), lock)


def _run_process(command: Sequence[str], environment: Mapping[str, str], seconds: float, lock: int) -> ProcessResult:
    started_at = time.monotonic()
    alarm = str(int(seconds) + ALARM_SECONDS)
    # Files, since a grandchild could hold a pipe open for ever.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(
            # -I and -S: the helper only sets a timer and execs, so neither PYTHONPATH nor site-packages should slow or
            # alter it.
            [sys.executable, "-I", "-S", "-c", _WITH_ALARM, alarm, *command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env=environment,
            # A process group of its own, so that a signal at the deadline reaches grandchildren too.
            start_new_session=True,
            # The run holds the lock itself: if this process is killed, no second run starts beside the orphan.
            pass_fds=(lock,),
        )
        code = _wait_until_deadline(process, seconds)
        return ProcessResult(code, _read_output(out), _read_output(err), time.monotonic() - started_at)


def _read_output(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def _wait_until_deadline(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    """The exit code; None when the deadline came first."""
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        # Whatever ends the wait, Ctrl-C too, ends the run: nobody would watch it any more.
        if process.poll() is None:
            _end_process_group(process)


def _end_process_group(process: subprocess.Popen[bytes]) -> None:
    """End a run with all it has started: interrupt it, so that it can write down how far it came, and make sure."""
    # SIGINT first: opskit handles it like Ctrl-C, and records how far it got.
    _signal_group(process.pid, signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(GRACE_SECONDS)
    # Also after a clean exit: a grandchild may ignore SIGINT and would go on after its deadline.
    _signal_group(process.pid, signal.SIGKILL)
    process.wait()


def _signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)

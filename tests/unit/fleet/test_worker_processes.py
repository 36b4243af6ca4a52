"""Work in processes of its own: what each sends arrives, a killed one takes nothing else with it, and none outlives the
process that began it.
"""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from opskit.fleet.flows.worker_processes import run_in_processes
from tests.fakes.process_works import send_numbers, send_thresholds
from tests.processes import has_number_ended
from tests.waiting import wait_until

REPOSITORY = Path(__file__).parents[3]


def test_one_that_is_killed_takes_nothing_else_with_it() -> None:
    found: list[int] = []
    works = [partial(send_numbers, 3, signal.SIGKILL), partial(send_numbers, 200, None)]
    assert run_in_processes(works, found.append) == [-signal.SIGKILL, 0]
    assert sorted(found) == sorted([*range(3), *range(200)])


def test_one_collects_garbage_as_rarely_as_the_process_that_began_it() -> None:
    before, found = gc.get_threshold(), list[tuple[int, int, int]]()
    try:
        gc.set_threshold(54_321, 2, 3)
        run_in_processes([send_thresholds], found.append)
    finally:
        gc.set_threshold(*before)
    assert found == [(54_321, 2, 3)]


def test_ctrl_c_reaches_none_of_them() -> None:
    """Not the first either, with which Python starts a process that they share."""
    program = "from tests.fakes.process_works import *; run_in_processes([send_blocked_signals] * 2, print)"
    command = [sys.executable, "-c", program]
    ran = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert ran.stdout.count("SIGINT") == 2, ran.stdout


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_none_outlives_the_process_that_began_it(number: signal.Signals) -> None:
    program = "from tests.fakes.process_works import begin_two; begin_two()"
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as parent:
        assert parent.stdout is not None
        assert parent.stderr is not None
        children = [int(parent.stdout.readline()) for _ in range(2)]
        if number is signal.SIGINT:  # as a terminal does
            os.killpg(parent.pid, number)
        else:
            parent.send_signal(number)
        told = parent.stderr.read()
        assert parent.wait() == -number
    wait_until(lambda: all(has_number_ended(child) for child in children))
    assert told.count("Traceback") == (1 if number is signal.SIGINT else 0)

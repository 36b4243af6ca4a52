"""Works for processes of their own. Each process imports this module, and nothing of pytest with it."""

from __future__ import annotations

import gc
import os
import signal
import threading
from functools import partial

from opskit.fleet.flows.worker_processes import Send, run_in_processes


def send_numbers(count: int, end: signal.Signals | None, send: Send) -> None:
    """Send so many numbers, and end by this signal."""
    for number in range(count):
        send(number)
    if end is not None:
        os.kill(os.getpid(), end)


def send_number_of_process(send: Send) -> None:
    """Send the number of the process, and go on until it is ended."""
    send(os.getpid())
    threading.Event().wait()


def send_thresholds(send: Send) -> None:
    """Send how often the process looks for garbage."""
    send(gc.get_threshold())


def send_blocked_signals(send: Send) -> None:
    """Send which signals do not reach the process."""
    send(signal.pthread_sigmask(signal.SIG_BLOCK, []))


def begin_two() -> None:
    """Begin two that go on, and print their numbers."""
    run_in_processes([send_number_of_process] * 2, partial(print, flush=True))

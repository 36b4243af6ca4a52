"""Runs pieces of work in processes of their own, and hands on what each sends. A process that is killed takes nothing
with it but its own piece; and when this process ends, by whatever signal, they end too.
"""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections.abc import Callable, Sequence
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

Send = Callable[[object], None]
"""Sends a value that can be pickled to the process that began the work. Safe across threads."""

ProcessWork = Callable[[Send], None]
"""A piece of work, which can be pickled."""


def run_in_processes(works: Sequence[ProcessWork], note_message: Callable[[Any], None]) -> list[int | None]:
    """Run each piece in a process, and tell ``note_message`` what they send, one at a time, until all have ended.
    Returns their exit codes; one below zero is the signal that killed it.
    """
    # Not a fork: this process has threads, and what they hold locked would stay so in the child.
    context = get_context("spawn")
    # Started with the first process otherwise, where it would let through the signal that is blocked there.
    resource_tracker.ensure_running()
    workers: dict[Connection, BaseProcess] = {}
    try:
        for work in works:
            reader, writer = context.Pipe(duplex=False)
            started = context.Process(target=_run_work, args=(work, writer, gc.get_threshold()), daemon=True)
            workers[reader] = started
            _start_without_interrupts(started)
            writer.close()
        left = list(workers)
        while left:
            for ready in wait(left):
                assert isinstance(ready, Connection)
                try:
                    message = ready.recv()
                except (EOFError, OSError):  # it has ended, perhaps in the middle of a message
                    left.remove(ready)
                else:
                    note_message(message)
        for process in workers.values():
            process.join()
        return [process.exitcode for process in workers.values()]
    finally:
        for process in workers.values():
            if process.pid is not None:
                process.terminate()
                process.join()


def _start_without_interrupts(process: BaseProcess) -> None:
    """Start a process that Ctrl-C does not reach: a terminal sends it to all of them, and this one ends the others. It
    is blocked before, not ignored after, since it may come while Python starts there.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _run_work(work: ProcessWork, writer: Connection, collection_thresholds: tuple[int, int, int]) -> None:
    # A process that Python starts anew looks for reference cycles more often than this command does.
    gc.set_threshold(*collection_thresholds)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    lock = threading.Lock()

    def send(message: object) -> None:
        with lock:
            writer.send(message)

    work(send)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # at once: nobody hears what it finds

"""Does independent reads at the same time, on daemon threads that an interrupted command does not wait for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from opskit.aws.pacing import MAX_CONNECTIONS

T = TypeVar("T")


def start_in_background(work: Callable[[], T]) -> Future[T]:
    """Begin a read now and take its result later."""
    result: Future[T] = Future()
    waiting: SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = SimpleQueue()
    waiting.put((work, result))
    threading.Thread(target=_run_worker, args=(waiting,), daemon=True).start()
    return result


def gather(work: Sequence[Callable[[], Any]], *, max_workers: int = MAX_CONNECTIONS) -> list[Any]:
    """Do independent reads at once, ``max_workers`` at a time, results in order.

    Raises:
        Exception: the first failure, at once; what has not begun by then does not begin.
    """
    if len(work) < 2:
        return [each() for each in work]
    waiting: SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = SimpleQueue()
    results: list[Future[Any]] = [Future() for _ in work]
    for pair in zip(work, results, strict=True):
        waiting.put(pair)
    for _ in range(
        min(max_workers, len(work))
    ):  # daemons: an interrupted command does not wait for an endpoint that hangs
        threading.Thread(target=_run_worker, args=(waiting,), daemon=True).start()
    try:
        return [each.result() for each in results]
    finally:
        with suppress(Empty):
            while True:
                waiting.get_nowait()


def _run_worker(waiting: SimpleQueue[tuple[Callable[[], Any], Future[Any]]]) -> None:
    with suppress(Empty):
        while True:
            each, result = waiting.get_nowait()
            try:
                result.set_result(each())
            except BaseException as error:
                result.set_exception(error)

"""Runs independent reads concurrently, on daemon threads that do not delay the end of an interrupted command."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, TypeVar, overload

from opskit.aws.pacing import MAX_CONNECTIONS

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")


def start_in_background(work: Callable[[], T]) -> Future[T]:
    """Start a read on a thread of its own and return its future."""
    result: Future[T] = Future()
    # Not a ThreadPoolExecutor: Python joins its threads at exit, so Ctrl-C would wait for a read that hangs.
    threading.Thread(target=set_outcome, args=(result, work), daemon=True).start()
    return result


@overload
def gather(a: Callable[[], A], b: Callable[[], B], /) -> tuple[A, B]: ...
@overload
def gather(a: Callable[[], A], b: Callable[[], B], c: Callable[[], C], /) -> tuple[A, B, C]: ...
@overload
def gather(a: Callable[[], A], b: Callable[[], B], c: Callable[[], C], d: Callable[[], D], /) -> tuple[A, B, C, D]: ...
@overload
def gather(
    a: Callable[[], A], b: Callable[[], B], c: Callable[[], C], d: Callable[[], D], e: Callable[[], E], /
) -> tuple[A, B, C, D, E]: ...
def gather(*work: Callable[[], Any]) -> tuple[Any, ...]:
    """Run a few independent reads of different types concurrently. Each result keeps its type, so two results that are
    swapped fail mypy.

    Raises:
        Exception: the first failure, as soon as it happens.
    """
    return tuple(gather_all(work, max_workers=len(work)))


def gather_all(work: Sequence[Callable[[], T]], *, max_workers: int = MAX_CONNECTIONS) -> list[T]:
    """Run independent reads of one type concurrently, at most ``max_workers`` at a time. Results are in the order of
    ``work``.

    Raises:
        Exception: the first failure, as soon as it happens; reads that have not started by then are not started.
    """
    if len(work) < 2:
        return [read() for read in work]
    waiting = deque(range(len(work)))  # safe across threads
    ended: SimpleQueue[int] = SimpleQueue()
    results: list[Future[T]] = [Future() for _ in work]

    def run_queued() -> None:
        with suppress(IndexError):  # none is left
            while True:
                index = waiting.popleft()
                set_outcome(results[index], work[index])
                if results[index].exception():
                    waiting.clear()
                ended.put(index)

    for _ in range(min(max_workers, len(work))):
        threading.Thread(target=run_queued, daemon=True).start()
    try:
        for _ in work:
            # In the order in which they end, so that the first failure is seen when it happens.
            results[ended.get()].result()
    finally:  # after a failure or Ctrl-C the workers must not start what is still queued
        waiting.clear()
    return [result.result() for result in results]


def set_outcome(result: Future[T], work: Callable[[], T]) -> None:
    """Run ``work``, and hand its value, or what it raised, to whoever waits for ``result``."""
    try:
        result.set_result(work())
    except BaseException as error:
        result.set_exception(error)

"""Does independent reads at the same time, on daemon threads that an interrupted command does not wait for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, TypeVar, overload

from opskit.aws.pacing import MAX_CONNECTIONS

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")


def start_in_background(work: Callable[[], T]) -> Future[T]:
    """Begin a read now and take its result later."""
    result: Future[T] = Future()
    threading.Thread(target=_set_outcome, args=(result, work), daemon=True).start()
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
    """Do a few independent reads of different things at once. Each result keeps its type, so two that are swapped
    fail mypy.

    Raises:
        Exception: the first failure, at once.
    """
    return tuple(gather_all(work, max_workers=len(work)))


def gather_all(work: Sequence[Callable[[], T]], *, max_workers: int = MAX_CONNECTIONS) -> list[T]:
    """Do independent reads of one kind at once, ``max_workers`` at a time, results in order.

    Raises:
        Exception: the first failure, at once; what has not begun by then does not begin.
    """
    if len(work) < 2:
        return [each() for each in work]
    waiting: SimpleQueue[int] = SimpleQueue()
    ended: SimpleQueue[int] = SimpleQueue()
    results: list[Future[T]] = [Future() for _ in work]
    for at in range(len(work)):
        waiting.put(at)

    def take_turns() -> None:
        with suppress(Empty):
            while True:
                at = waiting.get_nowait()
                _set_outcome(results[at], work[at])
                if results[at].exception():
                    _discard_items(waiting)
                ended.put(at)

    for _ in range(min(max_workers, len(work))):
        threading.Thread(target=take_turns, daemon=True).start()
    try:
        for _ in work:
            results[ended.get()].result()
    finally:  # an interrupted command begins nothing more either
        _discard_items(waiting)
    return [each.result() for each in results]


def _set_outcome(result: Future[T], work: Callable[[], T]) -> None:
    try:
        result.set_result(work())
    except BaseException as error:
        result.set_exception(error)


def _discard_items(queue: SimpleQueue[int]) -> None:
    with suppress(Empty):
        while True:
            queue.get_nowait()

"""What is read side by side keeps its order and its types, and ends at the first failure."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import pytest

from opskit.aws.gather import gather, gather_all, start_in_background


def raise_value_error(text: str) -> int:
    raise ValueError(text)


def test_gather_all_returns_results_in_order() -> None:
    last_began = threading.Event()

    def first() -> int:
        last_began.wait()
        return 0

    def last() -> int:
        last_began.set()
        return 2

    assert gather_all([first, lambda: 1, last]) == [0, 1, 2]


@pytest.mark.parametrize("at", [0, 1, 2])
def test_gather_ends_at_the_first_failure_wherever_it_stands(at: int) -> None:
    released = threading.Event()
    try:
        work: list[Callable[[], object]] = [released.wait, released.wait, released.wait]
        work[at] = partial(raise_value_error, "no")
        with pytest.raises(ValueError, match="no"):
            gather(work[0], work[1], work[2])
    finally:
        released.set()


def test_gather_all_begins_nothing_after_a_failure() -> None:
    begun: list[int] = []
    work: list[Callable[[], object]] = [
        partial(raise_value_error, "no"),
        *(partial(begun.append, at) for at in range(50)),
    ]
    with pytest.raises(ValueError, match="no"):
        gather_all(work, max_workers=1)
    assert begun == []


def test_gather_all_has_at_most_so_many_at_once() -> None:
    running, most, lock = 0, 0, threading.Lock()

    def read() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.001)
        with lock:
            running -= 1

    gather_all([read] * 40, max_workers=3)
    assert most <= 3


def test_start_in_background_hands_on_a_failure() -> None:
    with pytest.raises(ValueError, match="no"):
        start_in_background(partial(raise_value_error, "no")).result()


def test_each_result_has_the_type_of_its_read() -> None:
    """The one that is ignored here is an error to mypy: if it no longer were, `make lint` would refuse the comment."""
    count, name = gather(lambda: 1, lambda: "name")
    right: int = count
    swapped: int = name  # type: ignore[assignment]
    assert [right, swapped] == [1, "name"]

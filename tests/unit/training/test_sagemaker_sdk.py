"""What the SageMaker SDK does to its surroundings, and how it is kept from it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from opskit.training.sagemaker_sdk import reraise_interrupt


@pytest.fixture
def python_hears_ctrl_c() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.signal(signal.SIGINT, before) is signal.default_int_handler


def test_an_interruption_that_the_sdk_swallows_comes_up_again(python_hears_ctrl_c: None) -> None:
    went_on = False
    with pytest.raises(KeyboardInterrupt), reraise_interrupt():
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except BaseException:
            went_on = True
    assert went_on


def test_one_that_gets_through_is_one(python_hears_ctrl_c: None) -> None:
    with pytest.raises(KeyboardInterrupt), reraise_interrupt():
        os.kill(os.getpid(), signal.SIGINT)


def test_without_one_nothing_happens(python_hears_ctrl_c: None) -> None:
    with reraise_interrupt():
        pass


def test_who_hears_it_otherwise_goes_on_doing_so() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        with reraise_interrupt():
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [signal.SIGINT]

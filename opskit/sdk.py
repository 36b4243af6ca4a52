"""The one door to the SageMaker SDK: loaded only to train, and quiet.

Its core alone is used. That part sends no telemetry, asks nothing of IAM or STS, and takes the boto3 session it is
given; the parts above it (`sagemaker.train`, `sagemaker.serve`) do otherwise, and name jobs as they like.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from types import FrameType
from typing import Any

from opskit.errors import ExtraMissing, UsageProblem

_EXTRA = ("sagemaker", "pandas", "sklearn", "matplotlib")
_CHATTY = ("sagemaker", "sagemaker.config", "sagemaker.jumpstart", "lark")


@dataclass(frozen=True)
class Sdk:
    """The SDK's modules: what can be made, and the shapes that describe it."""

    resources: Any
    shapes: Any
    images: Any


def check_installed(what: str = "Training") -> None:
    """Make sure that training is possible here at all, before anything is looked at.

    Raises:
        ExtraMissing: the SDK, or what splits and scores, is not installed.
    """
    if not all(find_spec(name) for name in _EXTRA):
        raise ExtraMissing("train", what)


@cache
def sdk() -> Sdk:
    """Load the SDK. It takes seconds and 200 MB."""
    with _as_it_was():
        from sagemaker.core import image_uris, resources, shapes

        return Sdk(resources, shapes, image_uris)


def image_uri(framework: str, version: str, region: str) -> str:
    """The address of a built-in algorithm in a Region. The SDK knows it without asking anybody.

    Raises:
        UsageProblem: the SDK knows no such algorithm, version or Region.
    """
    try:
        return str(sdk().images.retrieve(framework, region, version=version))
    except ValueError as error:
        text = f"{framework} {version} has no image in {region} that the SageMaker SDK knows of."
        raise UsageProblem("no-image", text, str(error).split(" Supported", maxsplit=1)[0]) from error


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C through. While it looks for settings of its own the SDK catches whatever comes, an interruption too,
    and goes on: here that comes up again at the end.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler or not _in_the_main_thread():
        yield
        return
    came = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal came
        came = True
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if came:
        raise KeyboardInterrupt


def _in_the_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


@contextmanager
def _as_it_was() -> Iterator[None]:
    """Let an import happen and leave this process's logging as it was: the SDK adds handlers of its own."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    try:
        yield
    finally:
        root.setLevel(level)
        root.handlers[:] = handlers
        for name in _CHATTY:
            logger = logging.getLogger(name)
            logger.setLevel(logging.CRITICAL)
            logger.handlers[:] = [each for each in logger.handlers if isinstance(each, logging.NullHandler)]

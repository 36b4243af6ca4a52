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

from opskit.core.exceptions import MissingExtra, UsageError

_TRAIN_PACKAGES = ("sagemaker", "pandas", "sklearn", "matplotlib")
_NOISY_LOGGERS = ("sagemaker", "sagemaker.config", "sagemaker.jumpstart", "lark")


@dataclass(frozen=True)
class SagemakerSdk:
    """The SDK's modules: what can be made, and the shapes that describe it."""

    resources: Any
    shapes: Any
    images: Any


def check_installed(what: str = "Training") -> None:
    """Make sure that training is possible here at all, before anything is looked at.

    Raises:
        MissingExtra: the SDK, or what splits and scores, is not installed.
    """
    if not all(find_spec(name) for name in _TRAIN_PACKAGES):
        raise MissingExtra("train", what)


@cache
def load_sdk() -> SagemakerSdk:
    """Load the SDK. It takes seconds and 200 MB."""
    with _preserve_logging():
        from sagemaker.core import image_uris, resources, shapes

        return SagemakerSdk(resources, shapes, image_uris)


def image_uri(framework: str, version: str, region: str) -> str:
    """The address of a built-in algorithm in a Region. The SDK knows it without asking anybody.

    Raises:
        UsageError: the SDK knows no such algorithm, version or Region.
    """
    try:
        return str(load_sdk().images.retrieve(framework, region, version=version))
    except ValueError as error:
        text = f"{framework} {version} has no image in {region} that the SageMaker SDK knows of."
        raise UsageError("no-image", text, str(error).split(" Supported", maxsplit=1)[0]) from error


@contextmanager
def reraise_interrupt() -> Iterator[None]:
    """Let Ctrl-C through. While it looks for settings of its own the SDK catches whatever comes, an interruption too,
    and goes on: here that comes up again at the end.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler or not _in_main_thread():
        yield
        return
    came = False

    def note_interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal came
        came = True
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, note_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if came:
        raise KeyboardInterrupt


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


@contextmanager
def _preserve_logging() -> Iterator[None]:
    """Let an import happen and leave this process's logging as it was: the SDK adds handlers of its own."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    try:
        yield
    finally:
        root.setLevel(level)
        root.handlers[:] = handlers
        for name in _NOISY_LOGGERS:
            logger = logging.getLogger(name)
            logger.setLevel(logging.CRITICAL)
            logger.handlers[:] = [each for each in logger.handlers if isinstance(each, logging.NullHandler)]

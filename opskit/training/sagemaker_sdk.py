"""The SageMaker SDK v3, imported only to train. No other module imports it.

Only its core is used. That part sends no telemetry, calls neither IAM nor STS, and takes the boto3 session it is given;
the layers above it (`sagemaker.train`, `sagemaker.serve`) do otherwise, and choose job names themselves.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from types import FrameType
from typing import Any

from opskit.core.exceptions import MissingExtra, UsageError
from opskit.training.rules.algorithms.algorithm import ImageRequest

_TRAIN_PACKAGES = ("sagemaker", "pandas", "sklearn", "matplotlib")
_GRAMMARS = "rfc3987_syntax"
_NOISY_LOGGERS = ("sagemaker", "sagemaker.config", "sagemaker.jumpstart", "lark")


@dataclass(frozen=True)
class SagemakerSdk:
    """The SDK's modules: resources, and the shapes that describe them."""

    resources: Any
    shapes: Any
    images: Any


def check_installed(what: str = "Training") -> None:
    """Make sure that the packages for training are installed, before anything is read.

    Raises:
        MissingExtra: the SDK, or what splits and scores, is not installed.
    """
    if not all(find_spec(name) for name in _TRAIN_PACKAGES):
        raise MissingExtra("train", what)


@cache
def load_sdk() -> SagemakerSdk:
    """Import the SDK, once. It takes seconds and 200 MB."""
    with _preserve_logging(), _without_grammars(), _models_on_demand():
        from sagemaker.core import image_uris, resources, shapes

        return SagemakerSdk(resources, shapes, image_uris)


def image_uri(request: ImageRequest, region: str) -> str:
    """The image URI of a built-in algorithm in a Region. The SDK has it without calling AWS.

    Raises:
        UsageError: the SDK knows no such algorithm, version or Region.
    """
    try:
        images = load_sdk().images
        return str(images.retrieve(request.framework, region, version=request.version, image_scope=request.scope))
    except ValueError as error:
        text = f"{request.framework} {request.version} has no image in {region} that the SageMaker SDK knows of."
        _, _, known = str(error).partition("Supported ")
        hint = f"The SDK knows {known}" if known else str(error)
        raise UsageError("no-image", text, hint) from error


@contextmanager
def reraise_interrupt() -> Iterator[None]:
    """Let Ctrl-C through."""
    # A handler of somebody else's is left alone, and only the main thread may set one.
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler or not _in_main_thread():
        yield
        return
    was_interrupted = False

    def note_interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal was_interrupted
        was_interrupted = True
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, note_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # While the SDK looks for its own settings it catches every exception, KeyboardInterrupt included, and goes on: so
    # it is raised again here.
    if was_interrupted:
        raise KeyboardInterrupt


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


@contextmanager
def _without_grammars() -> Iterator[None]:
    """Keep jsonschema, with which the SDK checks its settings, from building forty grammars when it is imported. That
    takes more than a second, for a format (``iri``) which those settings do not have.
    """
    if _GRAMMARS in sys.modules:
        yield
        return
    sys.modules[_GRAMMARS] = None  # type: ignore[assignment] # an import then fails, which jsonschema allows for
    try:
        yield
    finally:
        del sys.modules[_GRAMMARS]


@contextmanager
def _models_on_demand() -> Iterator[None]:
    """Let pydantic make what checks a model when it is first used, of the models that are imported meanwhile. The SDK
    has 900, of which a run uses a few dozen, and to make them all is almost half of what it takes to import it.
    """
    from pydantic import BaseModel, ConfigDict

    usual = BaseModel.model_config
    BaseModel.model_config = ConfigDict(**{**usual, "defer_build": True})
    try:
        yield
    finally:
        BaseModel.model_config = usual


@contextmanager
def _preserve_logging() -> Iterator[None]:
    """Restore this process's logging after an import."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    try:
        yield
    finally:
        # The SDK adds handlers of its own to the root logger, and would print what opskit does not.
        root.setLevel(level)
        root.handlers[:] = handlers
        for name in _NOISY_LOGGERS:
            logger = logging.getLogger(name)
            logger.setLevel(logging.CRITICAL)
            logger.handlers[:] = [handler for handler in logger.handlers if isinstance(handler, logging.NullHandler)]

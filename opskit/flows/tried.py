"""Looks whose failures are told together, rather than the first one ending all."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from opskit.errors import NoCredentials, OpskitError

T = TypeVar("T")


def tried(look: Callable[[], T]) -> T | OpskitError:
    """What a look brings, or what stands in its way.

    Raises:
        NoCredentials: then no other look brings anything either.
    """
    try:
        return look()
    except NoCredentials:
        raise
    except OpskitError as error:
        return error

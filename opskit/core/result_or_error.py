"""Looks whose failures are told together, rather than the first one ending all."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from opskit.core.exceptions import CredentialsError, OpskitError

T = TypeVar("T")


def result_or_error(read: Callable[[], T]) -> T | OpskitError:
    """What a look brings, or what stands in its way.

    Raises:
        CredentialsError: then no other look brings anything either.
    """
    try:
        return read()
    except CredentialsError:
        raise
    except OpskitError as error:
        return error

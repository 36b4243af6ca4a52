"""Reads whose failures are values: told together, or as the reason why something is not known."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from opskit.core.exceptions import AwsError, CredentialsError, OpskitError
from opskit.core.model import Unknown

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


def unknown_from_error(failure: AwsError) -> Unknown:
    """A failure as the reason why a value is not known."""
    return Unknown.from_problem(failure.problem)

"""Reads whose failures are values: reported together, or kept as the reason why something is unknown."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from opskit.core.exceptions import AwsError, CredentialsError, OpskitError
from opskit.core.model import Unknown

T = TypeVar("T")


def result_or_error(read: Callable[[], T]) -> T | OpskitError:
    """The result of a read, or its error.

    Raises:
        CredentialsError: every other read would fail in the same way.
    """
    try:
        return read()
    # Reported once as the reason of the whole command rather than once for each of many reads.
    except CredentialsError:
        raise
    except OpskitError as error:
        return error


def unknown_from_error(failure: AwsError) -> Unknown:
    """A failure as the reason why a value is unknown."""
    return Unknown.from_problem(failure.problem)


def first_unknown(*read: object) -> Unknown | None:
    """Why something was not read; None if everything was."""
    return next((unknown for unknown in read if isinstance(unknown, Unknown)), None)

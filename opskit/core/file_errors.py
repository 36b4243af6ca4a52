"""Why a file could not be read or written, in words for whoever named it."""

from __future__ import annotations

from pathlib import Path

from opskit.core.exceptions import UsageError


def read_named_text(path: Path, code: str, hint: str = "") -> str:
    """The text of a file that the user named.

    Raises:
        UsageError: it cannot be read. ``code`` and ``hint`` are the error's.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(code, f"{path} cannot be read: {file_error_text(error)}.", hint) from error


def file_error_text(error: Exception) -> str:
    """The reason alone: Python's own text has the error's number in it, and the path again."""
    match error:
        case UnicodeDecodeError():
            return "it is not UTF-8 text"
        case OSError(strerror=str(reason)):
            return reason
        case _:
            return str(error)

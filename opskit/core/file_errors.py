"""Why a file could not be read or written, in words for whoever named it."""

from __future__ import annotations


def file_error_text(error: OSError | ValueError) -> str:
    """The reason alone: Python's own text has the error's number in it, and the path again."""
    match error:
        case UnicodeDecodeError():
            return "it is not UTF-8 text"
        case OSError(strerror=str(reason)):
            return reason
        case _:
            return str(error)

"""Reads files that hold secrets, and refuses those that other users may read."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from opskit.core.exceptions import UsageError

_GROUP_OR_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read_owner_only(path: Path, flag: str, hint: str) -> str:
    """The text of a file that ``flag`` names. ``hint`` is what to do where there is none.

    Raises:
        UsageError: the file cannot be read, or other users may read or write it.
    """
    try:
        with path.open(encoding="utf-8") as file:
            mode = path.stat().st_mode
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not text"
        raise UsageError("file-unreadable", f"{flag} {path} cannot be read: {why}.", hint) from error
    if mode & _GROUP_OR_OTHERS:
        text = f"{flag} {path} contains secrets, but other users can read or write it."
        raise UsageError("file-open", text, f"chmod 600 {path}")
    return text


def open_own_file(path: Path, flags: int) -> int:
    """A descriptor of a file of opskit's own, made with mode 0600 where it is missing. A link that somebody has put in
    its place, as in a folder that others may write, is replaced, never followed.

    Raises:
        OSError: it cannot be made or opened.
    """
    wanted = flags | os.O_CREAT | os.O_NOFOLLOW
    try:
        return os.open(path, wanted, 0o600)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
    # Once only: a link that is there again was put there meanwhile, and ends as an error.
    path.unlink(missing_ok=True)
    return os.open(path, wanted, 0o600)

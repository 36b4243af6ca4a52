"""The access key that a sandbox prints: whoever has it may use the sandbox, also as another user of this machine.

It is made once for each user, kept in a file that only the user may read, and so stays over restarts: what was pasted
into a shell or a profile goes on working.
"""

from __future__ import annotations

import os
import secrets
import stat
import string
from functools import cache
from pathlib import Path

import platformdirs

_FILE = "sandbox-access-key"
_PREFIX = "AKIA"
_SIGNS = string.ascii_uppercase + "234567"
# As long as AWS's own. 16 signs of 32 are 80 bits: nobody guesses them.
_LENGTH = 16


@cache
def printed_access_key() -> str:
    """The user's access key id. Where it cannot be kept, one for this run."""
    try:
        folder = Path(platformdirs.user_state_dir("opskit", appauthor=False))
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _read_key(folder / _FILE) or _write_key(folder / _FILE)
    except OSError:
        return _new_key()


def _new_key() -> str:
    return _PREFIX + "".join(secrets.choice(_SIGNS) for _ in range(_LENGTH))


def _read_key(path: Path) -> str | None:
    """The key that was kept; None where there is none, or one that others could have read or planted."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(handle, encoding="ascii", errors="replace") as file:
        about = os.fstat(file.fileno())
        is_own = stat.S_ISREG(about.st_mode) and about.st_uid == os.geteuid() and not about.st_mode & 0o077
        key = file.read(len(_PREFIX) + _LENGTH + 1).strip() if is_own else ""
    is_key = len(key) == len(_PREFIX) + _LENGTH and key.startswith(_PREFIX) and key.isalnum()
    return key if is_key else None


def _write_key(path: Path) -> str:
    """Keep a new key."""
    key, part = _new_key(), path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(key + "\n")
        try:
            # A link fails where the name is taken, which a rename does not: of two sandboxes that start at once, the
            # second takes the first one's key.
            os.link(part, path)
        except FileExistsError:
            if kept := _read_key(path):
                return kept
            part.replace(path)
        return key
    finally:
        part.unlink(missing_ok=True)

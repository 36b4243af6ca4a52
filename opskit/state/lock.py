"""Locks between opskit processes that would do the same thing twice. They are flock locks, which the operating system
releases when a process dies.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from opskit.state.paths import open_own_file, state_dir, state_errors
from opskit.state.records import HeldLock


class _FileLock:
    """A lock of a file, which its process holds for as long as it lives."""

    fence: object | None = None

    def check_held(self) -> None:
        """It is held."""


class FileLocks:
    """Locks between the opskit processes of this machine."""

    @contextmanager
    def hold_lock(self, *key: str, on_wait: Callable[[], None]) -> Iterator[HeldLock]:
        """Hold a lock for a block.

        Raises:
            UsageError: the lock file cannot be created.
        """
        with exclusive_lock(*key, on_wait=on_wait):
            yield _FileLock()


@contextmanager
def exclusive_lock(*key: str, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the lock named by ``key`` for the block; ``on_wait`` is called if another process holds it and we have to
    wait.

    Raises:
        UsageError: the lock file cannot be created.
    """
    with ExitStack() as stack:
        with state_errors():
            file = stack.enter_context(_open_lock(_lock_path(key)))
            # Tried first, so that whoever has to wait is told so.
            if not _try_flock(file):
                on_wait()
                fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def try_lock(*key: str) -> Iterator[int | None]:
    """Hold the lock named by ``key`` for the block, or run the block without it if another process holds it. Yields the
    lock's file descriptor, or None without the lock. A child process that inherits the descriptor holds the lock for as
    long as it lives, even if this process is killed.

    Raises:
        UsageError: the lock file cannot be created.
    """
    with ExitStack() as stack:
        with state_errors():
            file = stack.enter_context(_open_lock(_lock_path(key)))
            held = file.fileno() if _try_flock(file) else None
        yield held


def _try_flock(file: IO[str]) -> bool:
    """Take the lock of a file; False if another process holds it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _open_lock(path: Path) -> IO[str]:
    """A lock's file. A link that somebody has put in its place is replaced, never followed."""
    return os.fdopen(open_own_file(path, os.O_RDWR), "w", encoding="ascii")


def _lock_path(key: tuple[str, ...]) -> Path:
    folder = state_dir() / "locks"
    folder.mkdir(mode=0o700, exist_ok=True)
    # Hashed, since a key contains URLs and account names that are not valid in a file name.
    return folder / hashlib.sha256("\n".join(key).encode()).hexdigest()[:24]

"""One opskit at a time where two would do the same thing twice. The operating system holds it, so a crash frees it."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from opskit.state.paths import state_dir, state_errors


@contextmanager
def exclusive_lock(*key: str, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the lock named by ``key`` for the block; ``on_wait`` is told when somebody else has it and we wait.

    Raises:
        UsageError: there is no place for the lock's file.
    """
    with ExitStack() as stack:
        with state_errors():
            file = stack.enter_context(_lock_path(key).open("w"))
            if not _try_flock(file):
                on_wait()
                fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def try_lock(*key: str) -> Iterator[int | None]:
    """Hold the lock named by ``key`` for the block, or go into it without: then somebody else has it. What comes is
    the lock's file descriptor, or None without the lock; a child that is handed it holds the lock for as long as it
    lives, even when we are killed.

    Raises:
        UsageError: there is no place for the lock's file.
    """
    with ExitStack() as stack:
        with state_errors():
            file = stack.enter_context(_lock_path(key).open("w"))
            held = file.fileno() if _try_flock(file) else None
        yield held


def _try_flock(file: IO[str]) -> bool:
    """Take the lock of a file; False: somebody else has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_path(key: tuple[str, ...]) -> Path:
    folder = state_dir() / "locks"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / hashlib.sha256("\n".join(key).encode()).hexdigest()[:24]

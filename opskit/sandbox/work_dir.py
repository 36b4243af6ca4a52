"""The temporary folder of one sandbox, locked while it runs: the next start can tell what a killed one left."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = "opskit-sandbox-"
# Half a second in all.
_REMOVE_TRIES = 5


@contextmanager
def temporary_work_dir() -> Iterator[Path]:
    """A folder of its own for one sandbox; it is gone afterwards, and so is what killed ones left."""
    _remove_abandoned_dirs()
    folder, lock = _create_locked_dir()
    try:
        yield folder
    finally:
        _remove_tree(folder)
        os.close(lock)


def _create_locked_dir() -> tuple[Path, int]:
    """A new folder and its lock."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getuid()}-"))
        try:
            lock = os.open(folder, os.O_RDONLY)
        except FileNotFoundError:
            continue
        # A lock goes with its process, however that ends; a file that says "running" would stay.
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Another sandbox that starts right now may take it for abandoned before it is locked, and clear it: then the
        # lock is on a folder that is gone, and a new one is made.
        if folder.exists():
            return folder, lock
        os.close(lock)


def _remove_abandoned_dirs() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}{os.getuid()}-*"):
        _remove_if_abandoned(folder)


def _remove_if_abandoned(folder: Path) -> None:
    try:
        lock = os.open(folder, os.O_RDONLY)
    except OSError:
        # Cleared by another sandbox, or another user's.
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _remove_tree(folder)
    except BlockingIOError:
        # A running sandbox holds it.
        return
    finally:
        os.close(lock)


def _remove_tree(folder: Path) -> None:
    """Remove a folder even while the last child processes of a killed sandbox are still writing into it."""
    for _ in range(_REMOVE_TRIES):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)

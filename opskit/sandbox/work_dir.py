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
_TRIES = 5


@contextmanager
def workroom() -> Iterator[Path]:
    """A folder of its own for one sandbox; it is gone afterwards, and so is what killed ones left."""
    _clear_abandoned()
    folder, lock = _locked_folder()
    try:
        yield folder
    finally:
        _remove(folder)
        os.close(lock)


def _locked_folder() -> tuple[Path, int]:
    """A new folder and its lock. Another sandbox that starts right now may take it for abandoned before it is
    locked, and clear it: then the lock is on a folder that is gone, and a new one is made.
    """
    while True:
        folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getuid()}-"))
        try:
            lock = os.open(folder, os.O_RDONLY)
        except FileNotFoundError:
            continue
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():
            return folder, lock
        os.close(lock)


def _clear_abandoned() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}{os.getuid()}-*"):
        _clear_if_abandoned(folder)


def _clear_if_abandoned(folder: Path) -> None:
    try:
        lock = os.open(folder, os.O_RDONLY)
    except OSError:  # cleared by another sandbox, or not ours to clear
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _remove(folder)
    except BlockingIOError:
        return  # a running sandbox holds it
    finally:
        os.close(lock)


def _remove(folder: Path) -> None:
    """Remove a folder even while the last children of a killed sandbox are still writing into it."""
    for _ in range(_TRIES):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)

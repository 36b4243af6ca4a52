"""The log of what ran by itself: one JSON object a line, in files that do not grow for ever."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from opskit.decide.ascii_json import ascii_json
from opskit.state.folder import state_folder
from opskit.state.lock import alone

_FILE = "runs.jsonl"
_MOST_BYTES = 1_000_000
_OLD_FILES = 3


def log_file() -> Path:
    """Where the newest lines are; older ones in files with .1 to .3 behind the name.

    Raises:
        OSError: there can be no state folder.
    """
    return state_folder() / _FILE


def append(line: Mapping[str, Any]) -> Path:
    """Write down one run, whole or not at all, and tell where.

    Raises:
        OSError, UsageProblem: it cannot be written.
    """
    text = ascii_json(line, str).encode() + b"\n"
    with alone("run log", busy=lambda: None):
        path = log_file()
        if path.exists() and path.stat().st_size + len(text) > _MOST_BYTES:
            _turn(path)
        path.touch(mode=0o600)
        with path.open("ab", buffering=0) as file:
            file.write(text)
    return path


def _turn(path: Path) -> None:
    """Make room: every file takes the place of the one that is older, the oldest goes."""
    names = [path, *(path.with_name(f"{path.name}.{number}") for number in range(1, _OLD_FILES + 1))]
    for newer, older in reversed(list(pairwise(names))):
        if newer.exists():
            newer.replace(older)

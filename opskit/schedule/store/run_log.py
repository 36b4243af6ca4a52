"""The log of unattended runs: one JSON object per line, in rotated files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from opskit.core.json_text import ascii_json
from opskit.core.redaction import redact_values
from opskit.state.paths import open_own_file, state_dir
from opskit.state.store import FileLocks

_RUN_LOG_FILE = "runs.jsonl"
# With a few hundred bytes per run and ten runs an hour this lasts for weeks; three old files are kept.
MAX_BYTES = 1_000_000
_OLD_FILES = 3


def log_path() -> Path:
    """Where the newest lines are; older ones in files with .1 to .3 behind the name.

    Raises:
        OSError: there can be no state folder.
    """
    return state_dir() / _RUN_LOG_FILE


def append_run(line: Mapping[str, Any]) -> Path:
    """Write down one run, whole or not at all, and tell where.

    Raises:
        OSError, UsageError: it cannot be written.
    """
    text = ascii_json(redact_values(line), str).encode() + b"\n"
    # Two jobs may end at once, and one must not rotate the file while the other writes.
    with FileLocks().hold_lock("run log", on_wait=lambda: None):
        path = log_path()
        if path.exists() and path.stat().st_size + len(text) > MAX_BYTES:
            _rotate_files(path)
        # Created closed: lines may contain names of notebooks and accounts that are nobody else's business. Unbuffered:
        # one write per line, so that a kill leaves whole lines.
        with os.fdopen(open_own_file(path, os.O_WRONLY | os.O_APPEND), "ab", buffering=0) as file:
            file.write(text)
    return path


def _rotate_files(path: Path) -> None:
    """Make room: every file takes the place of the one that is older, the oldest goes."""
    names = [path, *(path.with_name(f"{path.name}.{number}") for number in range(1, _OLD_FILES + 1))]
    for newer, older in reversed(list(pairwise(names))):
        if newer.exists():
            newer.replace(older)

"""Which files of the state folder are damaged, as after a full disk or a copy that was cut off."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from shlex import quote


def find_damaged_files(folder: Path) -> list[Path]:
    """The databases of the folder that SQLite finds damaged. What cannot be opened is not among them."""
    return [path for path in sorted(folder.glob("*.sqlite")) if _is_damaged(path)]


def _is_damaged(path: Path) -> bool:
    try:
        # Read-only, so that nothing is made beside a file that somebody may want to repair.
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as session:
            return bool(session.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok")
    except sqlite3.OperationalError:  # it is locked, or cannot be read at all: the user of the file tells of that
        return False
    except sqlite3.DatabaseError:
        return True


def damaged_files_hint(folder: Path) -> str:
    """What to do about the damaged files of a folder. Empty: none is."""
    damaged = find_damaged_files(folder)
    if not damaged:
        return ""
    moves = "; ".join(f"mv {quote(str(path))} {quote(f'{path}.damaged')}" for path in damaged)
    return f"Move away what is damaged, and opskit begins it anew: {moves}"

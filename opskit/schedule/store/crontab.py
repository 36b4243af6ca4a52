"""Reads and writes the user's crontab through the ``crontab`` program, which owns the file."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from opskit.core.exceptions import UsageError

# What the program says, in the C locale, when the user has no crontab: cron's, cronie's and macOS's; busybox's. Of the
# last only this reason: one that may not be opened may well be there, and would be overwritten.
_NONE_YET = re.compile(rb"\bno crontab for |can't open .*: No such file or directory")


def read_crontab() -> bytes:
    """The crontab's bytes; none where there is no crontab yet.

    Raises:
        UsageError: there is no cron here, or it does not let the user have a crontab.
    """
    done = _run_crontab("-l")
    if done.returncode and _NONE_YET.search(done.stderr):
        return b""
    return _check_crontab(done).stdout


def write_crontab(crontab: bytes) -> None:
    """Put a crontab in the place of the user's; an empty one takes it away.

    Raises:
        UsageError: cron did not take it; the user's is as it was.
    """
    done = _run_crontab("-", crontab) if crontab else _run_crontab("-r")
    if done.returncode and not crontab and _NONE_YET.search(done.stderr):
        return
    _check_crontab(done)


def is_cron_running() -> bool | None:
    """Whether cron itself runs here; None where that cannot be told."""
    # Linux only: on other systems there is no /proc, and the answer is unknown.
    names = list(Path("/proc").glob("[0-9]*/comm"))
    return any(_read_text(name) in ("cron", "crond") for name in names) if names else None


def _read_text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:  # it has ended meanwhile
        return ""


def _run_crontab(word: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    program = shutil.which("crontab")
    if program is None:
        hint = "Install cron (on Debian and Ubuntu: apt install cron), or take `opskit cron show --systemd`."
        raise UsageError("no-cron", "There is no cron on this machine: the program crontab is not there.", hint)
    plain = {**os.environ, "LC_ALL": "C", "CRONTAB_NOHEADER": "Y"}  # without the header that old crons print
    return subprocess.run([program, word], input=given, capture_output=True, check=False, env=plain)


def _check_crontab(done: subprocess.CompletedProcess[bytes]) -> subprocess.CompletedProcess[bytes]:
    if done.returncode:
        output = " ".join(done.stderr.decode(errors="replace").split()) or f"it ended with {done.returncode}"
        raise UsageError("crontab-refused", f"crontab says: {output}", "`crontab -l` shows what is there.")
    return done

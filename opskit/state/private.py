"""Files that hold secrets: read only when nobody else may read them."""

from __future__ import annotations

import shlex
import stat
from pathlib import Path

from opskit.errors import UsageProblem

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def private_text(path: Path, flag: str) -> str:
    """The text of a file that ``flag`` names.

    Raises:
        UsageProblem: it cannot be read, or others may read or write it.
    """
    try:
        with path.open(encoding="utf-8") as file:
            mode = path.stat().st_mode
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not text"
        raise UsageProblem("file-unreadable", f"{flag} {path} cannot be read: {why}.") from error
    if mode & _OTHERS:
        text = f"{flag} {path} holds secrets, and others than you may read or write it."
        raise UsageProblem("file-open", text, f"chmod 600 {path}")
    return text


def private_variables(path: Path) -> dict[str, str]:
    """The variables of a file with a ``NAME=value`` a line, quoted as a shell's, ``export`` in front or not.

    Raises:
        UsageProblem: it cannot be read, others may read or write it, or a line is something else.
    """
    found = {}
    for number, line in enumerate(private_text(path, "--env-file").splitlines(), 1):
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            words = [""]
        for word in words[1:] if words[:1] == ["export"] else words:
            name, equals, value = word.partition("=")
            if not (equals and name.isidentifier()):
                text = f"Line {number} of {path} is not NAME=value."
                raise UsageProblem("bad-env-file", text, "Put values with blanks in them into quotes.")
            found[name] = value
    return found

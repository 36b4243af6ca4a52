"""Reads files with environment variables that hold secrets, only if no other user may read them."""

from __future__ import annotations

import shlex
from pathlib import Path

from opskit.core.exceptions import UsageError
from opskit.state.paths import read_owner_only

_HINT = "Write NAME=value lines into a file of your own (chmod 600), and give its path."


def read_env_file(path: Path) -> dict[str, str]:
    """The variables of a file with a ``NAME=value`` a line, quoted as a shell's, ``export`` in front or not.

    Raises:
        UsageError: it cannot be read, others may read or write it, or a line is something else.
    """
    variables = {}
    for number, line in enumerate(read_owner_only(path, "--env-file", _HINT).splitlines(), 1):
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            words = [""]
        for word in words[1:] if words[:1] == ["export"] else words:
            name, equals, value = word.partition("=")
            if not (equals and name.isidentifier()):
                text = f"Line {number} of {path} is not NAME=value."
                raise UsageError("bad-env-file", text, "Put values with blanks in them into quotes.")
            variables[name] = value
    return variables

"""Reads whether opskit's package folder holds its own files and nobody else's.

PyPI's `opskit` is another project with the same package folder and command, and pip writes one over the other without
a word. This file stands on the standard library alone: it is asked when an import of opskit's own has failed.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

_DISTRIBUTION = "sagemaker-opskit"  # as in opskit/__init__.py, which may be the very file that is another project's
_PACKAGE = "opskit"
_REINSTALL = "in the clone of opskit: pip install ."


class MixedFiles(NamedTuple):
    """What is wrong with the files of the package folder (a sentence without its full stop), and what to do."""

    detail: str
    hint: str


def find_mixed_files() -> MixedFiles | None:
    """Whether another project's files lie where opskit's belong, or some of opskit's own are missing. It reads the
    records of all that is installed, some 0.1 s: no command does so unless something is already wrong.
    """
    others = sorted(_other_owners())
    if others:
        named = " and ".join(f"{name} {version}" for name, version in others)
        says = f"Another project, {named}, is installed here with the same package folder and command as opskit"
        return MixedFiles(says, f"pip uninstall {' '.join(name for name, _ in others)}, then {_REINSTALL}")
    damaged = sorted(_damaged_files())
    if damaged:
        says = f"{len(damaged)} of opskit's files are missing or not its own, such as {damaged[0]}"
        return MixedFiles(says, f"Install it anew, {_REINSTALL}")
    return None


def _other_owners() -> Iterator[tuple[str, str]]:
    """Name and version of every other distribution that has files in a package of opskit's name."""
    for each in metadata.distributions():
        name = each.metadata["Name"]
        if name != _DISTRIBUTION and any(line.startswith(f"{_PACKAGE}/") for line in _recorded_lines(each)):
            yield name, each.version


def _recorded_lines(distribution: metadata.Distribution) -> list[str]:
    """The files that an installer wrote, a line each. Reading it takes a tenth of what ``files`` takes."""
    return (distribution.read_text("RECORD") or "").splitlines()


def _damaged_files() -> Iterator[str]:
    """The files of opskit that are not as they were installed; none where it runs from its clone, or a zip."""
    beside = Path(__file__).parents[2]
    for each in metadata.distributions(name=_DISTRIBUTION, path=[str(beside)]):
        for file in each.files or ():
            if file.parts[0] == _PACKAGE and file.hash and file.hash.value != _hash_of(beside / file):
                yield str(file)


def _hash_of(path: Path) -> str | None:
    """A file's hash as an installer records it; None where there is no such file."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()

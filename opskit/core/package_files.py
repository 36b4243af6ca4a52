"""Checks whether opskit's package folder holds opskit's own files only.

The name `opskit` on PyPI belongs to another project with the same package folder and command, and pip overwrites one
with the other silently. This module uses only the standard library, since it runs when an import of opskit has failed.
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
    """What is wrong with the package folder (a sentence without its full stop), and what to do."""

    detail: str
    hint: str


def find_mixed_files() -> MixedFiles | None:
    """Whether files of another project lie in opskit's package folder, or some of opskit's own are missing. This reads
    the RECORD of all installed packages: it runs only after something has failed.
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
    """Name and version of every other distribution with files in a package called ``opskit``."""
    for distribution in metadata.distributions():
        # By RECORD and not by name: whoever installs files into the folder can break opskit, whatever it is called.
        # A name is parsed out of all that a project says of itself, which takes ten times as long: so only then.
        if _has_package(distribution) and (name := distribution.metadata["Name"]) != _DISTRIBUTION:
            yield name, distribution.version


def _has_package(distribution: metadata.Distribution) -> bool:
    """Whether the RECORD file, which has a line for each installed file, names some of the package's."""
    # Reading it takes a tenth of the time of ``files``, which parses each line.
    return f"\n{_PACKAGE}/" in "\n" + (distribution.read_text("RECORD") or "")


def _damaged_files() -> Iterator[str]:
    """The files of opskit that differ from their installed version; none if it runs from a clone or a zip file."""
    parent = Path(__file__).parents[2]
    for distribution in metadata.distributions(name=_DISTRIBUTION, path=[str(parent)]):
        for file in distribution.files or ():
            if file.parts[0] == _PACKAGE and file.hash and file.hash.value != _hash_of(parent / file):
                yield str(file)


def _hash_of(path: Path) -> str | None:
    """The hash of a file as RECORD holds it (SHA-256, URL-safe base64 without padding); None if there is no such
    file.
    """
    try:
        content = path.read_bytes()
    except OSError:
        return None
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()

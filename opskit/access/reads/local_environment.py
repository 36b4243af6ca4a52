"""Reads this machine: whether opskit's folders can be used, and what is installed."""

from __future__ import annotations

import platform
import tempfile
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import platformdirs

from opskit import DISTRIBUTION
from opskit.core.exceptions import MissingExtra
from opskit.core.file_errors import file_error_text
from opskit.training.sagemaker_sdk import check_installed

_OF_THE_SANDBOX = ("ipykernel", "jupyter_server", "moto", "psutil", "xgboost")
_REPORTED_PACKAGES = {"opskit": DISTRIBUTION, "boto3": "boto3", "sagemaker": "sagemaker"}


def local_folders() -> dict[str, Path]:
    """Where opskit keeps what it must remember, and what it may forget."""
    return {
        "state": Path(platformdirs.user_state_dir("opskit", appauthor=False)),
        "cache": Path(platformdirs.user_cache_dir("opskit", appauthor=False)),
    }


def folder_problem(folder: Path) -> str | None:
    """Why nothing can be kept in a folder, which is made when it is missing; None where it can."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A real write: permission bits say nothing of read-only mounts, full disks and quotas.
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"0")
    except OSError as error:
        return file_error_text(error)
    return None


def read_versions() -> dict[str, str]:
    """The versions that a report of a bug should name."""
    versions = {"python": platform.python_version()}
    for name, distribution in _REPORTED_PACKAGES.items():
        try:
            versions[name] = metadata.version(distribution)
        except metadata.PackageNotFoundError:
            continue
    return versions


def missing_extras() -> tuple[str, ...]:
    """Which of opskit's extras are not installed."""
    missing = []
    try:
        check_installed()
    except MissingExtra:
        missing.append("train")
    if not all(find_spec(name) for name in _OF_THE_SANDBOX):
        missing.append("sandbox")
    return tuple(missing)

"""The start-up files of IPython and Python on this machine."""

from __future__ import annotations

import os
import shutil
import sysconfig
from contextlib import suppress
from pathlib import Path

from opskit.core.exceptions import UsageError
from opskit.core.file_errors import file_error_text
from opskit.guards.rules.start_hooks import HookTarget


def hook_path(target: HookTarget) -> Path:
    """Where a target's file belongs: in IPython's default profile, among the packages of this Python,
    or with the user's settings of a coding agent.
    """
    match target:
        case HookTarget.IPYTHON:
            home = os.environ.get("IPYTHONDIR")
            root = Path(home) if home else Path.home() / ".ipython"
            return root / "profile_default" / "startup" / target.file_name
        case HookTarget.PYTHON:
            return Path(sysconfig.get_path("purelib")) / target.file_name
        case HookTarget.CLAUDE_CODE:
            home = os.environ.get("CLAUDE_CONFIG_DIR")
            return (Path(home) if home else Path.home() / ".claude") / target.file_name
        case HookTarget.CURSOR:
            return Path.home() / ".cursor" / target.file_name
        case HookTarget.CODEX:
            home = os.environ.get("CODEX_HOME")
            return (Path(home) if home else Path.home() / ".codex") / target.file_name


def read_hook(path: Path) -> str | None:
    """A file's content; None: there is none.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError("unreadable-file", f"Could not read '{path}': {file_error_text(error)}.") from error


def write_hook(path: Path, content: str) -> None:
    """Write a file, as a whole or not at all.

    Raises:
        UsageError: it cannot be written.
    """
    path = path.resolve()  # a link, as into a repository of dotfiles, stays one
    part = path.with_name(f".{path.name}.part")  # a name that neither IPython nor site reads
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(content, encoding="utf-8")
        if path.exists():
            shutil.copymode(path, part)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        text = f"Could not write '{path}': {file_error_text(error)}."
        raise UsageError("unwritable-file", text, "Use a Python environment of your own, or its owner.") from error


def remove_hook(path: Path, target: HookTarget) -> None:
    """Remove a file, and the folders above it that are empty then and that IPython makes by itself.

    Raises:
        UsageError: it cannot be removed.
    """
    if path.is_symlink():  # the file that it leads to is somebody's, and stays
        return write_hook(path, "{}\n")
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError("unwritable-file", f"Could not remove '{path}': {file_error_text(error)}.") from error
    match target:
        case HookTarget.IPYTHON:
            # Below ~: .ipython/profile_default/startup, the three that IPython makes by itself.
            for folder in path.parents[:3]:
                with suppress(OSError):  # what is not empty is not opskit's
                    folder.rmdir()
        case HookTarget.CLAUDE_CODE | HookTarget.CURSOR | HookTarget.CODEX:
            with suppress(OSError):
                path.parent.rmdir()
        case HookTarget.PYTHON:
            pass
    return None


def opskit_program() -> str:
    """The path of the opskit command beside the Python that runs it, else its name."""
    beside = Path(sysconfig.get_path("scripts")) / "opskit"
    return str(beside) if beside.exists() else "opskit"

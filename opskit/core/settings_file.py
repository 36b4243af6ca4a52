"""Reads settings files, and holds what may count of one that happens to lie in the folder one stands in.

Such a file may be a stranger's: a cloned repository, a shared folder. What narrows a run or only concerns what is
printed counts at once; a role, a profile, a bucket, a Region or a wider limit counts only when the user has trusted the
file (``opskit settings trust``).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from opskit.core.exceptions import UsageError
from opskit.core.file_errors import file_error_text


class FolderRule(StrEnum):
    """When a setting counts that stands in a file which the user has not trusted."""

    ALWAYS = "always"
    LOWER = "when it is lower"
    HIGHER = "when it is longer"
    TRUSTED = "never"

    def admits(self, value: Any, otherwise: Any) -> bool:
        """Whether ``value`` counts where ``otherwise`` would without the file (None: there is no bound)."""
        match self:
            case FolderRule.ALWAYS:
                return True
            case FolderRule.LOWER:
                return otherwise is None or bool(value <= otherwise)
            case FolderRule.HIGHER:
                return otherwise is not None and bool(value >= otherwise)
            case FolderRule.TRUSTED:
                return False


@dataclass(frozen=True)
class SettingsFile:
    """A settings file that was read: its keys by full name (``notebook.after``), and the bytes they were read from."""

    path: Path
    values: Mapping[str, Any]
    content: bytes


def read_settings_file(path: Path, known_names: Sequence[str]) -> SettingsFile:
    """The file at ``path``.

    Raises:
        UsageError: it cannot be read, is not TOML, or has a key that is not among ``known_names``.
    """
    import tomllib

    try:
        content = path.read_bytes()
        table = tomllib.loads(content.decode("utf-8").replace("\r\n", "\n"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            "settings-unreadable", f"The settings file {path} cannot be read: {file_error_text(error)}."
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError("settings-malformed", f"The settings file {path} is not valid TOML: {error}.") from error
    flat = dict(_flatten_tables(table, known_names, path))
    check_known_keys(flat, known_names, str(path))
    return SettingsFile(path, flat, content)


def check_known_keys(names: Mapping[str, Any], known_names: Sequence[str], where: str) -> None:
    """Refuse a key that nobody would read.

    Raises:
        UsageError: there is one.
    """
    for name in names:
        if name not in known_names:
            hint = _suggest_key(name, known_names) or f"Known keys: {', '.join(known_names)}."
            raise UsageError("settings-unknown-key", f"{where}: there is no setting '{name}'.", hint)


def add_setting(path: Path, name: str, value: str) -> None:
    """Add a setting that a file does not have yet, before its tables; the rest of the file stays as it is. The file is
    replaced at once, so that no reader sees half of it.

    Raises:
        UsageError: the file cannot be read or written, or is not valid afterwards.
    """
    import json
    import tomllib

    try:
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        text = f"{name} = {json.dumps(value)}\n{old}"  # a string of JSON is one of TOML
        tomllib.loads(text)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Through a link to the file it names, as dotfiles often are.
        _replace_text(path.resolve(), text)
    except (OSError, ValueError) as error:
        problem = f"The setting {name} cannot be kept in {path}: {error}."
        raise UsageError("settings-unwritable", problem, f"Write it there yourself: {name} = {value!r}") from error


def _replace_text(path: Path, text: str) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8")
        if path.exists():
            part.chmod(path.stat().st_mode & 0o7777)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _flatten_tables(content: Mapping[str, Any], known_names: Sequence[str], path: Path) -> Iterator[tuple[str, Any]]:
    """Each value with its full name: ``after`` in the table ``notebook`` becomes ``notebook.after``."""
    tables = {name.partition(".")[0] for name in known_names if "." in name}
    for name, value in content.items():
        if name not in tables:
            yield name, value
        elif isinstance(value, dict):
            yield from ((f"{name}.{key}", item) for key, item in value.items())
        else:
            raise UsageError("bad-setting", f"{path}: {name} must be a table, not {value!r}.", f"Write [{name}].")


def _suggest_key(name: str, known: Sequence[str]) -> str:
    """A suggestion for an unknown name: one that is spelt like it, or those that are like it in other tables."""
    import difflib

    full_names: dict[str, list[str]] = {}
    for key in known:
        for spelling in {key, key.rpartition(".")[2]}:
            full_names.setdefault(spelling, []).append(key)
    spellings = (name.lower().replace("_", "-"), name.rpartition(".")[2].lower().replace("_", "-"))
    close = [match for text in spellings for match in difflib.get_close_matches(text, list(full_names), n=1)]
    return f"Did you mean '{' or '.join(sorted(full_names[close[0]]))}'?" if close else ""

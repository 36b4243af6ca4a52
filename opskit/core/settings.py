"""Settings from flag > environment variable > file > default. Every value carries its source. setting_specs.py has the
table of all settings.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from opskit.core.setting_specs import SETTING_SPECS, parse_setting_value
from opskit.core.settings_file import SettingsFile, check_known_keys, read_settings_file
from opskit.core.tags import OWNER as OWNER_KEY

FILE_NAME = "opskit.toml"
FOLDER_VARIABLE = "OPSKIT_FOLDER_SETTINGS"
"""Names the file that counts as the one of the folder one stands in: a run of cron stands elsewhere."""


_NAMES = tuple(key.name for key in SETTING_SPECS)


@dataclass(frozen=True)
class Setting:
    """A value and its source: ``--flag``, a variable's name, a file's path, or ``default``."""

    value: Any
    source: str


@dataclass(frozen=True)
class Settings:
    """All settings of one run by name. ``file`` is the user's file that was read; None: there is none.

    ``folder_file`` is that of the folder one stands in; None: there is none; ``left_out`` are the keys in it that do
    not count, because it is not trusted.
    """

    values: Mapping[str, Setting]
    file: Path | None = None
    folder_file: Path | None = None
    left_out: tuple[str, ...] = ()

    def get(self, name: str) -> Any:
        """The value of a setting; its default if it is not set, or None if it has no default."""
        return self.values[name].value

    def in_regions(self, regions: Sequence[str]) -> Settings:
        """The settings with other Regions."""
        named = Setting(tuple(regions), self.values["regions"].source)
        return replace(self, values={**self.values, "regions": named})

    def resolve(self, name: str, typed: Any) -> Any:
        """What was typed for a key, read as its kind is; where nothing was, the setting.

        Raises:
            UsageError: what was typed makes no sense.
        """
        key = next(key for key in SETTING_SPECS if key.name == name)
        return self.get(name) if typed is None else parse_setting_value(key, typed, key.flag, typed=True)

    @property
    def owner_keys(self) -> tuple[str, ...]:
        """The keys of the tags that name an owner, in the order in which they count."""
        return (OWNER_KEY, *self.get("owner-tags"))

    def resolve_patience(self, table: str, after: str | None, patience_usd: str | None) -> tuple[timedelta, Any]:
        """After how long a thing of this ``table`` (``notebook``, ``endpoint``) is idle, and for what amount it may be
        idle instead (None: the time counts). A time that was typed stands above an amount that is only set.

        Raises:
            UsageError: what was typed makes no sense.
        """
        amount = self.resolve(f"{table}.patience-usd", patience_usd)
        return self.resolve(f"{table}.after", after), amount if after is None or patience_usd is not None else None


TrustCheck = Callable[[Path, bytes], bool]
"""Whether the user has trusted a file with this content."""


def load_settings(
    flags: Mapping[str, Any],
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    is_trusted: TrustCheck = lambda path, content: False,
) -> Settings:
    """Resolve every setting. A ``file`` that was named counts in full; the one of the folder only if ``is_trusted``.

    Raises:
        UsageError: a file cannot be read, a key is unknown, or a value is invalid.
    """
    environment = os.environ if environment is None else environment
    in_folder, own = search_paths(environment)
    folder = read_settings_file(in_folder, _NAMES) if file is None and is_readable_file(in_folder) else None
    if folder and is_trusted(in_folder, folder.content):
        return replace(_resolve_settings(flags, environment, folder), folder_file=in_folder)
    path = file or (own if is_readable_file(own) else None)
    settings = _resolve_settings(flags, environment, read_settings_file(path, _NAMES) if path else None)
    return _narrowed_settings(settings, folder) if folder else settings


def read_given_settings(values: Mapping[str, Any], environment: Mapping[str, str], where: str) -> Settings:
    """The settings of a run that has no files: what was given in ``where``, as text or as a file has it, over variables
    and defaults.

    Raises:
        UsageError: a key is unknown, or a value is invalid.
    """
    check_known_keys(values, _NAMES, where)
    given = {
        key.name: Setting(
            parse_setting_value(key, values[key.name], where, typed=isinstance(values[key.name], str)), where
        )
        for key in SETTING_SPECS
        if key.name in values
    }
    return Settings({**_resolve_settings({}, environment, None).values, **given})


def is_readable_file(path: Path) -> bool:
    """Whether a file is there. One in a folder that may not be entered is not there for this user."""
    try:
        return path.is_file()
    except OSError:
        return False


def _resolve_settings(flags: Mapping[str, Any], environment: Mapping[str, str], file: SettingsFile | None) -> Settings:
    found: dict[str, Setting] = {}
    for key in SETTING_SPECS:
        flag = flags.get(key.name)
        # An empty tuple is a repeatable flag that was not given; `0` or an empty text was typed and must be checked.
        if flag is not None and flag != ():
            found[key.name] = Setting(parse_setting_value(key, flag, key.flag, typed=True), key.flag)
        elif environment.get(key.env_var):
            typed = environment[key.env_var]
            found[key.name] = Setting(parse_setting_value(key, typed, key.env_var, typed=True), key.env_var)
        elif file and key.name in file.values:
            where = str(file.path)
            found[key.name] = Setting(parse_setting_value(key, file.values[key.name], where), where)
        else:
            found[key.name] = Setting(key.default, "default")
    return Settings(found, file.path if file else None)


def _narrowed_settings(own: Settings, folder: SettingsFile) -> Settings:
    """The user's settings with what counts of a folder's file that is not trusted."""
    values, left_out = dict(own.values), list[str]()
    for key in SETTING_SPECS:
        if key.name not in folder.values:
            continue
        value, setting = parse_setting_value(key, folder.values[key.name], str(folder.path)), own.values[key.name]
        if not key.in_folder.admits(value, setting.value):
            left_out.append(key.name)
        # Flags and variables stand above any file.
        elif setting.source not in (key.flag, key.env_var):
            values[key.name] = Setting(value, str(folder.path))
    return Settings(values, own.file, folder.path, tuple(left_out))


def search_paths(environment: Mapping[str, str]) -> tuple[Path, Path]:
    """Where a settings file is looked for: the folder one stands in, then the user's own; the first that exists is
    used.
    """
    # Not Path.home(), which raises where there is no home.
    home = Path(environment.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config"))  # noqa: PTH111
    return Path(environment.get(FOLDER_VARIABLE) or FILE_NAME), home / "opskit" / FILE_NAME

"""Tell every setting, with what boto3 would choose where opskit leaves the choice to it; trust a folder's file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from opskit.aws.session import find_default_region
from opskit.core.exceptions import UsageError
from opskit.core.file_errors import file_error_text
from opskit.core.setting_specs import SETTING_SPECS
from opskit.core.settings import FILE_NAME, Setting, Settings, is_readable_file, load_settings
from opskit.core.settings_file import read_settings_file
from opskit.quotas.flows.watch_list import watch_requirements
from opskit.state.store import distrust_file, trust_file


def all_settings(settings: Settings) -> Mapping[str, Setting]:
    """Each key's value and where it came from.

    Raises:
        UsageError: the watch list speaks of a type or a use that cannot be one.
    """
    values = dict(settings.values)
    for watch in settings.get("watch") or ():
        watch_requirements(watch, values["watch"].source)
    if values["profile"].value is None:
        # In botocore's order: it reads AWS_DEFAULT_PROFILE first.
        variable = next((name for name in ("AWS_DEFAULT_PROFILE", "AWS_PROFILE") if os.environ.get(name)), None)
        values["profile"] = Setting(os.environ[variable], variable) if variable else values["profile"]
    if values["regions"].value is None and (default := find_default_region(values["profile"].value)):
        values["regions"] = Setting((default[0],), default[1])
    return values


def trust_folder(folder: Path) -> Settings:
    """Let every setting of a folder's file count from now on, as long as it is what it is now; returns what is in it.

    Raises:
        UsageError: the folder has no such file, the file makes no sense, or that cannot be remembered.
    """
    path = _folder_file(folder)
    settings = load_settings({}, path, {})
    content = read_settings_file(path, [key.name for key in SETTING_SPECS]).content
    trust_file(path, content)
    return settings


def distrust_folder(folder: Path) -> tuple[Path, bool]:
    """Trust a folder's file no more: the file, and whether it was trusted.

    Raises:
        UsageError: that cannot be remembered.
    """
    path = Path(os.path.abspath(folder)) / FILE_NAME  # noqa: PTH100 - the folder may be gone
    return path, distrust_file(path)


def _folder_file(folder: Path) -> Path:
    try:
        path = folder.resolve() / FILE_NAME
    except OSError as error:
        raise UsageError("no-folder", f"{folder} cannot be looked into: {file_error_text(error)}.") from error
    if not is_readable_file(path):
        raise UsageError("no-settings-file", f"There is no {path}.", "Name the folder of the opskit.toml to trust.")
    return path

"""Settings from flag > environment variable > file > default, all defined in one table. Every value carries its
source.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from opskit.core.exceptions import UsageError
from opskit.core.owner_keys import OTHER_OWNER_KEYS
from opskit.core.setting_values import (
    DURATION,
    FRACTION,
    OUTPUT_FORMAT,
    OWNER,
    POSITIVE_DURATION,
    POSITIVE_INT,
    STRING,
    STRINGS,
    USD,
    YES_OR_NO,
    OutputFormat,
    ValueType,
)
from opskit.core.settings_file import FolderRule, SettingsFile, check_known_keys, is_readable_file, read_settings_file
from opskit.core.tag_keys import OWNER as OWNER_KEY

FILE_NAME = "opskit.toml"
FOLDER_VARIABLE = "OPSKIT_FOLDER_SETTINGS"
"""Names the file that counts as the one of the folder one stands in: a run of cron stands elsewhere."""


@dataclass(frozen=True)
class SettingSpec:
    """One setting: its name in the file (``table.key`` inside a table), its type, description, environment variable,
    flag, and its default (None: ``default_text`` describes it). ``in_folder`` tells when it counts in a file of the
    folder one stands in that is not trusted.
    """

    name: str
    value_type: ValueType
    description: str
    env_var: str = ""
    flag: str = ""
    default: Any = None
    default_text: str = ""
    in_folder: FolderRule = FolderRule.TRUSTED


@dataclass(frozen=True)
class WatchEntry:
    """One entry of the watch list: instance types and their workloads. If ``workloads`` or ``regions`` is empty, the
    defaults count. ``alert_share`` (above 0, at most 1) is the utilization up to which a quota is not reported.
    """

    instance_types: tuple[str, ...]
    workloads: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    count: int = 1
    alert_share: float | None = None


WATCH_SPECS = (
    SettingSpec("types", STRINGS, "the instance types to check (required)"),
    SettingSpec("uses", STRINGS, "the workloads, as in --for", default_text="what a run or the course needs"),
    SettingSpec("regions", STRINGS, "the Regions to check", default_text="the setting regions"),
    SettingSpec("need", POSITIVE_INT, "the instances needed of each type", default=1),
    SettingSpec("share", FRACTION, "the utilization of a quota from which the check fails", default_text="no limit"),
)


def _parse_watch_list(value: Any) -> tuple[WatchEntry, ...]:
    entries = [value] if isinstance(value, dict) else list(value)
    return tuple(_parse_watch_entry(entry, f"entry {at}") for at, entry in enumerate(entries, 1))


def _parse_watch_entry(entry: Any, where: str) -> WatchEntry:
    if not isinstance(entry, dict):
        raise UsageError("bad-setting", f"{where} must be a table, not {entry!r}.", "Write it under [[watch]].")
    check_known_keys(entry, [key.name for key in WATCH_SPECS], where)
    if "types" not in entry:
        raise UsageError("bad-setting", f"{where} names no types.", 'Add, for example, types = ["ml.m4.xlarge"].')
    values = {key.name: _parse_value(key, entry[key.name], where) for key in WATCH_SPECS if key.name in entry}
    return WatchEntry(
        instance_types=values["types"],
        workloads=values.get("uses", ()),
        regions=values.get("regions", ()),
        count=values.get("need", 1),
        alert_share=values.get("share"),
    )


WATCH_LIST = ValueType("a list of tables", (list, dict), _parse_watch_list)

SETTING_SPECS = (
    SettingSpec(
        "regions",
        STRINGS,
        "the Regions to use; 'all' means every Region that is enabled for the account",
        "OPSKIT_REGIONS",
        "--region",
        default_text="boto3's Region",
    ),
    SettingSpec(
        "profile", STRING, "the AWS profile to use", "OPSKIT_PROFILE", "--profile", default_text="boto3's own choice"
    ),
    SettingSpec(
        "role-arn",
        STRING,
        "the IAM role to assume before calling AWS",
        "OPSKIT_ROLE_ARN",
        "--role-arn",
        default_text="none",
    ),
    SettingSpec(
        "output",
        OUTPUT_FORMAT,
        "the output format",
        "OPSKIT_OUTPUT",
        "--output",
        OutputFormat.TABLE.value,
        in_folder=FolderRule.ALWAYS,
    ),
    SettingSpec(
        "state",
        STRING,
        "where opskit keeps its journal, its queue and what it remembers: 'local' is this machine's folder, "
        "'dynamodb://TABLE' a table that several machines share",
        "OPSKIT_STATE",
        "--state",
        "local",
    ),
    SettingSpec(
        "read-timeout",
        POSITIVE_DURATION,
        "how long to wait for a response from AWS",
        "OPSKIT_READ_TIMEOUT",
        default=timedelta(seconds=10),
    ),
    SettingSpec(
        "owner",
        OWNER,
        "the owner of what opskit creates: the value of the tag opskit:owner",
        "OPSKIT_OWNER",
        "--owner",
        default_text="the caller's ARN",
    ),
    SettingSpec(
        "owner-tags",
        STRINGS,
        "the tags that name the owner of a resource, the first that has a value counts; before them, opskit:owner",
        "OPSKIT_OWNER_TAGS",
        default=OTHER_OWNER_KEYS,
    ),
    SettingSpec(
        "bucket",
        STRING,
        "the S3 bucket for data and models",
        "OPSKIT_BUCKET",
        "--bucket",
        default_text="the account's SageMaker default",
    ),
    SettingSpec(
        "execution-role",
        STRING,
        "the execution role that SageMaker assumes",
        "OPSKIT_EXECUTION_ROLE",
        "--role",
        default_text="the only suitable role in the account",
    ),
    SettingSpec(
        "max-usd",
        USD,
        "the highest estimated cost of a run, in USD",
        "OPSKIT_MAX_USD",
        "--max-usd",
        default_text="no limit",
        in_folder=FolderRule.LOWER,
    ),
    SettingSpec(
        "notebook.after",
        DURATION,
        "the time without activity after which a notebook is idle",
        "OPSKIT_NOTEBOOK_AFTER",
        "--after",
        timedelta(hours=1),
        in_folder=FolderRule.HIGHER,
    ),
    SettingSpec(
        "notebook.patience-usd",
        USD,
        "what a notebook may cost while idle, in USD: for so long it is not stopped, instead of for notebook.after",
        "OPSKIT_NOTEBOOK_PATIENCE_USD",
        "--patience-usd",
        default_text="notebook.after counts",
        in_folder=FolderRule.HIGHER,
    ),
    SettingSpec(
        "notebook.tab-age",
        DURATION,
        "how long saves and open browser tabs count as use after the last activity of a kernel or terminal",
        "OPSKIT_NOTEBOOK_TAB_AGE",
        "--tab-age",
        timedelta(hours=4),
        in_folder=FolderRule.HIGHER,
    ),
    SettingSpec(
        "notebook.limit",
        POSITIVE_INT,
        "the highest number of notebooks to stop in one run",
        "OPSKIT_NOTEBOOK_LIMIT",
        "--limit",
        10,
        in_folder=FolderRule.LOWER,
    ),
    SettingSpec(
        "notebook.inside",
        YES_OR_NO,
        "whether `opskit notebook stop --idle` looks for background processes through a Jupyter terminal",
        "OPSKIT_NOTEBOOK_INSIDE",
        "--inside",
        default_text="on a terminal, or with --inside",
    ),
    SettingSpec(
        "endpoint.after",
        DURATION,
        "the time without an invocation after which an endpoint is idle",
        "OPSKIT_ENDPOINT_AFTER",
        "--after",
        timedelta(days=14),
        in_folder=FolderRule.HIGHER,
    ),
    SettingSpec(
        "endpoint.patience-usd",
        USD,
        "what an endpoint may cost while idle, in USD: for so long it is not stopped, instead of for endpoint.after",
        "OPSKIT_ENDPOINT_PATIENCE_USD",
        "--patience-usd",
        default_text="endpoint.after counts",
        in_folder=FolderRule.HIGHER,
    ),
    SettingSpec(
        "endpoint.limit",
        POSITIVE_INT,
        "the highest number of endpoints to stop in one run",
        "OPSKIT_ENDPOINT_LIMIT",
        "--limit",
        10,
        in_folder=FolderRule.LOWER,
    ),
    SettingSpec(
        "endpoint.production",
        STRINGS,
        "the tags, such as env=prod, that call an endpoint production, which is then never idle",
        "OPSKIT_ENDPOINT_PRODUCTION",
        default=tuple(
            f"{key}={value}"
            for key in ("env", "environment", "stage", "tier")
            for value in ("prod", "production", "live")
        ),
    ),
    SettingSpec(
        "watch",
        WATCH_LIST,
        "what `opskit quotas check` checks if no type is named",
        default_text="what the Boston workflow and the course need",
        in_folder=FolderRule.ALWAYS,
    ),
)
_NAMES = tuple(key.name for key in SETTING_SPECS)


@dataclass(frozen=True)
class Setting:
    """A value and its source: ``--flag``, a variable's name, a file's path, or ``default``."""

    value: Any
    source: str


@dataclass(frozen=True)
class Settings:
    """All settings of one run by name, and the file that was read, if any.

    ``folder_file`` is that of the folder one stands in, where there is one; ``left_out`` are the keys in it that do not
    count, because it is not trusted.
    """

    values: Mapping[str, Setting]
    file: Path | None = None
    folder_file: Path | None = None
    left_out: tuple[str, ...] = ()

    def get(self, name: str) -> Any:
        """The value of a setting; its default if it is not set, or None if it has no default."""
        return self.values[name].value

    def resolve(self, name: str, typed: Any) -> Any:
        """What was typed for a key, read as its kind is; where nothing was, the setting.

        Raises:
            UsageError: what was typed makes no sense.
        """
        key = next(key for key in SETTING_SPECS if key.name == name)
        return self.get(name) if typed is None else _parse_value(key, typed, key.flag, typed=True)

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
    if file is None and is_readable_file(in_folder):
        folder = read_settings_file(in_folder, _NAMES)
        if is_trusted(in_folder, folder.content):
            return replace(_resolve_settings(flags, environment, folder), folder_file=in_folder)
        return _narrowed_settings(_resolve_settings(flags, environment, _read_if_there(own)), folder)
    return _resolve_settings(
        flags, environment, _read_if_there(own) if file is None else read_settings_file(file, _NAMES)
    )


def read_given_settings(values: Mapping[str, Any], environment: Mapping[str, str], where: str) -> Settings:
    """The settings of a run that has no files: what was given in ``where``, as text or as a file has it, over variables
    and defaults.

    Raises:
        UsageError: a key is unknown, or a value is invalid.
    """
    check_known_keys(values, _NAMES, where)
    given = {
        key.name: Setting(_parse_value(key, values[key.name], where, typed=isinstance(values[key.name], str)), where)
        for key in SETTING_SPECS
        if key.name in values
    }
    return Settings({**_resolve_settings({}, environment, None).values, **given})


def _read_if_there(path: Path) -> SettingsFile | None:
    return read_settings_file(path, _NAMES) if is_readable_file(path) else None


def _resolve_settings(flags: Mapping[str, Any], environment: Mapping[str, str], file: SettingsFile | None) -> Settings:
    values, path = (file.values, file.path) if file else ({}, None)
    return Settings({key.name: _resolve_setting(key, flags, environment, values, path) for key in SETTING_SPECS}, path)


def _narrowed_settings(own: Settings, folder: SettingsFile) -> Settings:
    """The user's settings with what counts of a folder's file that is not trusted. Flags and variables stand above."""
    values, left_out = dict(own.values), list[str]()
    for key in SETTING_SPECS:
        if key.name not in folder.values:
            continue
        value, setting = _parse_value(key, folder.values[key.name], str(folder.path)), own.values[key.name]
        if not key.in_folder.admits(value, setting.value):
            left_out.append(key.name)
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


def _resolve_setting(
    key: SettingSpec,
    flags: Mapping[str, Any],
    environment: Mapping[str, str],
    from_file: Mapping[str, Any],
    path: Path | None,
) -> Setting:
    flag = flags.get(key.name)
    # An empty tuple is a repeatable flag that was not given; `0` or an empty text was typed and must be checked.
    if flag is not None and flag != ():
        return Setting(_parse_value(key, flag, key.flag, typed=True), key.flag)
    if environment.get(key.env_var):
        return Setting(_parse_value(key, environment[key.env_var], key.env_var, typed=True), key.env_var)
    if key.name in from_file:
        return Setting(_parse_value(key, from_file[key.name], str(path)), str(path))
    return Setting(key.default, "default")


def _parse_value(key: SettingSpec, value: Any, where: str, *, typed: bool = False) -> Any:
    """A value parsed as its type. If ``typed`` (a flag or variable) it is text; in a file it must have one of the TOML
    types.
    """
    try:
        # bool is a subclass of int in Python: without this, ``need = true`` would be read as 1.
        is_no_number = isinstance(value, bool) and bool not in key.value_type.toml_types  # to Python, True is a 1
        if not typed and (is_no_number or not isinstance(value, key.value_type.toml_types)):
            raise ValueError
        return key.value_type.parse(value)
    except UsageError as error:
        if typed and where.startswith("--"):
            raise
        problem = error.problem
        raise UsageError(problem.code, f"{_setting_place(key, where)}: {problem.message}", problem.hint) from error
    except (ValueError, AttributeError) as error:
        raise UsageError(
            "bad-setting", f"{_setting_place(key, where)} must be {key.value_type.description}, not {value!r}."
        ) from error


def _setting_place(key: SettingSpec, where: str) -> str:
    return where if where in (key.env_var, key.flag) else f"{where}: {key.name}"

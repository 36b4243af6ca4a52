"""Every setting: its name, type, description, variable, flag and default, and whether a file of a folder that is not
trusted may set it. A new setting is a row of this table; the reading of settings and their page follow from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from opskit.core.exceptions import UsageError
from opskit.core.setting_values import (
    BUCKET,
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
from opskit.core.settings_file import FolderRule, check_known_keys
from opskit.core.tags import OTHER_OWNER_KEYS


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
    defaults count. ``alert_share`` (above 0, at most 1) is the utilization up to which a quota is not reported; None:
    no such limit.
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
    values = {key.name: parse_setting_value(key, entry[key.name], where) for key in WATCH_SPECS if key.name in entry}
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
        BUCKET,
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


def parse_setting_value(key: SettingSpec, value: Any, where: str, *, typed: bool = False) -> Any:
    """A value parsed as its type. If ``typed`` (a flag or variable) it is text; in a file it must have one of the TOML
    types.
    """
    try:
        # bool is a subclass of int in Python: without this, ``need = true`` would be read as 1.
        is_no_number = isinstance(value, bool) and bool not in key.value_type.toml_types
        if not typed and (is_no_number or not isinstance(value, key.value_type.toml_types)):
            raise ValueError
        return key.value_type.parse(value)
    except UsageError as error:
        if typed and where.startswith("--"):
            raise
        problem = error.problem
        raise UsageError(problem.code, f"{_setting_place(key, where)}: {problem.message}", problem.hint) from error
    except (ValueError, AttributeError) as error:
        place = _setting_place(key, where)
        words = [value] if isinstance(value, str) else value  # a repeatable flag's are a tuple of words
        if typed and any(isinstance(word, str) and not word.strip() for word in words):
            raise UsageError(
                "bad-setting", f"{place} must be {key.value_type.description}: it was given an empty text."
            ) from error
        # A text as it is: what it may contain is filtered where it is shown.
        given = f"'{value}'" if isinstance(value, str) else repr(value)
        raise UsageError("bad-setting", f"{place} must be {key.value_type.description}, not {given}.") from error


def _setting_place(key: SettingSpec, where: str) -> str:
    return where if where in (key.env_var, key.flag) else f"{where}: {key.name}"

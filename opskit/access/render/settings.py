"""Settings for people and programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from opskit.core.exceptions import Problem
from opskit.core.setting_specs import SETTING_SPECS, SettingSpec, WatchEntry
from opskit.core.settings import Setting, Settings
from opskit.output.result import Cell, Column, CommandResult, Style, Table

_COLUMNS = (
    Column("Setting"),
    Column("Value", wrap=True),
    Column("From", wrap=True),
    Column("What for", wrap=True, optional=True),
)


def settings_result(
    values: Mapping[str, Setting], settings: Settings, places: Sequence[Path], left_out: Problem | None
) -> CommandResult:
    """The answer of ``settings``. ``places`` is where a file is looked for, ``left_out`` what does not count."""
    rows = tuple(_setting_row(key, values[key.name]) for key in SETTING_SPECS)
    read = [file for file in dict.fromkeys((settings.folder_file, settings.file)) if file]
    where = f"Read: {' and '.join(map(str, read))}." if read else _no_file_note(places)
    return CommandResult(
        data={
            "file": settings.file or settings.folder_file,
            "folder_file": settings.folder_file,
            "left_out": list(settings.left_out),
            "settings": [_setting_record(key, values[key.name]) for key in SETTING_SPECS],
        },
        problems=(left_out,) if left_out else (),
        tables=(Table(_COLUMNS, rows),),
        notes=(where,),
        records="settings",
    )


def trust_result(trusted: Settings) -> CommandResult:
    """The answer of ``settings trust``: what counts from now on."""
    set_there = {key: setting for key, setting in trusted.values.items() if setting.source == str(trusted.file)}
    lines = [f"  {name} = {to_text(setting.value)}" for name, setting in set_there.items()]
    note = f"Trusted until it changes: {trusted.file}. Where you stand in its folder, all of it counts:"
    return CommandResult(
        data={
            "file": trusted.file,
            "trusted": True,
            "settings": {key: _json_value(setting.value) for key, setting in set_there.items()},
        },
        notes=(note, *(lines or ["  nothing: it sets no key"])),
    )


def distrust_result(file: Path, was_trusted: bool) -> CommandResult:
    """The answer of ``settings distrust``."""
    said = f"Trusted no more: {file}." if was_trusted else f"{file} was not trusted."
    return CommandResult(data={"file": file, "trusted": False, "was_trusted": was_trusted}, notes=(said,))


def _no_file_note(places: Sequence[Path]) -> str:
    return f"No settings file; one may stand in {' or '.join(map(str, places))}."


def _setting_record(key: SettingSpec, setting: Setting) -> dict[str, Any]:
    return {
        "name": key.name,
        "value": _json_value(setting.value),
        "source": setting.source,
        "otherwise": key.default_text or None,
        "variable": key.env_var or None,
        "flag": key.flag or None,
        "what": key.description,
    }


def _json_value(value: Any) -> Any:
    if isinstance(value, timedelta):
        return _exact_duration(value)
    if isinstance(value, tuple):
        return [_watch_record(each) if isinstance(each, WatchEntry) else each for each in value]
    return value


def _watch_record(entry: WatchEntry) -> dict[str, Any]:
    return {
        "types": entry.instance_types,
        "uses": entry.workloads,
        "regions": entry.regions,
        "need": entry.count,
        "share": entry.alert_share,
    }


def _setting_row(key: SettingSpec, setting: Setting) -> tuple[Cell, ...]:
    shown = Cell(f"({key.default_text})", Style.DIM) if setting.value is None else Cell(to_text(setting.value))
    return Cell(key.name), shown, Cell(setting.source), Cell(key.description)


def to_text(value: Any) -> str:
    """A setting's value in a line, as one would write it."""
    if isinstance(value, timedelta):
        return _exact_duration(value)
    if isinstance(value, WatchEntry):
        return _watch_entry_text(value)
    if isinstance(value, tuple):
        between = "; " if any(isinstance(each, WatchEntry) for each in value) else ", "
        return between.join(map(to_text, value)) or "nothing"
    return str(value)


def _exact_duration(duration: timedelta) -> str:
    """A time as it would be typed, to the last unit."""
    seconds = duration.total_seconds()
    parts = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        whole, seconds = divmod(seconds, size)
        parts += [f"{whole:.0f}{unit}"] if whole else []
    return "".join(parts) + (f"{seconds * 1000:.0f}ms" if seconds or not parts else "")


def _watch_entry_text(entry: WatchEntry) -> str:
    parts = (
        ", ".join(entry.instance_types),
        f"for {', '.join(entry.workloads)}" if entry.workloads else "",
        f"in {', '.join(entry.regions)}" if entry.regions else "",
        f"need {entry.count}" if entry.count > 1 else "",
        f"share {entry.alert_share:.0%}" if entry.alert_share else "",
    )
    return " ".join(part for part in parts if part)

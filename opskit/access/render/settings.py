"""Settings for people and programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from opskit.core.settings import SETTING_SPECS, Setting, SettingSpec, WatchEntry
from opskit.output.result import Cell, Column, CommandResult, Style, Table

_COLUMNS = (
    Column("Setting"),
    Column("Value", wrap=True),
    Column("From", wrap=True),
    Column("What for", wrap=True, from_width=110),
)


def settings_result(values: Mapping[str, Setting], file: Path | None, places: Sequence[Path]) -> CommandResult:
    """The answer of ``settings``. ``file`` is the one that was read, ``places`` where one is looked for."""
    rows = tuple(_setting_row(key, values[key.name]) for key in SETTING_SPECS)
    where = f"Read: {file}." if file else f"No settings file; one may stand in {' or '.join(map(str, places))}."
    return CommandResult(
        data={"file": file, "settings": [_setting_record(key, values[key.name]) for key in SETTING_SPECS]},
        tables=(Table(_COLUMNS, rows),),
        notes=(where,),
        records="settings",
    )


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

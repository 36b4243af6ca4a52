"""Settings for people and programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from opskit.settings import KEYS, Key, Setting, Watch
from opskit.show.answer import Answer, Cell, Column, Table, Tone

_COLUMNS = (
    Column("Setting"),
    Column("Value", wrap=True),
    Column("From", wrap=True),
    Column("What for", wrap=True, from_width=110),
)


def answer_of(values: Mapping[str, Setting], file: Path | None, places: Sequence[Path]) -> Answer:
    """The answer of ``settings``. ``file`` is the one that was read, ``places`` where one is looked for."""
    rows = tuple(_row(key, values[key.name]) for key in KEYS)
    where = f"Read: {file}." if file else f"No settings file; one may stand in {' or '.join(map(str, places))}."
    return Answer(
        data={"file": file, "settings": [_record(key, values[key.name]) for key in KEYS]},
        tables=(Table(_COLUMNS, rows),),
        notes=(where,),
        records="settings",
    )


def _record(key: Key, setting: Setting) -> dict[str, Any]:
    return {
        "name": key.name,
        "value": _plain(setting.value),
        "source": setting.source,
        "otherwise": key.otherwise or None,
        "variable": key.environment or None,
        "flag": key.flag or None,
        "what": key.what,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, timedelta):
        return _span(value)
    if isinstance(value, tuple):
        return [asdict(each) if isinstance(each, Watch) else each for each in value]
    return value


def _row(key: Key, setting: Setting) -> tuple[Cell, ...]:
    shown = Cell(f"({key.otherwise})", Tone.DIM) if setting.value is None else Cell(in_text(setting.value))
    return Cell(key.name), shown, Cell(setting.source), Cell(key.what)


def in_text(value: Any) -> str:
    """A setting's value in a line, as one would write it."""
    if isinstance(value, timedelta):
        return _span(value)
    if isinstance(value, Watch):
        return _watch(value)
    if isinstance(value, tuple):
        between = "; " if any(isinstance(each, Watch) for each in value) else ", "
        return between.join(map(in_text, value)) or "nothing"
    return str(value)


def _span(span: timedelta) -> str:
    """A time as it would be typed, to the last unit."""
    seconds = span.total_seconds()
    parts = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        whole, seconds = divmod(seconds, size)
        parts += [f"{whole:.0f}{unit}"] if whole else []
    return "".join(parts) + (f"{seconds * 1000:.0f}ms" if seconds or not parts else "")


def _watch(watch: Watch) -> str:
    parts = (
        ", ".join(watch.types),
        f"for {', '.join(watch.uses)}" if watch.uses else "",
        f"in {', '.join(watch.regions)}" if watch.regions else "",
        f"need {watch.need}" if watch.need > 1 else "",
        f"share {watch.share:.0%}" if watch.share else "",
    )
    return " ".join(part for part in parts if part)

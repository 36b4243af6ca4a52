"""Durations as short text."""

from __future__ import annotations

from datetime import timedelta


def format_duration(duration: timedelta) -> str:
    """Like ``40s``, ``12m``, ``5h``, ``1h30m``, ``3d4h``: the two largest units, rounded down."""
    seconds = int(duration.total_seconds())
    if seconds < 60:
        return f"{seconds}s"
    for size, unit, smaller, small in ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "")):
        if seconds >= size:
            whole, rest = divmod(seconds, size)
            part = rest // smaller if small else 0
            return f"{whole}{unit}{part}{small}" if part else f"{whole}{unit}"
    raise AssertionError("unreachable")

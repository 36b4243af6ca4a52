"""What is known of quota codes: shipped for the common names, and learnt per account and Region for a week.

A code is a shortcut, never a proof: whoever uses one compares the name in AWS's answer with the name wanted.
"""

from __future__ import annotations

import csv
import json
import os
import tempfile
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import platformdirs

LIFETIME = timedelta(days=7)

Standing = Literal["applied", "default-only", "absent"]


@dataclass(frozen=True)
class Known:
    """What was learnt of a quota's name: its code (None when absent), and whether it had an applied value."""

    code: str | None
    standing: Standing
    seen: datetime | None = None


@cache
def _shipped() -> dict[str, str]:
    text = (resources.files("opskit.observe") / "data" / "quota_codes.csv").read_text(encoding="utf-8")
    return {row["quota_name"]: row["quota_code"] for row in csv.DictReader(text.splitlines())}


@dataclass
class Memory:
    """What one (endpoint, account, Region) has taught. A file that cannot be read or written is no memory, and no
    failure: the quotas are then found by name each time.
    """

    key: str
    now: datetime
    path: Path | None = None
    _learnt: dict[str, Known] = field(default_factory=dict)
    _forgotten: set[str] = field(default_factory=set)
    _changed: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, name: str) -> Known | None:
        """What is known of a name: learnt here, else shipped."""
        with self._lock:
            if name in self._learnt:
                return self._learnt[name]
            code = None if name in self._forgotten else _shipped().get(name)
        return Known(code, "applied") if code else None

    def learn(self, name: str, code: str | None, standing: Standing) -> None:
        """Remember a name's code and standing, or its absence, as seen now."""
        with self._lock:
            before = self._learnt.get(name)
            if before is None or (before.code, before.standing) != (code, standing):
                self._learnt[name] = Known(code, standing, self.now)
                self._changed = True

    def forget(self, name: str) -> None:
        """Drop a code that answered with another name, the shipped one included."""
        with self._lock:
            self._learnt.pop(name, None)
            self._forgotten.add(name)

    def save(self) -> None:
        """Keep what was learnt for later runs."""
        if not self._changed:
            return
        path = self.path or _file()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            content = _fresh(_read(path), self.now)
            learnt = {name: known for name, known in self._learnt.items() if known.seen}
            content[self.key] = {name: _entry(known) for name, known in learnt.items()}
            _replace(path, json.dumps(content))
        except OSError:
            return  # a cache that cannot be kept costs the next run a second, not its answer


def recall(key: str, now: datetime, path: Path | None = None) -> Memory:
    """The memory of one (endpoint, account, Region), without what is older than a week."""
    content = _fresh(_read(path or _file()), now).get(key, {})
    learnt = {
        name: Known(code, standing, datetime.fromisoformat(seen)) for name, (code, standing, seen) in content.items()
    }
    return Memory(key, now, path, learnt)


def _file() -> Path:
    return Path(platformdirs.user_cache_dir("opskit", appauthor=False)) / "quota-codes.json"


def _entry(known: Known) -> list[str | None]:
    return [known.code, known.standing, known.seen.isoformat() if known.seen else None]


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _fresh(content: dict[str, Any], now: datetime) -> dict[str, dict[str, Any]]:
    """The entries that are well-formed and not too old."""
    kept: dict[str, dict[str, Any]] = {}
    for key, entries in content.items():
        good = (
            {name: entry for name, entry in entries.items() if _is_fresh(entry, now)}
            if isinstance(entries, dict)
            else {}
        )
        if good:
            kept[key] = good
    return kept


def _is_fresh(entry: Any, now: datetime) -> bool:
    try:
        _, standing, seen = entry
        age = now - datetime.fromisoformat(seen)
    except (TypeError, ValueError):
        return False
    return standing in ("applied", "default-only", "absent") and timedelta(0) <= age <= LIFETIME


def _replace(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old content or the new, never half of it."""
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    Path(name).replace(path)

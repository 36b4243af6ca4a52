"""Which code AWS gives a quota, remembered so that one short call finds it. The name is the identity; a code is
only a guess until the answer carries the name.

What is learnt belongs to one endpoint, account and Region and is believed for seven days. It lives in the cache
folder: a file that is missing, broken or not writable costs time, never a wrong answer.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from math import inf
from pathlib import Path
from typing import Any

import platformdirs

from opskit.aws import Door
from opskit.errors import AwsFailure, NoCredentials

BELIEVED_FOR = timedelta(days=7)
_RENEWED_AFTER = timedelta(days=1)
_CLOCKS_APART = timedelta(minutes=5)
_VERSION = 2


@dataclass(frozen=True)
class Known:
    """What was seen of a quota: its code (None: AWS has no quota of this name), whether it had an applied value,
    and its default where that was seen. ``value`` is the one that was applied: a hint where to look, no answer.
    """

    code: str | None
    applied: bool
    default: float | None
    seen: datetime
    value: float | None = None


@dataclass
class Memory:
    """What is remembered of one Region of an account; ``file`` None: nothing is kept beyond this run.

    ``listed`` is when all of the Region's quotas were last looked through: what was not there did not exist.
    """

    now: datetime
    file: Path | None = None
    known: dict[str, Known] = field(default_factory=dict)
    listed: datetime | None = None
    _learnt: dict[str, Known] = field(default_factory=dict)
    _listed_now: bool = False

    def recall(self, name: str) -> Known | None:
        """What was seen of a quota at most seven days ago."""
        known = self.known.get(name)
        if known:
            return known if self._believed(known.seen) else None
        return Known(None, False, None, self.listed) if self.listed and self._believed(self.listed) else None

    def code(self, name: str) -> str | None:
        """The code to try for a quota: the one remembered, else the one it has had so far."""
        known = self.recall(name)
        return known.code if known else shipped_codes().get(name)

    def hint(self, name: str) -> float | None:
        """The value that a quota last had, infinite where it may exist and was never seen, None where it does not."""
        known = self.recall(name)
        if known is None:
            return inf if name in shipped_codes() else None
        value = known.value if known.applied else known.default
        return None if known.code is None else inf if value is None else value

    def learn(self, name: str, code: str, *, applied: bool, default: float | None, value: float | None = None) -> None:
        """Remember what AWS just said of a quota; a ``default`` of None leaves the one known before."""
        before = self.known.get(name)
        if default is None and before:
            default = before.default
        told = Known(code, applied, default, self.now, value)
        if before is None or _is_news(before, told):
            self.known[name] = self._learnt[name] = told

    def learn_all(self, seen: Mapping[str, Known]) -> None:
        """Remember a look through all quotas."""
        self.known, self.listed = dict(seen), self.now
        self._learnt, self._listed_now = {}, True

    def keep(self) -> None:
        """Write down what was learnt, beside what other runs learnt meanwhile."""
        if self.file is None or not (self._learnt or self._listed_now):
            return
        latest = self if self._listed_now else _read(self.file, self.now)
        with suppress(OSError):  # a cache that cannot be written is a cache that is not there
            _replace(self.file, _written({**latest.known, **self._learnt}, latest.listed))
            _clear_old(self.file.parent, self.now)

    def _believed(self, seen: datetime) -> bool:
        return -_CLOCKS_APART <= self.now - seen <= BELIEVED_FOR


def memory_of(door: Door, now: datetime) -> Memory:
    """What is remembered of a door's Region. Where AWS does not say whose it is, nothing is, and nothing is kept.

    Raises:
        NoCredentials: there are none to ask with.
    """
    try:
        account = door.connection.caller().account
    except AwsFailure as failure:
        if isinstance(failure, NoCredentials) and failure.aws_code is None:
            raise
        return Memory(now)
    whose = "\n".join((door.connection.endpoint(), account, door.region))
    folder = Path(platformdirs.user_cache_dir("opskit", appauthor=False)) / "quota-codes"
    return _read(folder / f"{hashlib.sha256(whose.encode()).hexdigest()[:24]}.json", now)


@cache
def shipped_codes() -> Mapping[str, str]:
    """The codes that quotas have had so far, by name; they were the same in every Region and account."""
    text = (files("opskit.observe") / "data" / "quota_codes.csv").read_text(encoding="utf-8")
    return {row["quota_name"]: row["quota_code"] for row in csv.DictReader(text.splitlines())}


def _is_news(before: Known, told: Known) -> bool:
    return replace(before, seen=told.seen) != told or told.seen - before.seen > _RENEWED_AFTER


def _read(file: Path, now: datetime) -> Memory:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["version"] != _VERSION:
            return Memory(now, file)
        listed = None if content["listed"] is None else datetime.fromtimestamp(content["listed"], UTC)
        return Memory(now, file, dict(_entries(content["quotas"].items())), listed)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError):
        return Memory(now, file)


def _entries(items: Iterable[tuple[str, Any]]) -> Iterable[tuple[str, Known]]:
    for name, (code, applied, default, seen, value) in items:
        if not (
            isinstance(code, str) and isinstance(default, int | float | None) and isinstance(value, int | float | None)
        ):
            raise TypeError(f"a broken entry for {name}")
        yield name, Known(code, bool(applied), default, datetime.fromtimestamp(seen, UTC), value)


def _written(known: Mapping[str, Known], listed: datetime | None) -> str:
    content = {
        "version": _VERSION,
        "listed": listed and listed.timestamp(),
        "quotas": {
            name: [each.code, each.applied, each.default, each.seen.timestamp(), each.value]
            for name, each in known.items()
        },
    }
    return json.dumps(content, separators=(",", ":"))


def _replace(file: Path, text: str) -> None:
    """Put a whole new file in the old one's place, so that no reader ever sees half of one."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as part:
            part.write(text)
        Path(name).replace(file)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def _clear_old(folder: Path, now: datetime) -> None:
    """Remove what nobody believes any more: endpoints come and go."""
    for file in folder.iterdir():
        if now.timestamp() - file.stat().st_mtime > BELIEVED_FOR.total_seconds():
            file.unlink(missing_ok=True)

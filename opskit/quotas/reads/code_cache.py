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

from opskit.aws.client import AwsClient
from opskit.core.exceptions import AwsError, CredentialsError

TTL = timedelta(days=7)
_REFRESH_AFTER = timedelta(days=1)
_MAX_CLOCK_SKEW = timedelta(minutes=5)
_VERSION = 2


@dataclass(frozen=True)
class CachedQuota:
    """What was seen of a quota: its code (None: AWS has no quota of this name), whether it had an applied value,
    and its default where that was seen. ``value`` is the one that was applied: a hint where to look, no answer.
    """

    code: str | None
    applied: bool
    default: float | None
    seen_at: datetime
    value: float | None = None


@dataclass
class QuotaCodeCache:
    """What is remembered of one Region of an account; ``file`` None: nothing is kept beyond this run.

    ``listed_at`` is when all of the Region's quotas were last looked through: what was not there did not exist.
    """

    now: datetime
    file: Path | None = None
    entries: dict[str, CachedQuota] = field(default_factory=dict)
    listed_at: datetime | None = None
    _updates: dict[str, CachedQuota] = field(default_factory=dict)
    _listed_now: bool = False

    def get(self, name: str) -> CachedQuota | None:
        """What was seen of a quota at most seven days ago."""
        known = self.entries.get(name)
        if known:
            return known if self._is_fresh(known.seen_at) else None
        return (
            CachedQuota(None, False, None, self.listed_at)
            if self.listed_at and self._is_fresh(self.listed_at)
            else None
        )

    def code_for(self, name: str) -> str | None:
        """The code to try for a quota: the one remembered, else the one it has had so far."""
        known = self.get(name)
        return known.code if known else bundled_codes().get(name)

    def last_value(self, name: str) -> float | None:
        """The value that a quota last had, infinite where it may exist and was never seen, None where it does not."""
        known = self.get(name)
        if known is None:
            return inf if name in bundled_codes() else None
        value = known.value if known.applied else known.default
        return None if known.code is None else inf if value is None else value

    def update(self, name: str, code: str, *, applied: bool, default: float | None, value: float | None = None) -> None:
        """Remember what AWS just said of a quota; a ``default`` of None leaves the one known before."""
        before = self.entries.get(name)
        if default is None and before:
            default = before.default
        told = CachedQuota(code, applied, default, self.now, value)
        if before is None or _is_change(before, told):
            self.entries[name] = self._updates[name] = told

    def replace_all(self, seen: Mapping[str, CachedQuota]) -> None:
        """Remember a look through all quotas."""
        self.entries, self.listed_at = dict(seen), self.now
        self._updates, self._listed_now = {}, True

    def save(self) -> None:
        """Write down what was learnt, beside what other runs learnt meanwhile."""
        if self.file is None or not (self._updates or self._listed_now):
            return
        latest = self if self._listed_now else _read_cache_file(self.file, self.now)
        with suppress(OSError):  # a cache that cannot be written is a cache that is not there
            _replace_file(self.file, _serialize_cache({**latest.entries, **self._updates}, latest.listed_at))
            _remove_stale_files(self.file.parent, self.now)

    def _is_fresh(self, seen: datetime) -> bool:
        return -_MAX_CLOCK_SKEW <= self.now - seen <= TTL


def load_cache(client: AwsClient, now: datetime) -> QuotaCodeCache:
    """What is remembered of a door's Region. Where AWS does not say whose it is, nothing is, and nothing is kept.

    Raises:
        CredentialsError: there are none to ask with.
    """
    try:
        account = client.session.identity().account
    except AwsError as failure:
        if isinstance(failure, CredentialsError) and failure.aws_code is None:
            raise
        return QuotaCodeCache(now)
    whose = "\n".join((client.session.endpoint_id(), account, client.region))
    folder = Path(platformdirs.user_cache_dir("opskit", appauthor=False)) / "quota-codes"
    return _read_cache_file(folder / f"{hashlib.sha256(whose.encode()).hexdigest()[:24]}.json", now)


@cache
def bundled_codes() -> Mapping[str, str]:
    """The codes that quotas have had so far, by name; they were the same in every Region and account."""
    text = (files("opskit.quotas.reads") / "data" / "quota_codes.csv").read_text(encoding="utf-8")
    return {row["quota_name"]: row["quota_code"] for row in csv.DictReader(text.splitlines())}


def _is_change(before: CachedQuota, told: CachedQuota) -> bool:
    return replace(before, seen_at=told.seen_at) != told or told.seen_at - before.seen_at > _REFRESH_AFTER


def _read_cache_file(file: Path, now: datetime) -> QuotaCodeCache:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["version"] != _VERSION:
            return QuotaCodeCache(now, file)
        listed = None if content["listed"] is None else datetime.fromtimestamp(content["listed"], UTC)
        return QuotaCodeCache(now, file, dict(_parse_entries(content["quotas"].items())), listed)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError):
        return QuotaCodeCache(now, file)


def _parse_entries(items: Iterable[tuple[str, Any]]) -> Iterable[tuple[str, CachedQuota]]:
    for name, (code, applied, default, seen, value) in items:
        if not (
            isinstance(code, str) and isinstance(default, int | float | None) and isinstance(value, int | float | None)
        ):
            raise TypeError(f"a broken entry for {name}")
        yield name, CachedQuota(code, bool(applied), default, datetime.fromtimestamp(seen, UTC), value)


def _serialize_cache(known: Mapping[str, CachedQuota], listed: datetime | None) -> str:
    content = {
        "version": _VERSION,
        "listed": listed and listed.timestamp(),
        "quotas": {
            name: [cached.code, cached.applied, cached.default, cached.seen_at.timestamp(), cached.value]
            for name, cached in known.items()
        },
    }
    return json.dumps(content, separators=(",", ":"))


def _replace_file(file: Path, text: str) -> None:
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


def _remove_stale_files(folder: Path, now: datetime) -> None:
    """Remove what nobody believes any more: endpoints come and go."""
    for file in folder.iterdir():
        if now.timestamp() - file.stat().st_mtime > TTL.total_seconds():
            file.unlink(missing_ok=True)

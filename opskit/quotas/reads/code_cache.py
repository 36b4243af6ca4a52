"""Caches which code AWS gives a quota, so that one short call can read it. The name is the identity: a code is only a
guess until the response carries that name.

What is cached belongs to one endpoint, account and Region and is used for seven days. It lies in the cache directory: a
missing, broken or unwritable file costs time, never a wrong result.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from importlib.resources import files
from math import inf
from pathlib import Path
from typing import NamedTuple

import platformdirs

from opskit.aws.client import AwsClient
from opskit.core.exceptions import AwsError, CredentialsError
from opskit.quotas.rules.requirements import spelling_key

# AWS warns that codes may change, without saying how often. A stale code costs one wasted call.
TTL = timedelta(days=7)
# An unchanged entry is rewritten at most once a day, so that most runs write no file.
_REFRESH_AFTER = timedelta(days=1)
# An entry from further in the future was written with a wrong clock, and would never expire.
_MAX_CLOCK_SKEW = timedelta(minutes=5)
_VERSION = 2


class CachedQuota(NamedTuple):
    """What was read of a quota: whether it had an applied value, and ``value``, which that was: a hint which quotas to
    read, never a result. ``code`` None: AWS has no quota of this name. ``value`` and ``default`` None: not read.
    """

    code: str | None
    applied: bool
    default: float | None
    seen_at: datetime
    value: float | None = None


@dataclass
class QuotaCodeCache:
    """The cached quotas of one Region of an account; ``file`` None: nothing is stored beyond this run.

    ``listed_at`` is when all of the Region's quotas were last listed: what was not in the listing did not exist; None:
    no listing of all of them is kept.
    """

    now: datetime
    file: Path | None = None
    entries: dict[str, CachedQuota] = field(default_factory=dict)
    listed_at: datetime | None = None
    _updates: dict[str, CachedQuota] = field(default_factory=dict)
    _listed_now: bool = False
    _spellings: dict[str, list[str]] | None = None

    def get(self, name: str) -> CachedQuota | None:
        """The entry of a quota that is at most seven days old."""
        cached = self.entries.get(name)
        # Where a listing has told all names, the name is not absent then, only spelt in another way.
        if cached is None and self.listed_at:
            if self._spellings is None:
                self._spellings = {}
                for listed in tuple(self.entries):
                    self._spellings.setdefault(spelling_key(listed), []).append(listed)
            match self._spellings.get(spelling_key(name), []):
                case []:
                    cached = CachedQuota(None, False, None, self.listed_at)
                case [spelt_as_listed]:
                    cached = self.entries.get(spelt_as_listed)
                case _:  # which of several is meant nobody knows
                    return None
        return cached if cached and -_MAX_CLOCK_SKEW <= self.now - cached.seen_at <= TTL else None

    def last_value(self, name: str) -> float | None:
        """The last known value of a quota: infinite if it may exist and was never read, None if it does not exist."""
        cached = self.get(name)
        if cached is None:
            return inf if bundled_code(name) else None
        value = cached.value if cached.applied else cached.default
        return None if cached.code is None else inf if value is None else value

    def update(self, name: str, code: str, *, applied: bool, default: float | None, value: float | None = None) -> None:
        """Record what AWS just returned of a quota; a ``default`` of None keeps the one known before."""
        previous = self.entries.get(name)
        if default is None and previous:
            default = previous.default
        entry = CachedQuota(code, applied, default, self.now, value)
        is_same = previous is not None and previous._replace(seen_at=entry.seen_at) == entry
        if previous is None or not is_same or entry.seen_at - previous.seen_at > _REFRESH_AFTER:
            self.entries[name] = self._updates[name] = entry

    def replace_all(self, entries: Mapping[str, CachedQuota]) -> None:
        """Record a complete listing of all quotas."""
        self.entries, self.listed_at = dict(entries), self.now
        self._updates, self._listed_now, self._spellings = {}, True, None

    def save(self) -> None:
        """Write the new entries to the file, merged with what other runs wrote meanwhile."""
        if self.file is None or not (self._updates or self._listed_now):
            return
        # Read again just before the write: another run may have stored other quotas since this one loaded the file.
        latest = self if self._listed_now else _read_cache_file(self.file, self.now)
        content = {
            "version": _VERSION,
            "listed": latest.listed_at and latest.listed_at.timestamp(),
            "quotas": {
                name: [cached.code, cached.applied, cached.default, cached.seen_at.timestamp(), cached.value]
                for name, cached in {**latest.entries, **self._updates}.items()
            },
        }
        with suppress(OSError):  # an unwritable cache only costs time
            _replace_file(self.file, json.dumps(content, separators=(",", ":")))
            # Caches that have expired as a whole go: sandboxes and accounts come and go.
            for file in self.file.parent.iterdir():
                if self.now.timestamp() - file.stat().st_mtime > TTL.total_seconds():
                    file.unlink(missing_ok=True)


def load_cache(client: AwsClient, now: datetime) -> QuotaCodeCache:
    """The cache of a client's Region. If STS does not tell the account, it is empty and nothing is stored.

    Raises:
        CredentialsError: there are no valid credentials.
    """
    try:
        account = client.session.identity().account
    except AwsError as failure:
        if isinstance(failure, CredentialsError) and failure.aws_code is None:
            raise
        return QuotaCodeCache(now)
    owner = "\n".join((client.session.endpoint_id(), account, client.region))
    folder = Path(platformdirs.user_cache_dir("opskit", appauthor=False)) / "quota-codes"
    return _read_cache_file(folder / f"{hashlib.sha256(owner.encode()).hexdigest()[:24]}.json", now)


@cache
def bundled_codes() -> Mapping[str, str]:
    """The codes that quotas have had so far, by name; they were the same in every Region and account."""
    text = (files("opskit.quotas.reads") / "data" / "quota_codes.csv").read_text(encoding="utf-8")
    return {row["quota_name"]: row["quota_code"] for row in csv.DictReader(text.splitlines())}


def bundled_code(name: str) -> str | None:
    """The code that a quota of this name, in whichever spelling, has had so far; None if it is not known."""
    return bundled_codes().get(name) or _bundled_spellings().get(spelling_key(name))


@cache
def _bundled_spellings() -> Mapping[str, str]:
    return {spelling_key(name): code for name, code in bundled_codes().items()}


_NUMBER_TYPES = (int, float, type(None))


def _read_cache_file(file: Path, now: datetime) -> QuotaCodeCache:
    read_time = cache(partial(datetime.fromtimestamp, tz=UTC))  # most of 2,000 were seen at the same moment
    entries: dict[str, CachedQuota] = {}
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["version"] != _VERSION:
            return QuotaCodeCache(now, file)
        listed = None if content["listed"] is None else read_time(content["listed"])
        for name, (code, applied, default, seen_at, value) in content["quotas"].items():
            if not (type(code) is str and type(default) in _NUMBER_TYPES and type(value) in _NUMBER_TYPES):
                raise TypeError(f"a broken entry for {name}")
            entries[name] = CachedQuota(code, bool(applied), default, read_time(seen_at), value)
        return QuotaCodeCache(now, file, entries, listed)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError):
        return QuotaCodeCache(now, file)


def _replace_file(file: Path, text: str) -> None:
    """Replace the file atomically, so that no reader sees half of it."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as part:
            part.write(text)
        Path(name).replace(file)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise

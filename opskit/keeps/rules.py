"""Which tags keep a resource from being stopped: how it is kept now, what to write, and what then has to go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import assert_never

from opskit.core.exceptions import UsageError
from opskit.core.model import Unknown
from opskit.core.setting_values import parse_duration
from opskit.core.tags import KEEP, KEEP_REASON, KEEP_UNTIL, keep_reason, parse_timestamp, sanitize_tag_value

KEEP_TAG_KEYS = (KEEP, KEEP_UNTIL, KEEP_REASON)

_NO_REASON = "kept"


@dataclass(frozen=True)
class KeepTags:
    """A wish to keep a resource. ``until`` None: until somebody says otherwise."""

    until: datetime | None
    tags: dict[str, str]

    @property
    def tags_to_remove(self) -> list[str]:
        """The keys of an older keep that would outlive or contradict this one."""
        return [key for key in KEEP_TAG_KEYS if key not in self.tags]


def keep_duration(span: str | None, until: str | None, now: datetime) -> timedelta | None:
    """For how long something is kept, by what was typed: a time such as ``36h``, or the moment when it ends; None:
    neither was.

    Raises:
        UsageError: both were, what was typed is neither, or the moment has passed.
    """
    if span is not None and until is not None:
        raise UsageError("two-ends", "--for and --until contradict each other.", "Leave out one of the two.")
    if until is None:
        return None if span is None else parse_duration(span)
    try:
        ends = datetime.fromisoformat(until.strip())
    except ValueError as error:
        hint = "Write it like 2026-12-24, 2026-12-24T18:00 (UTC) or 2026-12-24T18:00+01:00."
        raise UsageError("bad-time", f"'{until}' is not a date or time.", hint) from error
    ends = ends.replace(tzinfo=UTC) if ends.tzinfo is None else ends
    if ends <= now:
        raise UsageError("bad-time", f"--until {until} has passed.", "Give a time to come, or use --for.")
    return ends - now


def build_keep_tags(duration: timedelta | None, reason: str, now: datetime) -> KeepTags:
    """A keep for a time, or for ever (None).

    Raises:
        UsageError: the time is none, or too long to be told.
    """
    why = sanitize_tag_value(reason)
    if duration is None:
        return KeepTags(None, {KEEP: why or _NO_REASON})
    if duration < timedelta(seconds=1):
        raise UsageError("bad-duration", "The duration must be at least 1s.", "Write it like 36h or 7d.")
    try:
        until = now + duration
    except OverflowError as error:
        text = "That date is out of range."
        raise UsageError("bad-duration", text, "Leave --for out to keep it without end.") from error
    told = {KEEP_UNTIL: until.isoformat(timespec="seconds")}
    return KeepTags(until, {**told, KEEP_REASON: why} if why else told)


@dataclass(frozen=True)
class CurrentKeep:
    """How a resource is kept already. ``until`` None: until somebody says otherwise; ``Unknown``: until a time that
    nobody can read. ``why_kept`` is the sentence that a stop of it is refused with.
    """

    until: datetime | Unknown | None
    reason: str
    why_kept: str
    tags: dict[str, str]


_UNREADABLE_TIME = Unknown(f"the time in its tag {KEEP_UNTIL} cannot be read")


def current_keep(tags: Mapping[str, str], now: datetime) -> CurrentKeep | None:
    """How these tags keep a notebook; None: not, or no longer."""
    because = keep_reason(tags, now)
    if because is None:
        return None
    is_timed = KEEP not in tags
    reason = tags.get(KEEP_REASON, "") if is_timed else tags[KEEP]
    until = (parse_timestamp(tags[KEEP_UNTIL]) or _UNREADABLE_TIME) if is_timed else None
    return CurrentKeep(until, reason.strip(), because, {key: tags[key] for key in KEEP_TAG_KEYS if key in tags})


def would_shorten(current: CurrentKeep, keep: KeepTags) -> bool:
    """Whether a resource would be kept for less long than it is already, as far as is known."""
    if keep.until is None:
        return False
    match current.until:
        case None | Unknown():
            return True
        case datetime():
            return keep.until < current.until
        case _:
            assert_never(current.until)


def inherit_reason(current: CurrentKeep, keep: KeepTags) -> KeepTags:
    """The same keep, with the reason of the one whose place it takes where it has none of its own: the reason is what
    makes whoever reads it leave the resource alone.
    """
    has_own = KEEP_REASON in keep.tags or keep.tags.get(KEEP, _NO_REASON) != _NO_REASON
    if has_own or current.reason in ("", _NO_REASON):
        return keep
    return KeepTags(keep.until, {**keep.tags, KEEP if keep.until is None else KEEP_REASON: current.reason})

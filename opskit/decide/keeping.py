"""Which tags keep a notebook from being stopped: how it is kept now, what to write, and what then has to go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from opskit.decide.idleness import KEEP, KEEP_REASON, KEEP_UNTIL, kept_because, moment
from opskit.decide.notebook_wish import as_tag_value
from opskit.errors import UsageProblem

KEEPING = (KEEP, KEEP_UNTIL, KEEP_REASON)

_NO_REASON = "kept"


@dataclass(frozen=True)
class Keep:
    """A wish to keep a notebook. ``until`` None: until somebody says otherwise."""

    until: datetime | None
    tags: dict[str, str]

    @property
    def obsolete(self) -> list[str]:
        """The keys of an older keep that would outlive or contradict this one."""
        return [key for key in KEEPING if key not in self.tags]


def keep_for(span: timedelta | None, reason: str, now: datetime) -> Keep:
    """A keep for a time, or for ever (None).

    Raises:
        UsageProblem: the time is none, or too long to be told.
    """
    why = as_tag_value(reason)
    if span is None:
        return Keep(None, {KEEP: why or _NO_REASON})
    if span < timedelta(seconds=1):
        raise UsageProblem("bad-duration", "To keep it for no time keeps nothing.", "Write it like 36h or 7d.")
    try:
        until = now + span
    except OverflowError as error:
        text = "That is longer than a calendar goes."
        raise UsageProblem(
            "bad-duration", text, "Leave --for out to keep it until `opskit notebook unkeep`."
        ) from error
    told = {KEEP_UNTIL: until.isoformat(timespec="seconds")}
    return Keep(until, {**told, KEEP_REASON: why} if why else told)


@dataclass(frozen=True)
class StandingKeep:
    """How a notebook is kept already. ``until`` None: until somebody says otherwise, or until a time that nobody can
    read. ``because`` is the sentence that a stop of it is refused with.
    """

    until: datetime | None
    reason: str
    because: str
    tags: dict[str, str]


def standing_keep(tags: Mapping[str, str], now: datetime) -> StandingKeep | None:
    """How these tags keep a notebook; None: not, or no longer."""
    because = kept_because(tags, now)
    if because is None:
        return None
    is_timed = KEEP not in tags
    reason = tags.get(KEEP_REASON, "") if is_timed else tags[KEEP]
    until = moment(tags[KEEP_UNTIL]) if is_timed else None
    return StandingKeep(until, reason.strip(), because, {key: tags[key] for key in KEEPING if key in tags})


def would_shorten(standing: StandingKeep, keep: Keep) -> bool:
    """Whether a notebook would be kept for less long than it is already."""
    return keep.until is not None and (standing.until is None or keep.until < standing.until)


def with_reason_of(standing: StandingKeep, keep: Keep) -> Keep:
    """The same keep, with the reason of the one whose place it takes where it has none of its own: the reason is what
    makes whoever reads it leave the notebook alone.
    """
    has_own = KEEP_REASON in keep.tags or keep.tags.get(KEEP, _NO_REASON) != _NO_REASON
    if has_own or standing.reason in ("", _NO_REASON):
        return keep
    return Keep(keep.until, {**keep.tags, KEEP if keep.until is None else KEEP_REASON: standing.reason})

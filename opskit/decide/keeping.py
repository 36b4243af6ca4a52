"""Which tags keep a notebook from being stopped: what to write, and what then has to go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from opskit.decide.idleness import KEEP, KEEP_REASON, KEEP_UNTIL
from opskit.decide.notebook_wish import as_tag_value
from opskit.errors import UsageProblem

KEEPING = (KEEP, KEEP_UNTIL, KEEP_REASON)


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
        return Keep(None, {KEEP: why or "kept"})
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

"""What a resource's tags say about stopping it, and how the times in tags are read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from opskit.core.tag_keys import KEEP, KEEP_REASON, KEEP_UNTIL

MAX_CLOCK_SKEW = timedelta(minutes=10)
"""How far two clocks may differ before their times cannot be compared. Five minutes happen, and AWS signs with them."""

# What a machine means that says anything else, nobody knows, and Python cannot reckon with the outermost years.
_YEARS = range(1970, 3000)


def keep_reason(tags: Mapping[str, str], now: datetime) -> str | None:
    """Why the tags forbid to stop a resource; None where they do not.

    An ``opskit:keep-until`` that has passed no longer keeps; one that cannot be read keeps.
    """
    if KEEP in tags:
        return f"kept: {tags[KEEP]}" if tags[KEEP].strip() else f"kept: tagged {KEEP}"
    if KEEP_UNTIL not in tags:
        return None
    until = parse_timestamp(tags[KEEP_UNTIL])
    if until is None:
        return f"kept: the time in its tag {KEEP_UNTIL} cannot be read"
    reason = f": {tags[KEEP_REASON]}" if tags.get(KEEP_REASON, "").strip() else ""
    return f"kept until {until:%Y-%m-%d %H:%M} UTC{reason}" if until > now else None


def parse_timestamp(text: object) -> datetime | None:
    """An ISO 8601 time with its zone, with or without a fraction, in UTC; None where it is anything else."""
    if not isinstance(text, str) or "T" not in text.strip().replace(" ", "T"):
        return None
    try:
        when = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return when.astimezone(UTC) if when.tzinfo is not None and when.year in _YEARS else None

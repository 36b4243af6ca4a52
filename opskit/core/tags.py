"""Tags: the keys that opskit sets or heeds, what AWS takes as a key or a value, and what tags say about stopping a
resource. The keys stand in users' accounts, so a key never changes its meaning.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

KEEP = "opskit:keep"
"""Keeps a notebook on without end; the value is the reason."""
KEEP_UNTIL = "opskit:keep-until"
"""Keeps a notebook on until the time that it holds."""
KEEP_REASON = "opskit:keep-reason"
"""Why, beside ``KEEP_UNTIL``."""
UNREADABLE_OK = "opskit:unreadable-ok"
"""Makes it no failure that a notebook cannot be looked at."""
NO_INSIDE = "opskit:no-inside"
"""Keeps opskit from looking inside."""
JUPYTER_ONLY = "opskit:jupyter-only"
"""Says that nothing runs in a notebook of which its Jupyter does not know."""
IDLE_SINCE = "opskit:idle-since"
"""Since when opskit has found a notebook idle: the beginning of its grace."""
MADE_BY = "opskit:made-by"
"""Which command created the notebook."""
WORKFLOW = "opskit:workflow"
"""The workflow that a job, a model or an endpoint belongs to; opskit removes nothing without it."""
OWNER = "opskit:owner"
"""Whose it is."""
DEPLOYED_UNTIL = "opskit:deployed-until"
"""Until when whoever deployed an endpoint means to use it (``deploy --for``)."""
STOPPED_ENDPOINT = "opskit:stopped-endpoint"
"""On an endpoint's configuration: the endpoint that was stopped, and that ``endpoint start`` brings back."""
RESTORE_PIECE = "opskit:restore-"
"""The beginning of the keys beside it that hold, piece by piece, what brings the endpoint back."""


OTHER_OWNER_KEYS = ("owner", "Owner", "created-by", "CreatedBy", "createdBy", "created_by")
"""Those that name one by custom, where the setting ``owner-tags`` names no others."""
OWNER_TAG_KEYS = (OWNER, *OTHER_OWNER_KEYS)
"""All where no setting says otherwise, the first that has a value wins. The first is opskit's own."""


# AWS counts characters, not bytes.
LONGEST_TAG_KEY, LONGEST_TAG_VALUE = 128, 256
TAG_RULE = (
    f"A tag has letters, digits, spaces and . : / = + - @ _, at most {LONGEST_TAG_KEY} characters in its key and "
    f"{LONGEST_TAG_VALUE} in its value."
)
"""AWS's rule for tags, for a hint."""

_TAG_TEXT = re.compile(r"[\w\s.:/=+\-@]*")


def is_tag_key(text: str) -> bool:
    """Whether AWS takes a text as a tag's key."""
    return _is_tag_text(text, LONGEST_TAG_KEY)


def is_tag_value(text: str) -> bool:
    """Whether AWS takes a text as a tag's value."""
    return _is_tag_text(text, LONGEST_TAG_VALUE)


def describe_bad_tag(key: str, value: str) -> str:
    """Why AWS refuses a tag, as the end of a sentence that begins with the tag."""
    bad = next((sign for sign in key + value if not _TAG_TEXT.fullmatch(sign)), None)
    if bad is not None:
        return f"contains the character {bad!r}"
    return "is too long"  # the only other rule


def sanitize_tag_value(text: str) -> str:
    """A text with what AWS does not take in a tag's value left out, and no longer than AWS takes."""
    kept = "".join(sign if _TAG_TEXT.fullmatch(sign) else " " for sign in text)
    return " ".join(kept.split())[:LONGEST_TAG_VALUE].strip()


def _is_tag_text(text: str, longest: int) -> bool:
    return len(text) <= longest and _TAG_TEXT.fullmatch(text) is not None


MAX_CLOCK_SKEW = timedelta(minutes=10)
"""How far two clocks may differ before their times cannot be compared. Five minutes happen, and AWS signs with them."""

SAGEMAKER_BEGAN = datetime(2017, 11, 29, tzinfo=UTC)
"""Before this there was nothing in SageMaker that could be used, so an earlier time of use is none."""

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

"""What AWS takes as the key or the value of a tag."""

from __future__ import annotations

import re

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

"""What AWS takes as the key or the value of a tag."""

from __future__ import annotations

import re

LONGEST_TAG_KEY, LONGEST_TAG_VALUE = 128, 256

_TAG_TEXT = re.compile(r"[\w\s.:/=+\-@]*")


def is_tag_key(text: str) -> bool:
    """Whether AWS takes a text as a tag's key."""
    return _is_tag_text(text, LONGEST_TAG_KEY)


def is_tag_value(text: str) -> bool:
    """Whether AWS takes a text as a tag's value."""
    return _is_tag_text(text, LONGEST_TAG_VALUE)


def sanitize_tag_value(text: str) -> str:
    """A text with what AWS does not take in a tag's value left out, and no longer than AWS takes."""
    kept = "".join(sign if _TAG_TEXT.fullmatch(sign) else " " for sign in text)
    return " ".join(kept.split())[:LONGEST_TAG_VALUE].strip()


def _is_tag_text(text: str, longest: int) -> bool:
    return len(text) <= longest and _TAG_TEXT.fullmatch(text) is not None

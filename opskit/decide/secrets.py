"""What opens doors, and so is never kept or shown."""

from __future__ import annotations

import re

_NAMES = (
    r"X-Amz-[A-Za-z-]+|signature|credential|(?:auth|session|security|access)?[-_]?token"
    r"|\w*password|\w*secret\w*|api[-_]?key"
)
_NAMED = re.compile(rf"\b((?:{_NAMES})[\"']?\s*[=:]\s*[\"']?)[^\s&,;\"']+", re.IGNORECASE)
"""A name that says so with its value: in a URL's query, a file of settings, JSON."""
_SPOKEN = re.compile(r"\b((?:authorization|cookie|set-cookie)\s*:\s*|bearer\s+)[^\r\n\"']+", re.IGNORECASE)
"""A header, whose value ends with its line."""
_IN_A_URL = re.compile(r"(?<=://)[^/\s@]+(?=@)")
"""The name and password of https://name:password@host."""
_KEY_ID = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b")


def without_secrets(text: str) -> str:
    """The text without signatures, tokens, passwords, cookies and keys; ``[removed]`` stands in their place."""
    for pattern in (_SPOKEN, _NAMED):
        text = pattern.sub(r"\1[removed]", text)
    for pattern in (_IN_A_URL, _KEY_ID):
        text = pattern.sub("[removed]", text)
    return text

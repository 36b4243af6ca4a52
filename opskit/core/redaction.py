"""Removes secrets (signatures, tokens, passwords, cookies, keys) from a text before it is shown or stored.

The patterns run in linear time: possessive quantifiers (``++``, ``*+``) never backtrack, and no match begins inside a
word, so a hostile text costs no more than its length.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_REMOVED = "[removed]"
# Compiled when a text is redacted (``re`` keeps them), not when help is shown: that takes a fiftieth of its time.
# An HTTP header; its value ends with its line or its quotes.
_HEADER = r"(?i)\b((?:proxy-)?authorization(?: header)?+|(?:set-)?cookie)(\\?[\"']?\s*+:\s*+\\?[\"']?)[^\r\n\"']++"
# A name that is followed by a value, as in a URL's query, a settings file, JSON, XML, a canonical request or prose.
_NAME = r"(?i)(?<![\w-])((?:secret |session |security )?(?:access )?[\w-]++)(?:\\?[\"']?\s*+[=:]\s*+\\?[\"']?|>|%3[AD])"
# A sentence about a token rather than a token: "Error loading SSO Token: Token for corp does not exist".
_PROSE = r"(?i)(?:[\w-]++ )?(?:token|signature|credential): [a-z]{1,15}"
# Why a file could not be read or written, behind its name: "Could not read '/etc/passwd': Permission denied".
_FILE_REASONS = (
    *("File exists", "File name too long", "File too large", "Input/output error", "Invalid argument"),
    *("Is a directory", "No such device or address", "No such file or directory", "No space left on device"),
    *("Not a directory", "Operation not permitted", "Operation not supported", "Permission denied"),
    *("Read-only file system", "Stale file handle", "Too many levels of symbolic links", "Too many open files"),
    "it is not UTF-8 text",
)
_VALUE = r"(?:(?!%26)[^\s&,;\"'<])++"
# Names whose value is a secret, or a part of a signed request.
_SECRET_NAME = (
    r"(?i)x-amz-|secret|passw(?:or)?d|api[-_]?key|(?:^|^aws|[-_ ])access[-_ ]?key(?:[-_ ]?id)?$|(?:^|-)signature$"
    r"|(?:^|-)credential$|(?:^|-|auth|session|security|access|refresh|[-_]id)[-_ ]?token$|xsrf$"
)
_UNNAMED_SECRET = (
    r"(?<=://)[^/\s@]++(?=@)"  # the name and password of https://name:password@host
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{12,}+\b"  # an access key
    r"|(?<![\w+/])(?:IQoJb3|F[wQ]oGZXIvYXdz|AQoDYXdz)[\w+/=%-]{16,}+"  # a session token, as STS has begun them
    r"|(?<![\w.-])eyJ[\w-]{8,}+(?:\.[\w-]++)++"  # a token of a notebook instance: JSON in base64
    # Webhooks and signs of life, whose path is the key: Slack, Teams, Discord, Zapier, healthchecks.io.
    r"|(?<=://hooks\.slack\.com/)[^\s\"'<>]++|(?<=\.webhook\.office\.com/)[^\s\"'<>]++"
    r"|(?<=\.logic\.azure\.com/)[^\s\"'<>]++|(?<=\.powerplatform\.com/)[^\s\"'<>]++"
    r"|(?<=://discord\.com/api/webhooks/)[^\s\"'<>]++|(?<=://hooks\.zapier\.com/)[^\s\"'<>]++"
    r"|(?<=://hc-ping\.com/)[^\s\"'<>]++"
)
# Without any of these a text has no secret that the patterns know: most texts are done here.
_HINT = r"(?i)[=:>]|%3[AD]|AKIA|ASIA|IQoJb3|F[wQ]oGZXIvYXdz|AQoDYXdz|eyJ|bearer"
_BEARER = r"(?i)\b(bearer\s++)[^\s\"',;]++"


def redact_secrets(text: str) -> str:
    """The text with every secret replaced by ``[removed]``."""
    if not re.search(_HINT, text):
        return text
    text = re.sub(_HEADER, rf"\1\2{_REMOVED}", text)
    text = re.sub(_BEARER, rf"\1{_REMOVED}", _redact_named_values(text))
    return re.sub(_UNNAMED_SECRET, _REMOVED, text)


def redact_values(value: Any) -> Any:
    """A value for JSON with every text in it redacted, and those under a name that marks a secret removed."""
    if isinstance(value, Mapping):
        return {
            name: _REMOVED
            if isinstance(name, str) and type(each) is str and each and re.search(_SECRET_NAME, name)
            else redact_values(each)
            for name, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [redact_values(each) for each in value]
    return redact_secrets(value) if type(value) is str else value


def _redact_named_values(text: str) -> str:
    """The text without the values of names that mark a secret."""
    parts, position = [], 0
    name, secret = re.compile(_NAME), re.compile(_VALUE)
    while match := name.search(text, position):
        parts.append(text[position : match.end()])
        # Behind the name, not behind its value: other values stay, as they may contain further names.
        position = match.end()
        value = secret.match(text, position) if re.search(_SECRET_NAME, match[1]) else None
        if value and not (match[0].endswith(": ") and _is_prose(text, match[0], value)):
            parts.append(_REMOVED)
            position = value.end()
    return "".join([*parts, text[position:]])


def _is_prose(text: str, name: str, value: re.Match[str]) -> bool:
    """Whether what stands behind a name and a colon is a part of a sentence about it."""
    return bool(re.fullmatch(_PROSE, f"{name}{value[0]}")) or text.startswith(_FILE_REASONS, value.start())

"""What opens doors, and so is never kept or shown: cut out of a text before it goes anywhere.

Each pattern reads a text once. What a name or a value takes in it never gives back (the possessive ``++`` and ``*+``),
and none begins within a word, so that a hostile text of any length costs no more than its length.
"""

from __future__ import annotations

import re

_REMOVED = "[removed]"
# A header, whose value ends with its line or its quotes.
_HEADER = re.compile(
    r"\b((?:proxy-)?authorization(?: header)?+|(?:set-)?cookie)(\\?[\"']?\s*+:\s*+\\?[\"']?)[^\r\n\"']++", re.IGNORECASE
)
# A name that has a value behind it: in a URL's query, a file of settings, JSON, XML, a canonical request, prose.
_NAME = re.compile(
    r"(?<![\w-])((?:secret |session |security )?(?:access )?[\w-]++)(?:\\?[\"']?\s*+[=:]\s*+\\?[\"']?|>|%3[AD])",
    re.IGNORECASE,
)
# A sentence about one: "Error loading SSO Token: Token for corp does not exist".
_PROSE = re.compile(r"(?:[\w-]++ )?(?:token|signature|credential): [a-z]{1,15}", re.IGNORECASE)
_VALUE = re.compile(r"(?:(?!%26)[^\s&,;\"'<])++")
# The names whose value is a secret, or belongs to a signed request.
_SAYS_SO = re.compile(
    r"x-amz-|secret|passw(?:or)?d|api[-_]?key|(?:^|^aws|[-_ ])access[-_ ]?key(?:[-_ ]?id)?$|(?:^|-)signature$"
    r"|(?:^|-)credential$|(?:^|-|auth|session|security|access|refresh|[-_]id)[-_ ]?token$|xsrf$",
    re.IGNORECASE,
)
_BARE = re.compile(
    r"(?<=://)[^/\s@]++(?=@)"  # the name and password of https://name:password@host
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{12,}+\b"  # an access key
    r"|(?<![\w+/])(?:IQoJb3|F[wQ]oGZXIvYXdz|AQoDYXdz)[\w+/=%-]{16,}+"  # a session token, as STS has begun them
    r"|(?<![\w.-])eyJ[\w-]{8,}+(?:\.[\w-]++)++"  # a token of a notebook instance: JSON in base64
)
_BEARER = re.compile(r"\b(bearer\s++)[^\s\"',;]++", re.IGNORECASE)


def redact_secrets(text: str) -> str:
    """The text without signatures, tokens, passwords, cookies and keys; ``[removed]`` stands in their place."""
    text = _HEADER.sub(rf"\1\2{_REMOVED}", text)
    text = _BEARER.sub(rf"\1{_REMOVED}", _without_named(text))
    return _BARE.sub(_REMOVED, text)


def _without_named(text: str) -> str:
    """The text without the values of names that say what they are. A value that is none may hold another name."""
    parts, at = [], 0
    while found := _NAME.search(text, at):
        parts.append(text[at : found.end()])
        at = found.end()
        value = _VALUE.match(text, at) if _SAYS_SO.search(found[1]) else None
        if value and not (found[0].endswith(": ") and _PROSE.fullmatch(f"{found[0]}{value[0]}")):
            parts.append(_REMOVED)
            at = value.end()
    return "".join([*parts, text[at:]])

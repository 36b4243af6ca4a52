"""Text: durations in short, what a list or a command line lacks, and pasted text cleaned of what terminals, web pages,
logs and mail programs have added.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from datetime import timedelta


def format_duration(duration: timedelta) -> str:
    """Like ``40s``, ``12m``, ``5h``, ``1h30m``, ``3d4h``: the two largest units, rounded down."""
    seconds = int(duration.total_seconds())
    if seconds < 60:
        return f"{seconds}s"
    for size, unit, smaller, small in ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "")):
        if seconds >= size:
            whole, rest = divmod(seconds, size)
            part = rest // smaller if small else 0
            return f"{whole}{unit}{part}{small}" if part else f"{whole}{unit}"
    raise AssertionError("unreachable")


_NAMED_REGIONS = 3  # of more, their number is enough: --region all asks some twenty


def describe_none(noun: str, regions: Sequence[str], *, is_narrow: bool) -> str:
    """That no ``noun`` is in these Regions, or with ``is_narrow`` that what was chosen by chooses none."""
    where = (
        f" in {', '.join(regions) if len(regions) <= _NAMED_REGIONS else f'{len(regions)} Regions'}" if regions else ""
    )
    return f"No {noun}{where} is chosen by that." if is_narrow else f"There are no {noun}s{where}."


def misuse_text(error: BaseException) -> str:
    """What Typer says of a command line, where it says it: empty of one that lacks a command."""
    told = getattr(error, "format_message", None)
    text: str = told() if told else str(error)
    return re.sub(r"not a valid int(eger)?( range)?\.", "not a whole number.", text)  # Python's names of its types


# Every pattern here is a single pass over the text: a megabyte of anything costs milliseconds.
_TERMINAL = re.compile(
    r"(?:\x1b|\^\[)?\[[0-9;]{0,20}m|\x1b(?:\[[0-?]{0,20}[ -/]{0,4}[@-~]|\][^\x07\x1b]{0,500}\x07?|.)"
)
# JSON inside JSON inside a shell's quotes doubles its backslashes each time; eight are three layers.
_ESCAPED_CODE = re.compile(r"\\{1,8}u00([0-7][0-9a-fA-F])")
_ESCAPED_MARK = re.compile(r"\\{1,8}([\"'/])")
_ESCAPED_SPACE = re.compile(r"\\{1,8}[nrt]")
_MARGIN = re.compile(r"^[ \t>|#*]{1,40}|[ \t|]{1,40}$", re.MULTILINE)
_QUOTES = '"`´‘’‚‛“”„‟‹›«»′″'
_IGNORED_CHARACTERS = "\0\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff│┃║╎╏╭╮╰╯─━═┄┅"
_SPELLING = str.maketrans(dict.fromkeys(_QUOTES, "'") | dict.fromkeys(_IGNORED_CHARACTERS))


def normalize_text(text: str) -> str:
    """The text before it was coloured, framed, quoted, escaped for JSON or HTML, or wrapped by a console: the same
    words, with one kind of quotation mark. Any text is accepted, including lone surrogates and control characters.
    """
    whole = text.encode("utf-8", "replace").decode("utf-8")
    bare = _TERMINAL.sub("", whole)
    for _ in range(2):  # a page that shows an escaped page escapes it again
        bare = html.unescape(bare) if "&" in bare else bare
    bare = _ESCAPED_CODE.sub(lambda match: chr(int(match[1], 16)), bare)
    bare = _ESCAPED_SPACE.sub(" ", _ESCAPED_MARK.sub(r"\1", bare))
    return _MARGIN.sub("", bare.translate(_SPELLING))


def compact_text(plain: str) -> str:
    """The text in lower case and without white space, so that it compares equal wherever its lines were broken."""
    return "".join(plain.split()).lower()

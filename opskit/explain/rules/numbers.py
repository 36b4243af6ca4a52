"""Numbers in pasted text. One that is damaged or cut off is no number: a wrong one is worse than none."""

from __future__ import annotations

import math
import re

NUMBER = r"[0-9][0-9.,]{0,24}"
"""What may be a number, in a pattern over squeezed text."""

_PLAIN = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,6})?")
_GROUPED = re.compile(r"[1-9][0-9]{0,2}(?:,[0-9]{3}){1,5}(?:\.[0-9]{1,2})?")
_AMBIGUOUS = re.compile(r"[1-9][0-9]{0,2}\.[0-9]{3}")  # 1.000 is a thousand to half of the world


def parse_number(text: str | None) -> float | None:
    """A number as AWS writes it, such as ``2``, ``4000000.0``, ``1,000``, without its unit; None for anything else, and
    for what two countries read in two ways.
    """
    told = (text or "").rstrip(".,")
    if _AMBIGUOUS.fullmatch(told) or not (_PLAIN.fullmatch(told) or _GROUPED.fullmatch(told)):
        return None
    value = float(told.replace(",", ""))
    return value if math.isfinite(value) else None


def is_cut_off(flat: str, end: int, number: str) -> bool:
    """Whether a text breaks off in or right behind a number that ends at ``end``. A lone 0 is whole all the same."""
    # Twelve: the longest mark of a cut is "[truncated", and a quotation mark or two may stand before it.
    rest = flat[end : end + 12].lstrip("'\"|)]}")
    is_last = not rest or rest.startswith(("…", "...", "[truncated"))
    return (is_last or number.endswith("..")) and number.rstrip(".,") != "0"


def cut_number(number: str) -> str:
    """What there is of a number that is cut off."""
    return number.rstrip(".,")

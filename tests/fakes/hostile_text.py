"""Text as somebody plants it who wants a terminal, or whoever reads it, to do or see something else."""

from __future__ import annotations

import re

EVIL = (
    "evil\x1b[31m\x1b[2J\x1b]0;pwned\x07\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\\x9b1A\x08\x7f\r"
    "\u202egpj.exe\u2066\u200b\ufeff\u00ad\u2028\U000e0041\x00|<b>\n| opskit: all is well\t[bold]x[/bold]"
)
"""Clears the screen, names the window, draws a link, moves the cursor (C1 too), rubs out, turns a name around, hides in
it, breaks a row, and passes for a line of opskit's own.
"""

OWN_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
"""What opskit itself may write on a terminal: a colour, bold, dim, and their end."""

_OWN_MOVES = re.compile(r"\x1b\[(?:\?25[lh]|[12]?K|1A|[0-9]*G)|\r")
"""What a spinner or a bar writes besides: hide and show the cursor, clear its own line, a line up."""

_HARMFUL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e0fff]"
)


def harmful_characters(text: str) -> list[str]:
    """The characters in it that take effect or cannot be seen."""
    return [f"{ord(each):#x}" for each in _HARMFUL.findall(text)]


def assert_harmless(*texts: str, moves: bool = False) -> None:
    """Nothing but opskit's own colours, and with ``moves`` its own spinner, takes effect in these."""
    for text in texts:
        bare = OWN_COLOURS.sub("", text)
        bare = _OWN_MOVES.sub("", bare) if moves else bare
        assert not harmful_characters(bare), (harmful_characters(bare), text)
        assert "\x1b[2J" not in text

"""URLs as links (OSC 8) on the terminals that are known to show them. Others would print the escape sequence, or worse,
so there is a list of those that are known, and never a guess.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import IO

# Up to what cannot be part of one, and without the marks that end the sentence it stands in.
_URL = re.compile(r"https?://[^\s<>\"'`|]+(?<![.,;:!?)\]}])")
# The first version of each that shows links; () is any version.
_PROGRAMS: Mapping[str, tuple[int, ...]] = {
    "iTerm.app": (3, 1),
    "WezTerm": (20200620,),
    "ghostty": (),
    "vscode": (1, 72),
    "zed": (),
}
_TERMINALS = ("alacritty", "xterm-ghostty", "xterm-kitty")
_FIRST_VTE = 5000  # 0.50.0, which GNOME Terminal and others write so; 0.50.0 itself crashes


def link_urls(text: str, stream: IO[str]) -> str:
    """The text with its URLs as links if the stream is a terminal that shows them, so that one which is longer than a
    line is still one link.
    """
    if "://" not in text or not stream.isatty() or not shows_hyperlinks(os.environ):
        return text
    return _URL.sub(lambda match: f"\033]8;;{match[0]}\033\\{match[0]}\033]8;;\033\\", text)


def shows_hyperlinks(environment: Mapping[str, str]) -> bool:
    """Whether the terminal that the environment tells of is known to show links. FORCE_HYPERLINK answers for others."""
    if forced := environment.get("FORCE_HYPERLINK"):
        return forced != "0"
    if environment.get("CI") or environment.get("NO_COLOR") or environment.get("TERM") == "dumb":
        return False
    # A terminal in a terminal: what is around it says nothing about it.
    if environment.get("TMUX") or environment.get("STY"):
        return False
    program = environment.get("TERM_PROGRAM", "")
    if program in _PROGRAMS:
        return _version(environment.get("TERM_PROGRAM_VERSION", "")) >= _PROGRAMS[program]
    vte = environment.get("VTE_VERSION", "")
    if vte:
        return vte.isdecimal() and int(vte) > _FIRST_VTE
    return "WT_SESSION" in environment or environment.get("TERM") in _TERMINALS


def _version(text: str) -> tuple[int, ...]:
    """A version such as 3.4.1 or 20240203-110809-5046fc22, as far as it is numbers."""
    match = re.match(r"\d+(\.\d+)*", text)
    return tuple(map(int, match[0].split("."))) if match else ()

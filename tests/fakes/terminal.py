"""A real terminal for a command: a pseudo-terminal that is its controlling one, so that Ctrl-C is a Ctrl-C."""

from __future__ import annotations

import os
import pty
import termios
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.prefork import Forkserver

CTRL_C, CTRL_D = b"\x03", b"\x04"

_OWN_TERMINAL = str(Path(__file__).with_name("own_terminal.py"))


@dataclass(frozen=True)
class TerminalResult:
    """A command that ended: its exit code, all that the terminal showed, and whether it still shows what is typed."""

    exit: int
    shown: str
    echoes: bool


def run_at_terminal(
    forkserver: Forkserver,
    words: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    typed: Sequence[tuple[str, bytes]] = (),
) -> TerminalResult:
    """Run a script with arguments at a terminal until it ends. Of each pair in ``typed``: once the text is shown, after
    all that was shown for the pair before, the bytes are typed.
    """
    ours, theirs = pty.openpty()
    process = forkserver.start([_OWN_TERMINAL, *words], folder, environment, theirs, theirs, theirs)
    os.close(theirs)
    try:
        shown = _read_until_end(ours, list(typed))
        echoes = bool(termios.tcgetattr(ours)[3] & termios.ECHO)
    finally:
        os.close(ours)
    return TerminalResult(process.wait(), shown, echoes)


def _read_until_end(ours: int, typed: list[tuple[str, bytes]]) -> str:
    shown, begin = b"", 0
    while True:
        try:
            more = os.read(ours, 65536)
        except OSError:  # how Linux says that nobody holds the other end any more
            more = b""
        if not more:
            return shown.decode(errors="replace")
        shown += more
        if typed and typed[0][0].encode() in shown[begin:]:
            begin = len(shown)
            os.write(ours, typed.pop(0)[1])

"""opskit's block in a crontab: everything outside it stays as it is, byte for byte.

A block is a line that begins it, lines that opskit writes, and the line that ends it. Half a block, or one with
anything else in it, is somebody else's text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

BEGIN = b"# >>> opskit >>>"
END = b"# <<< opskit <<<"
_HEAD = b"# `opskit cron install` writes these lines and `opskit cron remove` takes them out: do not edit them.\n"
_JOB = re.compile(rb" cron run ([a-z0-9][a-z0-9-]*) ")
_OURS = re.compile(rb"# `opskit cron | cron run [a-z0-9]")


@dataclass(frozen=True)
class Parts:
    """A crontab cut at opskit's blocks: ``around`` has one piece more than there are ``blocks``."""

    around: tuple[bytes, ...]
    blocks: tuple[bytes, ...]

    @property
    def jobs(self) -> dict[str, bytes]:
        """The line of each job in the blocks, in order."""
        lines = [line for block in self.blocks for line in _lines(block)]
        return {found[1].decode(): line for line in lines if (found := _JOB.search(line))}

    @property
    def halves(self) -> int:
        """How many marks stand outside the blocks: they have lost their other half, or there is more between them."""
        return sum(_is_mark(line, BEGIN, END) for piece in self.around for line in _lines(piece))


def parts(crontab: bytes) -> Parts:
    """Cut a crontab at opskit's blocks."""
    around, blocks = [b""], list[bytes]()
    held: list[bytes] = []
    for line in _lines(crontab):
        if _is_mark(line, END) and held:
            blocks.append(b"".join([*held, line]))
            around.append(b"")
            held = []
        elif held and _OURS.search(line):
            held.append(line)
        else:
            around[-1] += b"".join(held)
            held = [line] if _is_mark(line, BEGIN) else []
            around[-1] += b"" if held else line
    around[-1] += b"".join(held)
    return Parts(tuple(around), tuple(blocks))


def with_jobs(crontab: bytes, lines: Mapping[str, bytes]) -> bytes:
    """The crontab with these jobs' lines in opskit's block, in place of those of the same jobs. A last line that
    had no end gets one: cron reads none without.
    """
    cut = parts(crontab)
    return _joined(cut, {**cut.jobs, **lines})


def without_jobs(crontab: bytes, names: tuple[str, ...] = ()) -> bytes:
    """The crontab without these jobs, or without opskit's block where none are named or none is left."""
    cut = parts(crontab)
    kept = {name: line for name, line in cut.jobs.items() if names and name not in names}
    return _joined(cut, kept) if kept else b"".join(cut.around)


def block(lines: Mapping[str, bytes]) -> bytes:
    """The block that opskit keeps, with these jobs' lines."""
    return b"".join([BEGIN + b"\n", _HEAD, *lines.values(), END + b"\n"])


def _joined(cut: Parts, lines: Mapping[str, bytes]) -> bytes:
    first = cut.around[0]
    gap = b"" if not first or first.endswith(b"\n") else b"\n"
    return first + gap + block(lines) + b"".join(cut.around[1:])


def _lines(text: bytes) -> list[bytes]:
    """The lines as cron reads them: only a line feed ends one."""
    return [line for line in re.split(rb"(?<=\n)", text) if line]


def _is_mark(line: bytes, *marks: bytes) -> bool:
    return line.strip() in marks

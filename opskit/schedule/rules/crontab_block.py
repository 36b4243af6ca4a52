"""opskit's block in a crontab: everything outside of it stays byte for byte as it is.

A block is a begin marker, lines that opskit writes, and an end marker. Half a block, or one with anything else in it,
is treated as the user's text.
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
class CrontabSections:
    """A crontab cut at opskit's blocks: ``around`` has one piece more than there are ``blocks``."""

    around: tuple[bytes, ...]
    blocks: tuple[bytes, ...]

    @property
    def jobs(self) -> dict[str, bytes]:
        """The line of each job in the blocks, in order."""
        lines = [line for block in self.blocks for line in _crontab_lines(block)]
        return {match[1].decode(): line for line in lines if (match := _JOB.search(line))}

    @property
    def unmatched_markers(self) -> int:
        """How many marks stand outside the blocks: they have lost their other half, or there is more between them."""
        return sum(_is_marker(line, BEGIN, END) for piece in self.around for line in _crontab_lines(piece))


def split_sections(crontab: bytes) -> CrontabSections:
    """Cut a crontab at opskit's blocks."""
    around, blocks = [b""], list[bytes]()
    held: list[bytes] = []
    for line in _crontab_lines(crontab):
        if _is_marker(line, END) and held:
            blocks.append(b"".join([*held, line]))
            around.append(b"")
            held = []
        # Only lines that opskit writes may stand inside: anything else makes it the user's text.
        elif held and _OURS.search(line):
            held.append(line)
        else:
            around[-1] += b"".join(held)
            held = [line] if _is_marker(line, BEGIN) else []
            around[-1] += b"" if held else line
    around[-1] += b"".join(held)
    return CrontabSections(tuple(around), tuple(blocks))


def upsert_jobs(crontab: bytes, lines: Mapping[str, bytes]) -> bytes:
    """The crontab with these jobs' lines in opskit's block, in place of those of the same jobs. A last line that
    had no end gets one: cron reads none without.
    """
    cut = split_sections(crontab)
    return _join_sections(cut, {**cut.jobs, **lines})


def remove_jobs(crontab: bytes, names: tuple[str, ...] = ()) -> bytes:
    """The crontab without these jobs, or without opskit's block where none are named or none is left."""
    cut = split_sections(crontab)
    kept = {name: line for name, line in cut.jobs.items() if names and name not in names}
    return _join_sections(cut, kept) if kept else b"".join(cut.around)


def build_block(lines: Mapping[str, bytes]) -> bytes:
    """The block that opskit keeps, with these jobs' lines."""
    return b"".join([BEGIN + b"\n", _HEAD, *lines.values(), END + b"\n"])


def _join_sections(cut: CrontabSections, lines: Mapping[str, bytes]) -> bytes:
    first = cut.around[0]
    separator = b"" if not first or first.endswith(b"\n") else b"\n"
    return first + separator + build_block(lines) + b"".join(cut.around[1:])


def _crontab_lines(text: bytes) -> list[bytes]:
    """The lines as cron reads them: only a line feed ends one."""
    return [line for line in re.split(rb"(?<=\n)", text) if line]


def _is_marker(line: bytes, *marks: bytes) -> bool:
    return line.strip() in marks

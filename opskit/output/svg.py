"""Text as an SVG image of a terminal, for a README."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path


def save_svg(path: Path, title: str, lines: Sequence[str]) -> None:
    """Write lines as an SVG. Headings (lines that begin with a number) are bold, commands are blue.

    Raises:
        OSError: the file cannot be written.
    """
    from opskit.output.rich_console import VisibleConsole, shown_text

    console = VisibleConsole(record=True, width=max(map(len, lines)) + 2, file=io.StringIO())
    for line in lines:
        bare = line.strip()
        style = "bold" if bare[:1].isdigit() and ". " in bare[:4] else "cyan" if bare.startswith("$") else ""
        console.print(shown_text(line, style))
    picture = re.sub(r"@font-face\s*\{.*?\}\s*", "", console.export_svg(title=title), flags=re.DOTALL)
    path.write_text(
        picture, encoding="utf-8"
    )  # without rich's web font: the image must not load anything from another host

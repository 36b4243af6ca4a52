"""rich's console with escaping: whatever it prints, to a terminal or an SVG image of one, text from outside gets there
as text only. Imported only when a terminal is written to, since rich takes long to import.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from opskit.output.printing import visible_line, visible_text


class VisibleConsole(Console):
    """A console whose texts cannot control the terminal. Colours, links and the cursor movements of a spinner are
    rich's own.
    """

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The rendered segments: rich's control codes as they are, all texts escaped."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible_text(segment.text), segment.style)


ShownText = Text
"""A text as ``shown_text`` and ``shown_cell`` make it."""


def console_on(stream: IO[str], *, color: bool, width: int | None = None) -> VisibleConsole:
    """A console that writes to a stream, in colour if wanted, as wide as the terminal where ``width`` is None."""
    return VisibleConsole(file=stream, no_color=not color, highlight=False, width=width)


def shown_text(text: str, style: str = "") -> Text:
    """A text for the console. It is escaped here, before rich measures its width."""
    return Text(visible_text(text), style=style)


def shown_cell(text: str, style: str = "") -> Text:
    """A text for a table cell, on one line."""
    return Text(visible_line(text), style=style)


def save_svg(path: Path, title: str, lines: Sequence[str]) -> None:
    """Write lines as an SVG. Headings (lines that begin with a number) are bold, commands are blue.

    Raises:
        OSError: the file cannot be written.
    """

    console = VisibleConsole(record=True, width=max(map(len, lines)) + 2, file=io.StringIO())
    for line in lines:
        bare = line.strip()
        style = "bold" if bare[:1].isdigit() and ". " in bare[:4] else "cyan" if bare.startswith("$") else ""
        console.print(shown_text(line, style))
    picture = re.sub(r"@font-face\s*\{.*?\}\s*", "", console.export_svg(title=title), flags=re.DOTALL)
    path.write_text(
        picture, encoding="utf-8"
    )  # without rich's web font: the image must not load anything from another host

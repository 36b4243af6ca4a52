"""rich's console with escaping: whatever it prints, text from outside reaches the terminal as text only. Imported only
when a terminal is written to, since rich takes long to import.
"""

from __future__ import annotations

from collections.abc import Iterable
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

"""rich's console with the door that everything for people goes through: whatever it is given to draw, what comes from
outside reaches the terminal as text only. Loaded only where a terminal is drawn on.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from opskit.output.printing import visible_line, visible_text


class VisibleConsole(Console):
    """A console whose texts cannot command the terminal. Colours, links and the moves of a spinner are rich's own."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """What is drawn, piece by piece: rich's own commands as they are, all texts made visible."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible_text(segment.text), segment.style)


def console_on(stream: IO[str], *, color: bool) -> VisibleConsole:
    """A console that draws on a stream, in colour where that is welcome."""
    return VisibleConsole(file=stream, no_color=not color, highlight=False)


def shown_text(text: str, style: str = "") -> Text:
    """A text to be drawn. It is made visible here already, before its width is measured."""
    return Text(visible_text(text), style=style)


def shown_cell(text: str, style: str = "") -> Text:
    """A text of a table, on one line."""
    return Text(visible_line(text), style=style)

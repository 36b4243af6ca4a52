"""Progress of a flow: a progress bar with the latest lines on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar, assert_never

from opskit.core.events import EventSink, FlowEvent, Message, ReadFailed
from opskit.output.screen import Screen

T = TypeVar("T")


@dataclass(frozen=True)
class Stage:
    """The current state of the work: a text, and how much is done. ``completed`` None: it is not counted. ``total``
    None: how much there is in all is not known.
    """

    text: str
    completed: int | None = None
    total: int | None = None


@contextmanager
def watch_progress(screen: Screen) -> Iterator[EventSink]:
    """A sink that shows a flow's events."""
    with watch_stages(screen, format_event, lambda event: None) as emit:
        yield emit


@contextmanager
def watch_stages(
    screen: Screen, line_of: Callable[[T], str], stage_of: Callable[[T], Stage | None]
) -> Iterator[Callable[[T], None]]:
    """A sink that shows events of any type: ``line_of`` formats one as a line (empty: not shown), and ``stage_of``
    returns the new state of the work (None: unchanged).
    """
    if screen.quiet or not screen.stderr_stream.isatty():
        yield lambda event: screen.info(line_of(event)) if line_of(event) else None
        return
    from opskit.output.rich_console import console_on

    with _progress_bar(console_on(screen.stderr_stream, color=screen.color), line_of, stage_of) as emit:
        yield emit


def format_event(event: FlowEvent) -> str:
    """An event as a line."""
    match event:
        case ReadFailed(what, reason):
            return f"{what}: {reason}"
        case Message(text):
            return text
        case _:
            assert_never(event)


@contextmanager
def _progress_bar(
    console: Any, line_of: Callable[[T], str], stage_of: Callable[[T], Stage | None]
) -> Iterator[Callable[[T], None]]:
    """A progress bar below the lines, with a clock for stages that count nothing."""
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from opskit.output.rich_console import shown_text

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(24), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("Looking at the account", total=None)

        def show_event(event: T) -> None:
            if line_of(event):
                console.print(
                    shown_text(line_of(event)), soft_wrap=True
                )  # not wrapped, so that a line can be copied whole
            stage = stage_of(event)
            if stage and stage.completed is not None:
                progress.update(task, total=stage.total, completed=stage.completed, description=stage.text)
            elif stage:
                progress.reset(task, total=None, description=stage.text)

        yield show_event

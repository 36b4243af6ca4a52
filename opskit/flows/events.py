"""What a run tells while it goes on, as values. How they look is for the window to decide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from opskit.decide.guard import Part
from opskit.decide.naming import Next
from opskit.left_running import Kind
from opskit.model import Fleet


@dataclass(frozen=True)
class Priced:
    """What this run is about to pay for; empty when all is there already."""

    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Chosen:
    """Which job this run starts, follows or shows, and on what."""

    kind: Kind
    next: Next
    fleet: Fleet


@dataclass(frozen=True)
class Uploaded:
    """An object was written."""

    uri: str
    size_bytes: int


@dataclass(frozen=True)
class State:
    """What AWS says of something in the making, told when it changes."""

    kind: Kind
    name: str
    state: str


@dataclass(frozen=True)
class LogLine:
    """A line of a job's log."""

    text: str


@dataclass(frozen=True)
class Trouble:
    """Something could not be read on the way. The run goes on."""

    what: str
    because: str


@dataclass(frozen=True)
class Remark:
    """A sentence of another flow."""

    text: str


Event = Priced | Chosen | Uploaded | State | LogLine | Trouble | Remark
Tell = Callable[[Event], None]


def news_only(tell: Tell) -> Tell:
    """Pass on what is told, but a state or a trouble only when it is another than the last of its name."""
    last: dict[tuple[type, str], Event] = {}

    def heard(event: Event) -> None:
        if isinstance(event, State | Trouble):
            key = (type(event), event.name if isinstance(event, State) else event.what)
            if last.get(key) == event:
                return
            last[key] = event
        tell(event)

    return heard

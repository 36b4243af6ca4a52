"""What a flow tells while it goes on, as values. How they look is for the output to decide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class ReadFailed:
    """Something could not be read on the way. The run goes on."""

    subject: str
    reason: str


@dataclass(frozen=True)
class Message:
    """A sentence of another flow."""

    text: str


FlowEvent = ReadFailed | Message
EventSink = Callable[[FlowEvent], None]

"""Progress events of a flow, as values. The output decides how to show them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class ReadFailed:
    """Something could not be read. The flow continues."""

    subject: str
    reason: str


@dataclass(frozen=True)
class Message:
    """A sentence of another flow, to be shown as it is."""

    text: str


FlowEvent = ReadFailed | Message
EventSink = Callable[[FlowEvent], None]

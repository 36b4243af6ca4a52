"""Where notifications of a test go: a webhook that notes what came, and a server that answers byte by byte."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class WebhookRecord:
    """A place that is told things: what came, and what it answers."""

    url: str = ""
    status: int = 200
    came: list[tuple[str, str, Any]] = field(default_factory=list)


@dataclass
class RawAnswers:
    """A server that answers whatever it is told to, byte by byte, and does not stop by itself."""

    url: str = ""
    answer: bytes = b""
    is_slow: bool = False
    requests: list[bytes] = field(default_factory=list)

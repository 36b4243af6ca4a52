"""What reads have to say while they take their time, for whoever listens: once a text and command, on the screen."""

from __future__ import annotations

import threading
from collections.abc import Callable


def _ignore_notice(text: str) -> None:
    """The listener when nobody listens."""


notice_hook: Callable[[str], None] = _ignore_notice
"""Told of each notice once, by any thread; a command with a screen listens here."""

_sent: set[str] = set()
_lock = threading.Lock()


def send_notice(text: str) -> None:
    """Tell who listens why something takes longer than usual, unless that was told already."""
    with _lock:
        is_new = text not in _sent
        _sent.add(text)
    if is_new:
        notice_hook(text)

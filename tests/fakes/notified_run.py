"""A run of a command that ends in a notification."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from opskit.cli.command import CommandContext
from opskit.core.settings import load_settings
from opskit.notifications.cli import with_notifications
from opskit.output.result import CommandResult
from opskit.output.screen import Screen

PATH = ("notebook", "stop")
STOPPED: dict[str, Any] = {
    "notebooks": [
        {"name": "left-on", "region": "us-east-1", "instance_type": "ml.t2.medium", "verdict": "idle",
         "because": "idle for 5h", "action": "stop", "outcome": "done"},
        {"name": "at-work", "region": "us-east-1", "instance_type": "ml.t2.medium", "verdict": "busy",
         "because": "a kernel is busy", "action": "keep", "outcome": None},
    ],
    "saved_usd_per_hour": 0.0464,
}  # fmt: skip
NOTHING: dict[str, Any] = {"notebooks": [], "saved_usd_per_hour": 0}


def notify_of(work: Any, *, heartbeat: Path | str | None = None, notify: Path | str | None = None) -> CommandResult:
    ctx = CommandContext(load_settings({}, environment={}), Screen())
    answers = work if callable(work) else lambda: work
    return with_notifications(
        ctx, PATH, answers, str(heartbeat) if heartbeat else None, str(notify) if notify else None
    )

"""What the sandbox keeps of any job, whatever it does."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from opskit.sandbox.state import Place


@dataclass
class Job:
    """A job's record: what it was asked with, and where it stands. Change it under the lock of its place."""

    place: Place
    params: dict[str, Any]
    created: datetime
    modified: datetime
    tags: dict[str, str] = field(default_factory=dict)
    status: str = "InProgress"
    failure: str | None = None
    started: datetime | None = None
    ended: datetime | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    runs: bool = True
    """False for what a scenario says is running: there is no process to stop."""

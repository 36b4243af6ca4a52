"""What the sandbox keeps of any job, whatever it does."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from opskit.sandbox.state import AccountRegion


@dataclass
class JobRecord:
    """A job's record: its request and its status. Change it under the lock of its account and Region."""

    account_region: AccountRegion
    params: dict[str, Any]
    created: datetime
    modified: datetime
    tags: dict[str, str] = field(default_factory=dict)
    status: str = "InProgress"
    failure: str | None = None
    started: datetime | None = None
    ended: datetime | None = None
    stop_requested: threading.Event = field(default_factory=threading.Event)
    has_process: bool = True
    """False for what a scenario says is running: there is no process to stop."""

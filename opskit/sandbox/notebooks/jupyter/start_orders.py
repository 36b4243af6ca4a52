"""What the sandbox tells a notebook's process at its start: the only file that both of them know.

It has a secret in it, so it is a file that only this user can read and that is removed when it was read: command
lines and environments can be read by others.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

ON_START_SCRIPT, ON_START_LOG = "on-start", "LifecycleConfigOnStart.log"
"""The lifecycle script beside the orders, and where its output goes."""

ON_START_FAILED = 65
"""The exit code of the notebook's process where the lifecycle script failed."""


class PastWork(StrEnum):
    """What a scenario's notebook was doing before the sandbox was started."""

    IDLE = "idle"
    BUSY = "busy"
    TERMINAL = "terminal"
    EMPTY = "empty"
    STARTING = "starting"
    NO_TERMINALS = "no-terminals"
    JOB_COMPUTES = "job-computes"
    JOB_POLLS = "job-polls"
    JOB_SLEEPS = "job-sleeps"

    @property
    def has_terminals(self) -> bool:
        """Whether its Jupyter has terminals at all."""
        match self:
            case PastWork.NO_TERMINALS:
                return False
            case PastWork.IDLE | PastWork.BUSY | PastWork.TERMINAL | PastWork.EMPTY | PastWork.STARTING:
                return True
            case PastWork.JOB_COMPUTES | PastWork.JOB_POLLS | PastWork.JOB_SLEEPS:
                return True


@dataclass(frozen=True)
class NotebookPast:
    """What a scenario's notebook was doing, and since when it has been silent."""

    work: PastWork
    idle_seconds: float


@dataclass(frozen=True)
class StartOrders:
    """How Jupyter is to be started; ``port_file`` is where its process says that it is ready, and on which port.
    ``past`` is what was done in it before; None: nothing.
    """

    secret: str
    volume: Path
    port_file: Path
    past: NotebookPast | None

    def write_to(self, path: Path) -> None:
        """Write the orders into a new file of this user's alone."""
        text = json.dumps(asdict(self), default=str)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)

    @classmethod
    def take_from(cls, path: Path) -> StartOrders:
        """Read the orders and remove their file."""
        orders = json.loads(path.read_text())
        path.unlink()
        past = orders["past"]
        return cls(
            secret=orders["secret"],
            volume=Path(orders["volume"]),
            port_file=Path(orders["port_file"]),
            past=NotebookPast(PastWork(past["work"]), past["idle_seconds"]) if past else None,
        )

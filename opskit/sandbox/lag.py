"""How long a read of the sandbox goes on telling what was before a write, where AWS's reads do.

Documented, or seen by other people's clients for years: Search's index lags always; a notebook that was just made is
not found, a start is not seen, CreateEndpoint does not find a configuration that was just made, and ListTags tells the
tags of before, each now and then.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

# Now and then: in one case of ten.
_SHARE = 0.1
_SHORTEST_SECONDS, _LONGEST_SECONDS = 1.0, 5.0


class LagMode(StrEnum):
    """How often reads lag behind writes."""

    SOMETIMES = "sometimes"
    """Search always, the others in one case of ten."""
    ALWAYS = "always"
    NEVER = "never"


class LaggingRead(StrEnum):
    """What lags."""

    SEARCH = "search"
    NOTEBOOK_CREATE = "notebook-create"
    NOTEBOOK_START = "notebook-start"
    ENDPOINT_CONFIG = "endpoint-config"
    TAGS = "tags"
    EVENT_HISTORY = "event-history"

    @property
    def is_always_late(self) -> bool:
        """Whether it lags in every case, where there is any lag."""
        match self:
            case LaggingRead.SEARCH | LaggingRead.EVENT_HISTORY:
                return True
            case (
                LaggingRead.NOTEBOOK_CREATE
                | LaggingRead.NOTEBOOK_START
                | LaggingRead.ENDPOINT_CONFIG
                | LaggingRead.TAGS
            ):
                return False


@dataclass(frozen=True)
class ReadLag:
    """Decides by a seed which reads lag, and by how much: the same seed and names give the same lags again."""

    mode: LagMode = LagMode.NEVER
    seed: int = 0

    def delay(self, read: LaggingRead, *case: object) -> timedelta:
        """By how much a read lags behind one write; ``case`` tells the write from others: an ARN, and which time."""
        text = " ".join(map(str, (self.seed, read, *case)))
        digest = hashlib.sha256(text.encode()).digest()
        # Two numbers from 0 to 1 that depend on seed and call alone, so that a run can be repeated.
        chance, length = (int.from_bytes(part, "big") / 2**64 for part in (digest[:8], digest[8:16]))
        if not self._lags(read, chance):
            return timedelta(0)
        return timedelta(seconds=_SHORTEST_SECONDS + length * (_LONGEST_SECONDS - _SHORTEST_SECONDS))

    def _lags(self, read: LaggingRead, chance: float) -> bool:
        match self.mode:
            case LagMode.NEVER:
                return False
            case LagMode.ALWAYS:
                return True
            case LagMode.SOMETIMES:
                return read.is_always_late or chance < _SHARE

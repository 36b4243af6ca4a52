"""Where signs of life of a notebook are looked for."""

from __future__ import annotations

from enum import StrEnum


class EvidenceSource(StrEnum):
    """Where signs of life are looked for: in Jupyter itself, or in its log, which may only hint."""

    JUPYTER = "jupyter"
    LOGS = "logs"

    @property
    def is_log(self) -> bool:
        """Whether it is read from a log, and no way leads into Jupyter."""
        match self:
            case EvidenceSource.JUPYTER:
                return False
            case EvidenceSource.LOGS:
                return True

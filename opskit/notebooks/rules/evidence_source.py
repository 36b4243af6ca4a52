"""Where opskit looks for a notebook's activity."""

from __future__ import annotations

from enum import StrEnum


class EvidenceSource(StrEnum):
    """Where activity is looked for: in Jupyter itself, or in its log, which is only a hint."""

    JUPYTER = "jupyter"
    LOGS = "logs"

    @property
    def is_log(self) -> bool:
        """Whether only the log is read, and Jupyter is not asked."""
        match self:
            case EvidenceSource.JUPYTER:
                return False
            case EvidenceSource.LOGS:
                return True

"""Where opskit looks for a notebook's activity."""

from __future__ import annotations

from enum import StrEnum


class EvidenceSource(StrEnum):
    """Where activity is looked for: in Jupyter itself, or in its log, which is only a hint."""

    JUPYTER = "jupyter"
    LOGS = "logs"

    @property
    def enters_jupyter(self) -> bool:
        """Whether Jupyter itself is asked, and so can be looked inside from."""
        match self:
            case EvidenceSource.JUPYTER:
                return True
            case EvidenceSource.LOGS:
                return False

    @property
    def is_log(self) -> bool:
        """Whether the log is read."""
        match self:
            case EvidenceSource.JUPYTER:
                return False
            case EvidenceSource.LOGS:
                return True

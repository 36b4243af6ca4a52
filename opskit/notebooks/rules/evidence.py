"""Everything that was read about one notebook: what its verdict is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from opskit.core.instance_processes import InstanceReading, NoTerminal
from opskit.core.model import JupyterState, Notebook, Unknown
from opskit.notebooks.rules.enums import EvidenceSource


@dataclass(frozen=True)
class JupyterActivity:
    """What Jupyter itself reports; Unknown: it lets nobody in, or makes no sense."""

    source: ClassVar = EvidenceSource.JUPYTER
    state: JupyterState | Unknown


@dataclass(frozen=True)
class LogActivity:
    """The time of the last line of Jupyter's log."""

    source: ClassVar = EvidenceSource.LOGS
    last_line: datetime | Unknown


NotebookActivity = JupyterActivity | LogActivity
"""What a source of evidence says: a class for each member of ``EvidenceSource``, which is its ``source``."""


InsideEvidence = InstanceReading | NoTerminal | Unknown
"""What a look inside brings back."""


@dataclass(frozen=True)
class NotebookEvidence:
    """Everything that was read about one notebook. No field has a default: who reads a notebook says of each what was
    read, also at the last look before a stop.

    ``tags`` None: not read. ``activity`` None: not read, because other evidence decides already. ``inside`` is what a
    look inside the instance showed; None: there was none.
    """

    notebook: Notebook
    tags: Mapping[str, str] | Unknown | None
    activity: NotebookActivity | None
    inside: InsideEvidence | None

    @property
    def jupyter(self) -> JupyterState | None:
        """What Jupyter itself reports; None: it was not asked, or could not be read."""
        match self.activity:
            case JupyterActivity(state):
                return None if isinstance(state, Unknown) else state
            case LogActivity() | None:
                return None

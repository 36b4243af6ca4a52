"""How notebook instances are kept."""

from __future__ import annotations

from opskit.core.model import Notebook
from opskit.keeps.flows import KeptKind
from opskit.notebooks.changes import notebooks as changes
from opskit.notebooks.reads.notebooks import get_notebook
from opskit.notebooks.rules.enums import NotebookAction

KEPT_NOTEBOOKS: KeptKind[Notebook] = KeptKind(
    "opskit notebook",
    "notebooks",
    NotebookAction.TAG,
    get_notebook,
    changes.prepare_tagging,
    changes.prepare_untagging,
)

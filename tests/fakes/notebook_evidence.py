"""What a look at a notebook has read, as the tests of its verdict put it together."""

from __future__ import annotations

from typing import Any

from opskit.core.model import Notebook
from opskit.notebooks.rules.evidence import JupyterActivity, NotebookEvidence


def jupyter_evidence(lab: Notebook, tags: Any = None, state: Any = None, inside: Any = None) -> NotebookEvidence:
    """Tags, and what Jupyter reports. ``tags`` None: it has none; ``state`` None: it was not asked."""
    return NotebookEvidence(
        lab, {} if tags is None else tags, None if state is None else JupyterActivity(state), inside
    )

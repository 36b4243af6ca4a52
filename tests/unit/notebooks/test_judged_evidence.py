"""What is seen of a notebook is judged: a field that is read and that no rule looks at would be an evidence in vain."""

from __future__ import annotations

import ast
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from opskit.core.instance_processes import GpuUse, InstanceProcess, InstanceReading
from opskit.core.model import JupyterState, Kernel, Terminal
from opskit.notebooks.rules.evidence import NotebookEvidence

RULES = Path(__file__).parents[3] / "opskit/notebooks/rules"
SEEN = (NotebookEvidence, JupyterState, Kernel, Terminal, InstanceReading, InstanceProcess, GpuUse)


@pytest.fixture(scope="module")
def asked() -> set[str]:
    """The attributes that the rules read."""
    texts = [path.read_text(encoding="utf-8") for path in RULES.rglob("*.py")]
    # What the classes themselves answer from their fields counts as well.
    texts += [file.read_text(encoding="utf-8") for file in {_file_of(kind) for kind in SEEN}]
    nodes = (node for text in texts for node in ast.walk(ast.parse(text)))
    return {node.attr for node in nodes if isinstance(node, ast.Attribute)}


def _file_of(kind: type[Any]) -> Path:
    return Path(__file__).parents[3].joinpath(*kind.__module__.split(".")).with_suffix(".py")


@pytest.mark.parametrize("kind", SEEN, ids=lambda kind: kind.__name__)
def test_every_field_of_what_is_seen_is_looked_at_by_a_rule(kind: Any, asked: set[str]) -> None:
    assert {field.name for field in fields(kind)} - asked == set()

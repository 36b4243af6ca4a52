"""What is read again and again is read by ``opskit.aws.polling``; who else sleeps in a loop has a reason."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[3] / "opskit"
SLEEPING = {
    "aws/client.py": "tries a failed read again",
    "aws/create_once.py": "sends again what AWS refused, since it did not see something else yet",
    "aws/polling.py": "the one that polls",
    "aws/writer.py": "sends again what was throttled",
    "endpoints/flows/start.py": "sets again what is missing",
    "notebooks/flows/create.py": "sends again what AWS refused, since it did not see the role yet",
    "notebooks/reads/jupyter_terminal.py": "waits for a terminal's answer",
    "output/browser.py": "waits for a browser on this machine",
    "state/store.py": "waits for a lock on this machine",
}
"""Modules that sleep in a loop, and why."""


def sleeps_in_loops(tree: ast.Module) -> Iterator[int]:
    """The lines where a loop sleeps."""
    loops = (node for node in ast.walk(tree) if isinstance(node, ast.For | ast.While))
    for inner in (inner for loop in loops for inner in ast.walk(loop)):
        if isinstance(inner, ast.Call) and ast.unparse(inner.func).endswith("sleep"):
            yield inner.lineno


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("while True:\n    look()\n    time.sleep(1)", [3]),
        ("for pause in PAUSES:\n    if found():\n        break\n    self.clock.sleep(pause)", [4]),
        ("clock.sleep(1)\nfor each in found:\n    look(each)", []),
    ],
)
def test_a_loop_that_sleeps_is_found(source: str, lines: list[int]) -> None:
    assert list(sleeps_in_loops(ast.parse(source))) == lines


def test_nothing_else_polls() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py") if "sandbox" not in path.parts}
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path, text in texts.items()
        if "sleep(" in text and list(sleeps_in_loops(ast.parse(text)))
    }
    assert found == SLEEPING.keys()

"""A status of AWS's that has an enumeration is asked there what it means, and is written nowhere else."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from opskit.core.aws_statuses import AwsStatus

PACKAGE = Path(__file__).parents[3] / "opskit"
WORDS = {status.value for kind in AwsStatus.__subclasses__() for status in kind} - {"unknown"}
OF_OTHERS = {
    "endpoints/reads/attachments.py": "inference experiments",
    "inventory/reads/components.py": "inference components",
    "inventory/reads/jobs.py": "the steps of a training job",
    "inventory/reads/servers.py": "MLflow's apps, partners' apps and training plans",
    "inventory/reads/studio.py": "spaces",
}
"""Modules that read the statuses of what has no enumeration, each in this one place."""


def status_words(tree: ast.Module) -> Iterator[int]:
    """The lines where a status is compared with a word, or where a constant of the module is one or several."""
    for node in ast.walk(tree):
        match node:
            case ast.Compare(left=left, comparators=sides) if any(map(has_word, (left, *sides))):
                yield node.lineno
            case ast.Module(body=body):
                for each in body:
                    if isinstance(each, ast.Assign | ast.AnnAssign) and each.value and has_word(each.value):
                        yield each.lineno
            case _:
                pass


def has_word(node: ast.expr) -> bool:
    """Whether an expression is such a word, or a list of words with one."""
    match node:
        case ast.Constant(value=value):
            return value in WORDS
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts) | ast.Dict(values=parts):
            return any(map(has_word, parts))
        case ast.Call(func=ast.Name(id="frozenset" | "set" | "tuple"), args=parts):
            return any(map(has_word, parts))
        case _:
            return False


@pytest.mark.parametrize(
    "line",
    [
        'is_new = status == "Creating"',
        'if status in (GONE, "Deleting"): go()',
        '_ENDS = frozenset({"Completed", "Failed", "Stopped"})',
        '_STATES = {"inservice": "InService"}',
        '_GOING: str = "Deleting"',
    ],
)
def test_a_word_is_found(line: str) -> None:
    assert list(status_words(ast.parse(line))) == [1]


@pytest.mark.parametrize("line", ['Cell("Stopped")', 'text = f"it is {status}"', 'if status == "gone": go()'])
def test_what_is_shown_or_no_status_passes(line: str) -> None:
    assert list(status_words(ast.parse(line))) == []


def test_no_module_has_statuses_of_its_own() -> None:
    texts = {
        path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8")
        for path in PACKAGE.rglob("*.py")
        if "sandbox" not in path.parts
    }
    found = {
        name: lines
        for name, text in texts.items()
        # To parse all of opskit takes a second.
        if name != "core/aws_statuses.py" and any(f'"{word}"' in text for word in WORDS)
        if (lines := list(status_words(ast.parse(text))))
    }
    assert {name: lines for name, lines in found.items() if name not in OF_OTHERS} == {}
    assert found.keys() == OF_OTHERS.keys()

"""What a word means is asked of its enumeration: no status of AWS's, and no field of an answer, is compared with it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from opskit.core.aws_statuses import AwsStatus

PACKAGE = Path(__file__).parents[3] / "opskit"
WORDS = {status.value for kind in AwsStatus.__subclasses__() for status in kind} - {"unknown"}
OF_OTHERS = {
    "endpoints/reads/attachments.py": "inference experiments",
    "inventory/reads/inference_components.py": "inference components",
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


FIELDS = {"action", "outcome", "standing", "state", "status", "step", "verdict"}
"""Fields of answers and records that hold a member of an enumeration."""
OF_ANSWERS = {
    "assistants/cli/mcp_server.py": "whether an answer is an error at all",
    "demo/steps.py": "the demo reads what commands print",
    "explain/rules/json_answers.py": "what is pasted may be of any opskit",
    "guards/python.py": "adds a word of its own to an answer",
    "notifications/rules.py": "it is below the features whose answers it tells",
}
"""Modules that compare fields with words, and why."""


def field_words(tree: ast.Module) -> Iterator[int]:
    """The lines where such a field is compared with a word: a member that is added is no case of that."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and any(map(is_field, ast.walk(node.left))):
            values = (inner for side in node.comparators for inner in ast.walk(side))
            told = (each for each in values if isinstance(each, ast.Constant) and isinstance(each.value, str))
            yield from (node.lineno for _ in islice(told, 1))


def is_field(node: ast.AST) -> bool:
    match node:
        case ast.Subscript(slice=ast.Constant(value=field)):
            return field in FIELDS
        case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value=field), *_]):
            return field in FIELDS
        case _:
            return False


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('row["verdict"] in ("short", "unknown")', [1]),
        ('(row["action"], row["outcome"]) == ("stop", "done")', [1]),
        ('str(row.get("step")) == "nothing"', [1]),
        ('row["name"] == "idle"', []),
        ('Verdict(row["verdict"]).is_room', []),
        ('row["outcome"] in NOT_SENT', []),
    ],
)
def test_a_field_that_is_compared_with_a_word_is_found(line: str, found: list[int]) -> None:
    assert list(field_words(ast.parse(line))) == found


def test_no_module_compares_a_field_with_a_word() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py") if "sandbox" not in path.parts}
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path, text in texts.items()
        if any(f'"{field}"' in text for field in FIELDS) and list(field_words(ast.parse(text)))
    }
    advice = "ask a property of the enumeration (`Verdict(row['verdict']).is_room`)"
    assert found - OF_ANSWERS.keys() == set(), (
        f"{advice}, or add the module to OF_ANSWERS in this file, with the reason"
    )
    assert OF_ANSWERS.keys() - found == set(), "these compare no field with a word: take them out of OF_ANSWERS"


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
        if name not in ("core/aws_statuses.py", "core/job_statuses.py") and any(f'"{word}"' in text for word in WORDS)
        if (lines := list(status_words(ast.parse(text))))
    }
    unlisted = {name: lines for name, lines in found.items() if name not in OF_OTHERS}
    advice = "ask a property of the status's enumeration in opskit/core/aws_statuses.py, or add one there"
    assert unlisted == {}, f"{advice}; OF_OTHERS in this file is for what has none"
    assert OF_OTHERS.keys() - found.keys() == set(), "these have no statuses any more: take them out of OF_OTHERS"

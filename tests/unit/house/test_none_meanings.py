"""None has one meaning per field: a class with a field that may be None says in its docstring what None is there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import opskit
from tools.enumerations import statements

PACKAGE = Path(opskit.__file__).parent


def may_be_none(annotation: ast.expr) -> bool:
    """Whether ``None`` is a member of the union; that of a function's result, or of a list's items, is not."""
    match annotation:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return may_be_none(left) or may_be_none(right)
        case ast.Constant(value=None):
            return True
        case ast.Subscript(value=ast.Name(id="ClassVar" | "Final" | "InitVar"), slice=inner):
            return may_be_none(inner)
        case _:
            return False


def says_of_none(docstring: str, field: str) -> bool:
    """Whether the docstring says what None is in this field: in the sentence that names it, or in one that begins
    with None and so is about all fields."""
    for sentence in re.split(r"(?<=\.)\s+", docstring):
        if re.match(r"None\b", sentence) or (f"``{field}``" in sentence and re.search(r"\bNone\b", sentence)):
            return True
    return False


def fields_without_meaning(source: str) -> Iterator[str]:
    """Class and field, of each public field that may be None and of which nothing says what that means."""
    if not re.search(r"\|\s*None\b|\bNone\s*\|", source):
        return
    for node in statements(ast.parse(source)):
        if not isinstance(node, ast.ClassDef):
            continue
        for index, statement in enumerate(node.body):
            match statement:
                case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation) if may_be_none(annotation):
                    after = node.body[index + 1] if index + 1 < len(node.body) else None
                    own = (
                        after.value.value
                        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
                        else ""
                    )
                    own_says = re.search(r"\bNone\b", str(own))
                    if not (name.startswith("_") or own_says or says_of_none(ast.get_docstring(node) or "", name)):
                        yield f"{node.name}.{name}"


def test_each_field_that_may_be_none_says_what_none_means() -> None:
    texts = {str(path.relative_to(PACKAGE)): path.read_text() for path in sorted(PACKAGE.rglob("*.py"))}
    # Only a field of this form is looked for; to parse all of opskit takes most of a second.
    with_fields = {name: text for name, text in texts.items() if re.search(r"^ +\w+: .*\bNone\b", text, re.M)}
    silent = {name: found for name, text in with_fields.items() if (found := list(fields_without_meaning(text)))}
    assert not silent


@pytest.mark.parametrize(
    ("docstring", "is_said"),
    [
        ("``until`` is when it ends; None: never.", True),
        ("``since`` and ``until`` are None where it has no end.", True),
        ("``until`` is when it ends. ``since`` None: not known.", False),
        ("What was read. None: AWS did not say it.", True),
        ("What was read.", False),
    ],
)
def test_a_docstring_is_read_by_its_sentences(docstring: str, is_said: bool) -> None:
    source = f'class A:\n    """{docstring}"""\n\n    until: int | None\n    call: Callable[[], None]\n'
    assert list(fields_without_meaning(source)) == ([] if is_said else ["A.until"])


def test_a_field_may_say_it_itself() -> None:
    source = (
        'class A:\n    until: int | None = None\n    """When it ends; None: never."""\n    since: int | None = None\n'
    )
    assert list(fields_without_meaning(source)) == ["A.since"]

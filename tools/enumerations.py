"""The sources that our checks read, and the enumerations in them.

It parses the source and imports nothing from opskit, so a check of it also works on code that does not run.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_ENUM_BASES = {"Enum", "StrEnum", "IntEnum", "Flag", "IntFlag"}


@dataclass(frozen=True)
class Finding:
    """A location in the source, and what is wrong there."""

    path: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


@dataclass(frozen=True)
class Enumeration:
    """A class that derives from one of the standard library's enumerations; ``members`` are its members' values, as
    source text, by their names.
    """

    path: Path
    line: int
    name: str
    members: Mapping[str, str]


def parse_sources(root: Path) -> dict[Path, ast.Module]:
    """All Python files below a folder, parsed."""
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(root.rglob("*.py"))}


def statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """All statements, those inside others too, in the order of the text. A class, a function or a ``match`` is one, so
    that whoever looks for these need not look into expressions, which are most of a tree.
    """
    inside: list[ast.AST] = [*reversed(tree.body)]
    while inside:
        node = inside.pop()
        if isinstance(node, ast.stmt):
            yield node
        parts = [getattr(node, part, ()) for part in ("body", "handlers", "orelse", "finalbody", "cases")]
        inside += [each for part in parts for each in part][::-1]


def find_enumerations(sources: Mapping[Path, ast.Module]) -> list[Enumeration]:
    """All enumerations. Two classes with the same name are two enumerations. One without members is a base of others,
    and none itself.
    """
    classes = [
        (path, node) for path, tree in sources.items() for node in statements(tree) if isinstance(node, ast.ClassDef)
    ]
    bases = {
        *_ENUM_BASES,
        *(node.name for _, node in classes if _has_base(node, _ENUM_BASES) and not _read_members(node)),
    }
    return [
        Enumeration(path, node.lineno, node.name, members)
        for path, node in classes
        if _has_base(node, bases) and (members := _read_members(node))
    ]


def find_constants(trees: Iterable[ast.Module]) -> set[str]:
    """The names of all variables of modules that are a word."""
    return {
        target.id
        for tree in trees
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _has_base(node: ast.ClassDef, names: Collection[str]) -> bool:
    return any(last_name(base) in names for base in node.bases)


def _read_members(node: ast.ClassDef) -> dict[str, str]:
    return {
        target.id: ast.unparse(statement.value)
        for statement in node.body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name) and target.id.isupper()
    }


def last_name(node: ast.expr) -> str:
    """The name that an expression ends with; empty where it ends with none."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def is_in_sandbox(path: Path) -> bool:
    """Whether a file is of the sandbox, which shares no code with the rest."""
    return "sandbox" in path.parts

"""Refuse choices over opskit's own enumerations that a member added later would slip through in silence.

mypy's ``exhaustive-match`` finds a ``match`` that forgets a member, but it accepts ``case _``, and it does not look at
``if … else``: there a new member takes the last branch. This check closes those ways. A choice over an enumeration of
opskit's is a ``match`` with every case named (``case _`` only to call ``assert_never``), a whole table, or a property
of the enumeration that is one of these. An ``if`` without ``else`` that goes on afterwards is no choice, and stays.

It reads source as text and imports nothing of opskit's, so that it also runs on a tree that does not work:
``python -m tools.closed_choices opskit`` prints a line for each place and exits with 1 when there is any.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_ENUM_BASES = {"Enum", "StrEnum", "IntEnum", "Flag", "IntFlag"}
_INSTEAD = "name every case in a `match`, or give the enumeration a property that does"


@dataclass(frozen=True)
class Finding:
    """A place in the source, and what is wrong there."""

    path: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


def parse_sources(root: Path) -> dict[Path, ast.Module]:
    """All Python files below a folder, parsed."""
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(root.rglob("*.py"))}


def find_enumerations(sources: Mapping[Path, ast.Module]) -> dict[str, dict[str, str]]:
    """Members and their values, as source text, of each class that derives from one of the standard library's
    enumerations, by the class's name.
    """
    return {
        node.name: {
            target.id: ast.unparse(statement.value)
            for statement in node.body
            if isinstance(statement, ast.Assign)
            for target in statement.targets
            if isinstance(target, ast.Name) and target.id.isupper()
        }
        for tree in sources.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and any(_last_name(base) in _ENUM_BASES for base in node.bases)
    }


def find_open_choices(sources: Mapping[Path, ast.Module]) -> list[Finding]:
    """Each choice that would handle a new member by default."""
    enumerations = set(find_enumerations(sources))
    return [
        Finding(path, line, text)
        for path, tree in sources.items()
        for node in ast.walk(tree)
        for line, text in (*_open_matches(node, enumerations), *_open_conditions(node, enumerations))
    ]


def find_twin_enumerations(enumerations: Mapping[str, Mapping[str, str]]) -> list[tuple[str, str]]:
    """Pairs of enumerations with the same values: one of them was written twice, or is written as part of another."""
    values = {name: set(members.values()) for name, members in enumerations.items()}
    return [
        (one, other)
        for one in sorted(values)
        for other in sorted(values)
        if one != other and len(values[one]) > 2 and values[one] <= values[other] and (one, other) <= (other, one)
    ]


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _named_member(node: ast.AST, enumerations: set[str]) -> str | None:
    """``Enumeration.MEMBER``, where ``node`` mentions one."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Attribute) and inner.attr.isupper() and _last_name(inner.value) in enumerations:
            return f"{_last_name(inner.value)}.{inner.attr}"
    return None


def _compared_member(test: ast.expr, enumerations: set[str]) -> str | None:
    """The member that a condition compares something with."""
    for inner in ast.walk(test):
        if isinstance(inner, ast.Compare) and (member := _named_member(inner, enumerations)):
            return member
    return None


def _open_matches(node: ast.AST, enumerations: set[str]) -> Iterator[tuple[int, str]]:
    if not isinstance(node, ast.Match):
        return
    members = [member for case in node.cases if (member := _named_member(case.pattern, enumerations))]
    for case in node.cases:
        is_wildcard = isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None
        if members and is_wildcard and not _calls_assert_never(case.body):
            yield case.pattern.lineno, f"`case _` beside {members[0]}: {_INSTEAD}"


def _calls_assert_never(body: list[ast.stmt]) -> bool:
    last = body[-1]
    called = last.value if isinstance(last, ast.Expr | ast.Return) else None
    return isinstance(called, ast.Call) and _last_name(called.func) == "assert_never"


def _open_conditions(node: ast.AST, enumerations: set[str]) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.IfExp) and (member := _compared_member(node.test, enumerations)):
        yield node.lineno, f"`… if … else …` on {member}: {_INSTEAD}"
    if isinstance(node, ast.If) and node.orelse and (member := _compared_member(node.test, enumerations)):
        yield node.lineno, f"`if … else` on {member}: {_INSTEAD}"
    for field in ("body", "orelse", "finalbody"):
        block = getattr(node, field, None)
        # A block that ends with `if member: return …` has no other branch; with more below, that is the else.
        for statement in block[:-1] if isinstance(block, list) else ():
            if isinstance(statement, ast.If) and not statement.orelse and _leaves(statement.body):
                member = _compared_member(statement.test, enumerations)
                if member:
                    yield statement.lineno, f"`if … return`, then more, on {member}: {_INSTEAD}"


def _leaves(body: list[ast.stmt]) -> bool:
    return isinstance(body[-1], ast.Return | ast.Raise | ast.Continue | ast.Break)


def main(arguments: list[str]) -> int:
    """Check each folder named; 1 when anything was found."""
    findings: list[object] = []
    for root in arguments:
        sources = parse_sources(Path(root))
        findings += find_open_choices(sources)
        findings += [
            f"{one} and {other} have the same values: write one enumeration"
            for one, other in find_twin_enumerations(find_enumerations(sources))
        ]
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

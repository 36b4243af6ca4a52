"""Find choices over opskit's enumerations that would handle a member added later by default, without notice.

mypy's ``exhaustive-match`` finds a ``match`` that forgets a member, but it accepts ``case _``, and it does not look at
``if … else``: there a new member takes the last branch. This check closes those ways. A choice over an enumeration of
opskit's is a ``match`` with every case named (``case _`` only to call ``assert_never``), a whole table of a module, or
a property of the enumeration that is one of these. The same goes for a ``match`` over the classes of a union, and
``isinstance`` with a class of a union of three or more (but for ``Unknown``) is judged as a comparison with a member.

Not reported: ``x is Kind.A`` that selects one member, as in a filter or in an ``if`` without ``else`` and ``return``;
and a guard, ``if x is not Kind.A: raise …``, because a new member makes it raise.

It parses the source and imports nothing from opskit, so it also works on code that does not run:
``python -m tools.closed_choices opskit`` prints one line per finding, and exits with 1 if there are any.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from tools.class_unions import classes_of_unions, find_comparisons, find_unions

_ENUM_BASES = {"Enum", "StrEnum", "IntEnum", "Flag", "IntFlag"}
_INSTEAD = "name every case in a `match`, or give the enumeration (each class) a property that does"
_NEGATIVE = (ast.IsNot, ast.NotIn, ast.NotEq)
_FEWEST_SHARED_VALUES = 3
"""Enumerations with fewer members may share their values by chance (``on``, ``off``)."""


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


def find_enumerations(sources: Mapping[Path, ast.Module]) -> list[Enumeration]:
    """All enumerations. Two classes with the same name are two enumerations. One without members is a base of others,
    and none itself.
    """
    classes = [
        (path, node) for path, tree in sources.items() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)
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


def _has_base(node: ast.ClassDef, names: Collection[str]) -> bool:
    return any(_last_name(base) in names for base in node.bases)


def find_open_choices(sources: Mapping[Path, ast.Module]) -> list[Finding]:
    """Each choice that would handle a new member by default, at most one per line."""
    names = {enumeration.name for enumeration in find_enumerations(sources)}
    unions = find_unions(sources.values())
    classes = classes_of_unions(unions)
    found: dict[tuple[Path, int], str] = {}
    for path, tree in sources.items():
        for line, text in (*_ChoiceScan(tree, names, classes).open_choices(), *_open_classes(tree, unions)):
            found.setdefault((path, line), text)
    return [Finding(path, line, f"{text}: {_INSTEAD}") for (path, line), text in sorted(found.items())]


def find_twin_enumerations(enumerations: Iterable[Enumeration]) -> list[tuple[Enumeration, Enumeration]]:
    """Pairs of enumerations with the same values, which should be one enumeration. The sandbox shares no code with the
    rest, so both have enumerations of AWS's values.
    """
    return [
        (one, other)
        for one, other in combinations(enumerations, 2)
        if _is_in_sandbox(one.path) == _is_in_sandbox(other.path) and _have_same_values(one, other)
    ]


def find_rewritten_enumerations(sources: Mapping[Path, ast.Module]) -> list[Finding]:
    """Lists of strings that repeat the values of an enumeration: ``Literal["a", "b"]``, ``WORDS = ("a", "b")``."""
    enumerations = find_enumerations(sources)
    return [
        Finding(path, node.lineno, f"the values of {enumeration.name} ({enumeration.path}): write them once")
        for path, tree in sources.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Tuple | ast.List | ast.Set) and len(node.elts) > 1
        for enumeration in enumerations
        if _is_in_sandbox(enumeration.path) == _is_in_sandbox(path)
        and {ast.unparse(word) for word in node.elts} == set(enumeration.members.values())
    ]


def _open_classes(tree: ast.Module, unions: Mapping[frozenset[str], str]) -> Iterator[tuple[int, str]]:
    """Each ``case _`` beside several classes of one union; beside one class it stands for the rest, as in a filter."""
    for node in ast.walk(tree):
        patterns = [case.pattern for case in node.cases] if isinstance(node, ast.Match) else []
        classes = list(dict.fromkeys(name for pattern in patterns for name in _pattern_classes(pattern)))
        union = next((name for members, name in unions.items() if members >= set(classes)), None)
        for case in node.cases if isinstance(node, ast.Match) and union and len(classes) > 1 else ():
            if _is_wildcard(case.pattern) and not _calls_assert_never(case.body):
                yield case.pattern.lineno, f"`case _` beside {classes[0]} of {union}"


def _pattern_classes(pattern: ast.pattern) -> Iterator[str]:
    """The classes that a pattern tells apart, without those of what is inside them."""
    match pattern:
        case ast.MatchClass(cls=named):
            yield _last_name(named)
        case ast.MatchOr(patterns=alternatives):
            yield from (name for each in alternatives for name in _pattern_classes(each))
        case ast.MatchAs(pattern=ast.pattern() as inner):
            yield from _pattern_classes(inner)
        case _:
            pass


def _is_wildcard(pattern: ast.pattern) -> bool:
    return isinstance(pattern, ast.MatchAs) and pattern.pattern is None


def _is_in_sandbox(path: Path) -> bool:
    return "sandbox" in path.parts


def _have_same_values(one: Enumeration, other: Enumeration) -> bool:
    values = set(one.members.values())
    return len(values) >= _FEWEST_SHARED_VALUES and values == set(other.members.values())


def _read_members(node: ast.ClassDef) -> dict[str, str]:
    return {
        target.id: ast.unparse(statement.value)
        for statement in node.body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name) and target.id.isupper()
    }


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


class _ChoiceScan:
    """Finds the open choices of one module. ``enumerations`` are the names of all enumerations, ``classes`` those of
    classes of unions, each with its union.
    """

    def __init__(self, tree: ast.Module, enumerations: set[str], classes: Mapping[str, str]) -> None:
        self.tree, self.enumerations, self.classes = tree, enumerations, classes
        self.comparisons = find_comparisons(tree, classes)
        self.groups = dict(self._named_groups())
        self.guards = set(self._guarding_comparisons())

    def open_choices(self) -> Iterator[tuple[int, str]]:
        """The line and a description of each open choice."""
        for node in ast.walk(self.tree):
            yield from self._open_cases(node)
            yield from self._open_branches(node)
            yield from self._open_lookups(node)
            yield from self._open_properties(node)
            comparison = self.comparisons.get(id(node))
            if comparison and id(comparison) not in self.guards:
                yield from self._open_comparison(comparison)

    def _find_member(self, node: ast.AST) -> str | None:
        """``Enumeration.MEMBER``, where ``node`` mentions one."""
        for inner in ast.walk(node):
            if isinstance(inner, ast.Attribute):
                owner, name = _last_name(inner.value), inner.attr
                if (name.isupper() and owner in self.enumerations) or self.classes.get(name) == owner:
                    return f"{owner}.{name}"
            if isinstance(inner, ast.Name) and inner.id in self.groups:
                return self.groups[inner.id]
        return None

    def _is_member(self, node: ast.AST) -> bool:
        return isinstance(node, ast.Attribute) and self._find_member(node) is not None

    def _compared_member(self, test: ast.expr) -> str | None:
        """The first member that a condition compares something with."""
        return next((member for each in self._comparisons_in(test) if (member := self._find_member(each))), None)

    def _comparisons_in(self, test: ast.expr) -> list[ast.Compare]:
        return [self.comparisons[id(inner)] for inner in ast.walk(test) if id(inner) in self.comparisons]

    def _named_groups(self) -> Iterator[tuple[str, str]]:
        """Names of collections of members, such as ``_FINAL = {Kind.A, Kind.B}``, each with a member."""
        self.groups = {}
        for node in ast.walk(self.tree):
            if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
                continue
            value = _without_call(node.value)
            is_group = isinstance(value, ast.Set | ast.Tuple | ast.List) and all(map(self._is_member, value.elts))
            member = self._find_member(value) if is_group else None
            if member:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                yield from ((target.id, member) for target in targets if isinstance(target, ast.Name))

    def _guarding_comparisons(self) -> Iterator[int]:
        """The ids of comparisons in an ``assert``, or in an ``if`` that raises for all members but those named."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Assert) or (isinstance(node, ast.If) and self._is_guard(node)):
                yield from map(id, self._comparisons_in(node.test))

    def _is_guard(self, node: ast.If) -> bool:
        """Whether an ``if`` raises for every member that it does not name."""
        about = [each for each in self._comparisons_in(node.test) if self._find_member(each)]
        is_negative = all(isinstance(operator, _NEGATIVE) for inner in about for operator in inner.ops)
        return is_negative and not node.orelse and isinstance(node.body[-1], ast.Raise)

    def _open_cases(self, node: ast.AST) -> Iterator[tuple[int, str]]:
        if not isinstance(node, ast.Match):
            return
        members = [member for case in node.cases if (member := self._find_member(case.pattern))]
        for case in node.cases:
            if members and _is_wildcard(case.pattern) and not _calls_assert_never(case.body):
                yield case.pattern.lineno, f"`case _` beside {members[0]}"
            if case.guard and (member := self._compared_member(case.guard)):
                yield case.pattern.lineno, f"`case … if …` on {member}"

    def _open_branches(self, node: ast.AST) -> Iterator[tuple[int, str]]:
        if isinstance(node, ast.IfExp) and (member := self._compared_member(node.test)):
            yield node.lineno, f"`… if … else …` on {member}"
        if isinstance(node, ast.If) and node.orelse and (member := self._compared_member(node.test)):
            yield node.lineno, f"`if … else` on {member}"
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            # A block that ends with `if member: return …` has no other branch; with more below, that is the else.
            for statement in block[:-1] if isinstance(block, list) else ():
                if isinstance(statement, ast.If) and not statement.orelse and _leaves(statement.body):
                    member = self._compared_member(statement.test)
                    if member and not self._is_guard(statement):
                        yield statement.lineno, f"`if … return`, then more, on {member}"

    def _open_comparison(self, node: ast.Compare) -> Iterator[tuple[int, str]]:
        """A comparison that divides the members into two groups: all but one, or those in a collection."""
        for operator, side in zip(node.ops, node.comparators, strict=True):
            member = self._find_member(side)
            if member and isinstance(operator, ast.IsNot | ast.NotEq) and self._is_member(side):
                yield node.lineno, f"`is not` on {member}"
            is_list = isinstance(side, ast.Set | ast.Tuple | ast.List | ast.Name)
            if member and isinstance(operator, ast.In | ast.NotIn) and is_list:
                yield node.lineno, f"`in (…)` on {member}"

    def _open_properties(self, node: ast.AST) -> Iterator[tuple[int, str]]:
        """In an enumeration, ``self is Kind.A`` answers for all other members, too."""
        if isinstance(node, ast.ClassDef) and node.name in self.enumerations:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Compare) and (member := self._find_member(inner)):
                    yield inner.lineno, f"a comparison with {member} in the enumeration itself"

    def _open_lookups(self, node: ast.AST) -> Iterator[tuple[int, str]]:
        """``{Kind.A: …}[kind]`` or ``{…}.get(kind)``: the test for complete tables cannot find these."""
        if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.value, ast.Dict):
            member = next((found for key in node.value.keys if key and (found := self._find_member(key))), None)
            if member:
                yield node.lineno, f"a table inside an expression, on {member}"


def _without_call(node: ast.expr) -> ast.expr:
    """The argument of ``frozenset(…)``, ``set(…)`` or ``tuple(…)``, else the expression itself."""
    is_call = isinstance(node, ast.Call) and _last_name(node.func) in ("frozenset", "set", "tuple")
    return node.args[0] if isinstance(node, ast.Call) and is_call and node.args else node


def _calls_assert_never(body: list[ast.stmt]) -> bool:
    last = body[-1]
    called = last.value if isinstance(last, ast.Expr | ast.Return) else None
    return isinstance(called, ast.Call) and _last_name(called.func) == "assert_never"


def _leaves(body: list[ast.stmt]) -> bool:
    return isinstance(body[-1], ast.Return | ast.Raise | ast.Continue | ast.Break)


def main(arguments: list[str]) -> int:
    """Check the folders; return 1 if anything was found."""
    findings: list[Finding] = []
    for root in arguments:
        sources = parse_sources(Path(root))
        findings += find_open_choices(sources) + find_rewritten_enumerations(sources)
        findings += [
            Finding(other.path, other.line, f"{other.name} has the values of {one.name} ({one.path}): write it once")
            for one, other in find_twin_enumerations(find_enumerations(sources))
        ]
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

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
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, combinations
from pathlib import Path

from tools.class_unions import classes_of_unions, find_unions
from tools.divided_choices import DividedScan
from tools.enumerations import (
    Enumeration,
    Finding,
    find_constants,
    find_enumerations,
    is_in_sandbox,
    last_name,
    parse_sources,
)
from tools.member_scan import MemberScan, calls_assert_never, is_wildcard, leaves

_INSTEAD = "name every case in a `match`, or give the enumeration (each class) a property that does"
_FEWEST_SHARED_VALUES = 3
"""Enumerations with fewer members may share their values by chance (``on``, ``off``)."""


def find_open_choices(sources: Mapping[Path, ast.Module]) -> list[Finding]:
    """Each choice that would handle a new member by default, at most one per line."""
    members: dict[str, dict[str, str]] = {}
    for enumeration in find_enumerations(sources):
        members.setdefault(enumeration.name, {}).update(enumeration.members)
    # The sandbox names what is written on the wire.
    constants = find_constants(tree for path, tree in sources.items() if not is_in_sandbox(path))
    names = set(members)
    unions = find_unions(sources.values())
    classes = classes_of_unions(unions)
    found: dict[tuple[Path, int], str] = {}
    for path, tree in sources.items():
        scan = _ChoiceScan(tree, names, classes)
        divided = DividedScan(scan, members, constants)
        scans = (scan.open_choices(), _open_classes(scan.nodes, unions), divided.divided_choices())
        for line, text in chain.from_iterable(scans):
            found.setdefault((path, line), text)
    return [Finding(path, line, f"{text}: {_INSTEAD}") for (path, line), text in sorted(found.items())]


def find_twin_enumerations(enumerations: Iterable[Enumeration]) -> list[tuple[Enumeration, Enumeration]]:
    """Pairs of enumerations with the same values, which should be one enumeration. The sandbox shares no code with the
    rest, so both have enumerations of AWS's values.
    """
    return [
        (one, other)
        for one, other in combinations(enumerations, 2)
        if is_in_sandbox(one.path) == is_in_sandbox(other.path) and _have_same_values(one, other)
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
        if is_in_sandbox(enumeration.path) == is_in_sandbox(path)
        and {ast.unparse(word) for word in node.elts} == set(enumeration.members.values())
    ]


def _open_classes(nodes: Iterable[ast.AST], unions: Mapping[frozenset[str], str]) -> Iterator[tuple[int, str]]:
    """Each ``case _`` beside several classes of one union; beside one class it stands for the rest, as in a filter."""
    for node in nodes:
        patterns = [case.pattern for case in node.cases] if isinstance(node, ast.Match) else []
        classes = list(dict.fromkeys(name for pattern in patterns for name in _pattern_classes(pattern)))
        union = next((name for members, name in unions.items() if members >= set(classes)), None)
        for case in node.cases if isinstance(node, ast.Match) and union and len(classes) > 1 else ():
            if is_wildcard(case.pattern) and not calls_assert_never(case.body):
                yield case.pattern.lineno, f"`case _` beside {classes[0]} of {union}"


def _pattern_classes(pattern: ast.pattern) -> Iterator[str]:
    """The classes that a pattern tells apart, without those of what is inside them."""
    match pattern:
        case ast.MatchClass(cls=named):
            yield last_name(named)
        case ast.MatchOr(patterns=alternatives):
            yield from (name for each in alternatives for name in _pattern_classes(each))
        case ast.MatchAs(pattern=ast.pattern() as inner):
            yield from _pattern_classes(inner)
        case _:
            pass


def _alternatives(pattern: ast.pattern) -> Iterator[ast.pattern]:
    match pattern:
        case ast.MatchOr(patterns=patterns):
            yield from (part for each in patterns for part in _alternatives(each))
        case ast.MatchAs(pattern=ast.pattern() as inner):
            yield from _alternatives(inner)
        case _:
            yield pattern


def _have_same_values(one: Enumeration, other: Enumeration) -> bool:
    values = set(one.members.values())
    return len(values) >= _FEWEST_SHARED_VALUES and values == set(other.members.values())


class _ChoiceScan(MemberScan):
    """Finds the open choices of one module."""

    def open_choices(self) -> Iterator[tuple[int, str]]:
        """The line and a description of each open choice."""
        for node in self.nodes:
            yield from self._open_cases(node)
            yield from self._open_branches(node)
            yield from self._open_lookups(node)
            yield from self._open_properties(node)
            comparison = self.comparisons.get(id(node))
            if comparison and id(comparison) not in self.guards:
                yield from self._open_comparison(comparison)

    def _open_cases(self, node: ast.AST) -> Iterator[tuple[int, str]]:
        if not isinstance(node, ast.Match):
            return
        members = [member for case in node.cases if (member := self.find_member(case.pattern))]
        for case in node.cases:
            if members and not calls_assert_never(case.body):
                if is_wildcard(case.pattern):
                    yield case.pattern.lineno, f"`case _` beside {members[0]}"
                yield from self._open_parts(case.pattern, node, members[0])
            if case.guard and (member := self.compared_member(case.guard)):
                yield case.pattern.lineno, f"`case … if …` on {member}"

    def _open_parts(self, pattern: ast.pattern, choice: ast.Match, first: str) -> Iterator[tuple[int, str]]:
        """Wildcards inside of a pattern, and classes, that take each member which no other case names there."""
        for part in _alternatives(pattern):
            match part:
                case ast.MatchClass(cls=named) if last_name(named) in self.enumerations | {"str", "int", "object"}:
                    yield part.lineno, f"`case {ast.unparse(part)}` beside {first}"
                case ast.MatchSequence(patterns=places):
                    for index, place in enumerate(places):
                        member = self._member_at(index, choice) if is_wildcard(place) else None
                        if member:
                            yield part.lineno, f"`_` in the place of {member}"
                case _:
                    pass

    def _member_at(self, index: int, choice: ast.Match) -> str | None:
        """A member that some case names at a place of its sequence."""
        sequences = (part for case in choice.cases for part in _alternatives(case.pattern))
        places = (part.patterns[index : index + 1] for part in sequences if isinstance(part, ast.MatchSequence))
        return next((member for place in chain.from_iterable(places) if (member := self.find_member(place))), None)

    def _open_branches(self, node: ast.AST) -> Iterator[tuple[int, str]]:
        if isinstance(node, ast.IfExp) and (member := self.compared_member(node.test)):
            yield node.lineno, f"`… if … else …` on {member}"
        if isinstance(node, ast.If) and node.orelse and (member := self.compared_member(node.test)):
            yield node.lineno, f"`if … else` on {member}"
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            # A block that ends with `if member: return …` has no other branch; with more below, that is the else.
            for statement in block[:-1] if isinstance(block, list) else ():
                if isinstance(statement, ast.If) and not statement.orelse and leaves(statement.body):
                    member = self.compared_member(statement.test)
                    if member and not self.is_guard(statement):
                        yield statement.lineno, f"`if … return`, then more, on {member}"

    def _open_comparison(self, node: ast.Compare) -> Iterator[tuple[int, str]]:
        """A comparison that divides the members into two groups: all but one, or those in a collection."""
        for operator, left, side in zip(node.ops, (node.left, *node.comparators), node.comparators, strict=False):
            member = self.find_member(side)
            alone = next((self.find_member(each) for each in (side, left) if self.is_member(each)), None)
            if alone and isinstance(operator, ast.IsNot | ast.NotEq):
                yield node.lineno, f"`is not` on {alone}"
            if alone and isinstance(operator, ast.Lt | ast.LtE | ast.Gt | ast.GtE):
                yield node.lineno, f"an order with {alone}"
            is_list = isinstance(side, ast.Set | ast.Tuple | ast.List | ast.Name)
            if member and isinstance(operator, ast.In | ast.NotIn) and is_list:
                yield node.lineno, f"`in (…)` on {member}"

    def _open_properties(self, node: ast.AST) -> Iterator[tuple[int, str]]:
        """In an enumeration, ``self is Kind.A`` answers for all other members, too."""
        if isinstance(node, ast.ClassDef) and node.name in self.enumerations:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Compare) and (member := self.find_member(inner)):
                    yield inner.lineno, f"a comparison with {member} in the enumeration itself"

    def _open_lookups(self, node: ast.AST) -> Iterator[tuple[int, str]]:
        """``{Kind.A: …}[kind]`` or ``{…}.get(kind)``: the test for complete tables cannot find these."""
        if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.value, ast.Dict):
            member = next((found for key in node.value.keys if key and (found := self.find_member(key))), None)
            if member:
                yield node.lineno, f"a table inside an expression, on {member}"


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

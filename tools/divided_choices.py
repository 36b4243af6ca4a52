"""Find choices over an enumeration's members that no single expression makes: what a member added later is left out of.

Each comparison may be harmless by itself, as ``x is Kind.A`` that selects one member. Together they are a choice
without a last case: one comparison with ``A`` and, further down in the module, one with ``B``; a named list of some
members, by which all others are passed over; a table where the check of tables does not find it.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping

from tools.enumerations import last_name
from tools.member_scan import NEGATIVE, MemberScan, without_call

_FEWEST_IN_A_LIST = 2


class DividedScan:
    """Finds the divided choices of the module of a scan. ``members`` are each enumeration's members: values, as source
    text, by names; ``constants`` the names of all modules' variables that are a word.
    """

    def __init__(
        self, scan: MemberScan, members: Mapping[str, Mapping[str, str]], constants: Collection[str] = ()
    ) -> None:
        self.scan, self.members, self.constants = scan, members, constants
        self.words = {word for each in members.values() for name, value in each.items() for word in (repr(name), value)}

    def divided_choices(self) -> Iterator[tuple[int, str]]:
        """The line and a description of each."""
        yield from self._compared_apart()
        for statement in self.scan.tree.body:
            yield from self._hidden_tables(statement)
        for node in self.scan.nodes:
            match node:
                case ast.For(iter=looped) | ast.AsyncFor(iter=looped) | ast.comprehension(iter=looped):
                    yield from self._lists_some(looped, "a loop over some members")
                case ast.Module(body=body) | ast.ClassDef(body=body):
                    for statement in body:
                        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
                            yield from self._lists_some(statement.value, "a named list of some members")
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    yield from self._local_tables(node)
                case _:
                    yield from self._disguised(node)

    def _disguised(self, node: ast.AST) -> Iterator[tuple[int, str]]:
        """Choices that do not look like one."""
        match node:
            case ast.alias(name=name, asname=str(other)) if name in self.scan.enumerations and name != other:
                yield node.lineno, f"{name} under another name, by which no check finds it"
            case ast.Subscript(slice=index) if member := self.scan.compared_member(index):
                yield node.lineno, f"a comparison with {member} as an index"
            case ast.BinOp(left=left, right=right):
                sets = (side for side in (left, right) if isinstance(side, ast.Set))
                yield from (
                    (each.lineno, f"a set with {found}") for each in sets if (found := self.scan.find_member(each))
                )
            case ast.Compare(left=ast.Attribute(attr="value" | "name"), comparators=[side]) if self._is_word(side):
                yield node.lineno, f"a comparison with the word {ast.unparse(side)} of a member"
            case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[ast.Tuple() | ast.Set() | ast.List() as side]):
                if names := self._constants_among(side.elts):
                    yield node.lineno, f"a choice over words that are no enumeration, {names[0]} among them"
            case ast.Dict(keys=keys) if len(names := self._constants_among(filter(None, keys))) > _FEWEST_IN_A_LIST:
                yield node.lineno, f"a table of words that are no enumeration, {names[0]} among them"
            case ast.Match(subject=ast.Attribute(attr="value" | "name"), cases=cases):
                words = (case.pattern.value for case in cases if isinstance(case.pattern, ast.MatchValue))
                if word := next((ast.unparse(each) for each in words if self._is_word(each)), None):
                    yield node.lineno, f"a choice over the words of members, {word} among them"
            case _:
                pass

    def _constants_among(self, nodes: Iterable[ast.expr]) -> list[str]:
        """Those of several expressions that are other variables' words; none where it is only one."""
        found = [last_name(each) for each in nodes if last_name(each).isupper() and last_name(each) in self.constants]
        return found if len(found) >= _FEWEST_IN_A_LIST else []

    def _is_word(self, node: ast.expr) -> bool:
        """Whether a literal is a member's name or value, or a list of these."""
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            return any(map(self._is_word, node.elts))
        return isinstance(node, ast.Constant) and isinstance(node.value, str) and repr(node.value) in self.words

    def _compared_apart(self) -> Iterator[tuple[int, str]]:
        """Comparisons with several members of one enumeration, none of which says what the others are."""
        lines: dict[str, dict[str, int]] = {}
        for comparison in self.scan.comparisons.values():
            if id(comparison) in self.scan.guards or any(isinstance(operator, NEGATIVE) for operator in comparison.ops):
                continue
            for side in (comparison.left, *comparison.comparators):
                for inner in ast.walk(side):
                    member = self.scan.find_member(inner) if self.scan.is_member(inner) else None
                    if member:
                        owner = member.partition(".")[0]
                        lines.setdefault(owner, {}).setdefault(member, comparison.lineno)
        for compared in lines.values():
            if len(compared) > 1:
                for member, line in compared.items():
                    others = ", ".join(sorted(compared.keys() - {member}))
                    yield line, f"a comparison with {member}, in the module of one with {others}"

    def _lists_some(self, value: ast.expr, what: str) -> Iterator[tuple[int, str]]:
        """A list of members, or of rows that begin with one, that lacks some."""
        listed = without_call(value)
        if not isinstance(listed, ast.Tuple | ast.List | ast.Set):
            return
        firsts = [each.elts[0] if isinstance(each, ast.Tuple) and each.elts else each for each in listed.elts]
        named = {member for each in firsts if self.scan.is_member(each) and (member := self.scan.find_member(each))}
        for owner in {member.partition(".")[0] for member in named}:
            own = sorted(member for member in named if member.partition(".")[0] == owner)
            if _FEWEST_IN_A_LIST <= len(own) < len(self.members.get(owner, ())):
                yield value.lineno, f"{what}, {own[0]} among them"

    def _hidden_tables(self, statement: ast.stmt) -> Iterator[tuple[int, str]]:
        """Tables of a module or class that are no variable of the module."""
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            return
        found = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
        tables = (found, found.args[0] if isinstance(found, ast.Call) and found.args else None)
        for node in _outside_of_functions(statement):
            if isinstance(node, ast.Dict) and node not in tables and (member := self._member_of_keys(node)):
                yield node.lineno, f"a table inside of something else, on {member}"

    def _local_tables(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[int, str]]:
        """Tables that a function makes and asks itself."""
        tables = {
            target.id: (node.value, member)
            for node in ast.walk(function)
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)
            for target in node.targets
            if isinstance(target, ast.Name) and (member := self._member_of_keys(node.value))
        }
        asked = {name for node in ast.walk(function) if (name := _asked_name(node))}
        for name in tables.keys() & asked:
            table, member = tables[name]
            yield table.lineno, f"a table inside of a function, on {member}"

    def _member_of_keys(self, table: ast.Dict) -> str | None:
        return next(
            (self.scan.find_member(key) for key in table.keys if key is not None and self.scan.is_member(key)), None
        )


def _outside_of_functions(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for inner in ast.iter_child_nodes(node):
        if not isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _outside_of_functions(inner)


def _asked_name(node: ast.AST) -> str | None:
    """``table`` of ``table[…]`` that is read, or of ``table.get``."""
    match node:
        case ast.Subscript(value=ast.Name(id=name), ctx=ast.Load()):
            return name
        case ast.Attribute(value=ast.Name(id=name), attr="get" | "pop"):
            return name
        case _:
            return None

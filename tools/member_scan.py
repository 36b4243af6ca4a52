"""Where a module compares something with members of enumerations: what the checks of choices look at."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from tools.class_unions import find_comparisons
from tools.enumerations import last_name

NEGATIVE = (ast.IsNot, ast.NotIn, ast.NotEq)


class MemberScan:
    """The comparisons with members in one module. ``enumerations`` are the names of all enumerations, ``classes`` those
    of classes of unions, each with its union.
    """

    def __init__(self, tree: ast.Module, enumerations: set[str], classes: Mapping[str, str]) -> None:
        self.tree, self.enumerations, self.classes = tree, enumerations, classes
        self.nodes = list(ast.walk(tree))
        self.comparisons = find_comparisons(self.nodes, classes)
        self.groups: dict[str, str] = {}
        self.comparisons |= self._stored_comparisons()
        self.groups = dict(self._named_groups())
        self.guards = set(self._guarding_comparisons())

    def find_member(self, node: ast.AST) -> str | None:
        """``Enumeration.MEMBER``, where ``node`` mentions one."""
        for inner in ast.walk(node):
            if isinstance(inner, ast.Attribute):
                owner, name = last_name(inner.value), inner.attr
                if (name.isupper() and owner in self.enumerations) or self.classes.get(name) == owner:
                    return f"{owner}.{name}"
            if isinstance(inner, ast.Name) and inner.id in self.groups:
                return self.groups[inner.id]
        return None

    def is_member(self, node: ast.AST) -> bool:
        """Whether a node is a member of an enumeration, and nothing around it."""
        return isinstance(node, ast.Attribute) and self.find_member(node) is not None

    def compared_member(self, test: ast.expr) -> str | None:
        """The first member that a condition compares something with."""
        return next((member for each in self.comparisons_in(test) if (member := self.find_member(each))), None)

    def comparisons_in(self, test: ast.expr) -> list[ast.Compare]:
        """The comparisons that a condition consists of, those among them that a variable holds."""
        return [self.comparisons[id(inner)] for inner in ast.walk(test) if id(inner) in self.comparisons]

    def _stored_comparisons(self) -> dict[int, ast.Compare]:
        """``is_a``, by the ids of the nodes that ask it, where a function says ``is_a = kind is Kind.A``."""
        found: dict[int, ast.Compare] = {}
        for function in self.nodes:
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                inside = list(ast.walk(function))
                stored = {name: each for node in inside for name, each in self._stored_in(node)}
                asked = (each for each in inside if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load))
                found |= {id(name): stored[name.id] for name in asked if name.id in stored}
        return found

    def _stored_in(self, node: ast.AST) -> Iterator[tuple[str, ast.Compare]]:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.expr() as value) if id(value) in self.comparisons:
                comparison = self.comparisons[id(value)]
                if self.find_member(comparison):
                    yield name, comparison
            case _:
                pass

    def _named_groups(self) -> Iterator[tuple[str, str]]:
        """Names of collections of members, such as ``_FINAL = {Kind.A, Kind.B}``, each with a member."""
        self.groups = {}
        for node in self.nodes:
            if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
                continue
            value = without_call(node.value)
            is_group = isinstance(value, ast.Set | ast.Tuple | ast.List) and all(map(self.is_member, value.elts))
            member = self.find_member(value) if is_group else None
            if member:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                yield from ((target.id, member) for target in targets if isinstance(target, ast.Name))

    def _guarding_comparisons(self) -> Iterator[int]:
        """The ids of comparisons in an ``assert``, or in an ``if`` that raises for all members but those named."""
        for node in self.nodes:
            if isinstance(node, ast.Assert) or (isinstance(node, ast.If) and self.is_guard(node)):
                yield from map(id, self.comparisons_in(node.test))

    def is_guard(self, node: ast.If) -> bool:
        """Whether an ``if`` raises for every member that it does not name."""
        about = [each for each in self.comparisons_in(node.test) if self.find_member(each)]
        is_negative = all(isinstance(operator, NEGATIVE) for inner in about for operator in inner.ops)
        return is_negative and not node.orelse and isinstance(node.body[-1], ast.Raise)


def without_call(node: ast.expr) -> ast.expr:
    """The argument of ``frozenset(…)``, ``set(…)`` or ``tuple(…)``, else the expression itself."""
    is_call = isinstance(node, ast.Call) and last_name(node.func) in ("frozenset", "set", "tuple")
    return node.args[0] if isinstance(node, ast.Call) and is_call and node.args else node


def is_wildcard(pattern: ast.pattern) -> bool:
    """Whether a pattern takes whatever there is: ``_``, a name, either with ``as``, or beside others."""
    match pattern:
        case ast.MatchAs(pattern=None):
            return True
        case ast.MatchAs(pattern=ast.pattern() as inner):
            return is_wildcard(inner)
        case ast.MatchOr(patterns=alternatives):
            return any(map(is_wildcard, alternatives))
        case _:
            return False


def calls_assert_never(body: list[ast.stmt]) -> bool:
    """Whether a block ends with ``assert_never``, so that mypy says what gets there."""
    last = body[-1]
    called = last.value if isinstance(last, ast.Expr | ast.Return) else None
    return isinstance(called, ast.Call) and last_name(called.func) == "assert_never"


def leaves(body: list[ast.stmt]) -> bool:
    """Whether a block never goes on to what is below it."""
    match body[-1]:
        case ast.Return() | ast.Raise() | ast.Continue() | ast.Break():
            return True
        case ast.Expr(value=ast.Call(func=called)):
            return last_name(called) in ("exit", "_exit", "abort")
        case ast.With(body=inner) | ast.Try(finalbody=[*_, ast.stmt()] as inner) | ast.Try(body=inner):
            return leaves(inner) or (isinstance(body[-1], ast.Try) and leaves(body[-1].body))
        case _:
            return False

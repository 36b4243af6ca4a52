"""Unions of opskit's classes, and ``isinstance`` with one of their classes, for the check of closed choices.

It parses the source and imports nothing from opskit.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping

_FEWEST_CLASSES = 3
"""Of a union of two classes ``else`` is the other."""
_IN_PAIRS = {"Unknown"}
"""``X | Unknown`` are two, whatever else ``Unknown`` is in, and the source does not say which of them a value is of."""


def find_unions(trees: Iterable[ast.Module]) -> dict[frozenset[str], str]:
    """The names of the classes of each union, and its own: the one that a module gives it, ``Step = One | Two``, or as
    it is written in a signature.
    """
    nodes = [node for tree in trees for node in ast.walk(tree)]
    own = frozenset(node.name for node in nodes if isinstance(node, ast.ClassDef))
    found: dict[frozenset[str], str] = {}
    parts: set[int] = set()
    for node in nodes:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.BinOp(op=ast.BitOr()) as union):
                found[own.intersection(_operands(union))] = name
            case ast.BinOp(op=ast.BitOr()) if id(node) not in parts:
                found.setdefault(own.intersection(_operands(node)), ast.unparse(node))
                parts.update(map(id, ast.walk(node)))
            case _:
                pass
    return {classes: name for classes, name in found.items() if len(classes) > 1}


def classes_of_unions(unions: Mapping[frozenset[str], str]) -> dict[str, str]:
    """The classes that ``isinstance`` may not leave others beside, each with the name of its union."""
    large = {classes: name for classes, name in unions.items() if len(classes) >= _FEWEST_CLASSES}
    return {each: name for classes, name in large.items() for each in classes - _IN_PAIRS}


def find_comparisons(nodes: Iterable[ast.AST], classes: Mapping[str, str]) -> dict[int, ast.Compare]:
    """All comparisons among the nodes of a module, by the ids of their nodes; with ``not`` before it ``is`` is
    ``is not``. ``isinstance(step, One)`` is ``step is Step.One`` where One is one of ``classes``.
    """
    found: dict[int, ast.Compare] = {}
    negated: set[int] = set()
    for node in nodes:
        match node:
            case ast.UnaryOp(op=ast.Not(), operand=ast.Compare(ops=[ast.Is() | ast.Eq()]) as compared):
                negated.add(id(compared))
                found[id(node)] = ast.copy_location(
                    ast.Compare(compared.left, [ast.IsNot()], compared.comparators), node
                )
            case ast.Compare() if id(node) not in negated:
                found[id(node)] = node
            case ast.UnaryOp(
                op=ast.Not(), operand=ast.Call(func=ast.Name(id="isinstance"), args=[value, tested]) as call
            ):
                negated.add(id(call))
                found |= _as_comparison(node, value, ast.IsNot(), tested, classes)
            case ast.Call(func=ast.Name(id="isinstance"), args=[value, tested]) if id(node) not in negated:
                found |= _as_comparison(node, value, ast.Is(), tested, classes)
            case _:
                pass
    return found


def _as_comparison(
    node: ast.expr, value: ast.expr, operator: ast.cmpop, tested: ast.expr, classes: Mapping[str, str]
) -> dict[int, ast.Compare]:
    named = [each.id for each in ast.walk(tested) if isinstance(each, ast.Name) and each.id in classes]
    members: list[ast.expr] = [ast.Attribute(ast.Name(classes[name]), name) for name in named]
    if len(members) > 1:
        operator, members = ast.In(), [ast.Tuple(members)]
    return {id(node): ast.copy_location(ast.Compare(value, [operator], members), node)} if members else {}


def _operands(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.BinOp):
        yield from (*_operands(node.left), *_operands(node.right))
    elif isinstance(node, ast.Name):
        yield node.id

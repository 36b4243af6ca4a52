"""Whether the conditions of a pipeline's condition step hold, as far as its parameters tell."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from opskit.guards.rules.request_model import Request, Unresolved

Resolve = Callable[[object], object]
"""Puts the pipeline's parameters into a value; ``Unresolved`` where only a run tells it."""

_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}


def conditions_hold(conditions: object, resolve: Resolve) -> bool | None:
    """Whether all conditions hold; None: that is known only when the pipeline runs."""
    if not isinstance(conditions, Sequence) or isinstance(conditions, str) or not conditions:
        return None
    return _all_of([_condition_holds(each, resolve) for each in conditions])


def _condition_holds(condition: object, resolve: Resolve) -> bool | None:
    if not isinstance(condition, Mapping):
        return None
    kind = str(condition.get("Type"))
    if kind == "Not":
        inner = _condition_holds(condition.get("Expression"), resolve)
        return None if inner is None else not inner
    if kind == "Or":
        inner = _all_of([_negated(each, resolve) for each in condition.get("Conditions") or ()])
        return None if inner is None else not inner
    if kind == "In":
        return _is_in(condition, resolve)
    return _compares(condition, kind, resolve)


def _negated(condition: object, resolve: Resolve) -> bool | None:
    inner = _condition_holds(condition, resolve)
    return None if inner is None else not inner


def _all_of(states: Sequence[bool | None]) -> bool | None:
    """One that does not hold decides, also where others are not known."""
    if False in states:
        return False
    return None if None in states else True


def _is_in(condition: Request, resolve: Resolve) -> bool | None:
    value, members = resolve(condition.get("QueryValue")), resolve(condition.get("Values"))
    if not isinstance(members, list) or any(isinstance(each, Unresolved) for each in (value, *members)):
        return None
    return value in members


def _compares(condition: Request, kind: str, resolve: Resolve) -> bool | None:
    compare = _COMPARISONS.get(kind)
    left, right = resolve(condition.get("LeftValue")), resolve(condition.get("RightValue"))
    if compare is None or isinstance(left, Unresolved) or isinstance(right, Unresolved):
        return None
    try:
        return bool(compare(*_as_numbers_if_one_is(left, right)))
    except TypeError:
        return None


def _as_numbers_if_one_is(left: object, right: object) -> tuple[object, object]:
    """Both as numbers where one is."""
    try:
        # A parameter's value may be typed as text. A bool is an int to Python, and no number here.
        if isinstance(left, int | float) != isinstance(right, int | float) and not isinstance(left, bool):
            return float(str(left)), float(str(right))
    except ValueError:
        pass  # then they are compared as they are
    return left, right

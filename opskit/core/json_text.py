"""JSON that leaves and that comes: in ASCII only, so that no character of a name can act on a terminal; and from
outside, however deep it is nested.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


def ascii_json(value: Any, default: Callable[[Any], Any] | None = None, *, indent: int | None = None) -> str:
    """A value as JSON. A program that parses it gets exactly the value; a terminal that shows it sees every other
    character as ``\\uXXXX``, and none takes effect. ``default`` converts what the ``json`` module does not know.
    """
    text = json.dumps(value, default=default, ensure_ascii=True, indent=indent)
    return text.replace("\x7f", "\\u007f")  # DEL is ASCII; it can only stand inside a string


# Far above what any plan, error or answer has, and far below what Python's recursion takes.
_DEEPEST = 200


def load_outside_json(text: str | bytes) -> Any:
    """The value of a JSON text. Python's versions differ in how deep a text they parse: what one refuses, another hands
    to code that goes through the value and fails there. So the depth is limited here.

    Raises:
        ValueError: it is not JSON, or nested too deep.
    """
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    level, depth = [value], 0
    while level := [child for each in level for child in _children_of(each)]:
        depth += 1
        if depth > _DEEPEST:
            raise ValueError("it is nested too deep")
    return value


def _children_of(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []

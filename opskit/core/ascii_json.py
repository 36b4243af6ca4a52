"""JSON as opskit writes it: exact, and of printable ASCII alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


def ascii_json(value: Any, default: Callable[[Any], Any] | None = None, *, indent: int | None = None) -> str:
    """A value as JSON. Whoever reads it with a program gets exactly what it was; whoever looks at it in a terminal sees
    every other character as ``\\uXXXX``, and none takes effect. ``default`` turns what JSON does not know into what it
    does.
    """
    text = json.dumps(value, default=default, ensure_ascii=True, indent=indent)
    return text.replace("\x7f", "\\u007f")  # DEL is ASCII; it can only stand inside a string

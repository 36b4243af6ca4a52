"""JSON in ASCII only, so that no character of a name can act on a terminal."""

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

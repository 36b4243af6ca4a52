"""An IAM policy that callers of the sandbox are held to (``--policy FILE``), as AWS evaluates one: a denial wins, and
what no statement allows is not allowed. The file is read again whenever it has changed.

Of IAM's language it knows actions, resources and the conditions StringEquals, StringLike, Null, and the first two with
ForAllValues. A policy that says anything else is refused: to leave a condition out would allow too much.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

RequestContext = Mapping[str, Sequence[str]]
"""What a request says, by condition key; a key that it does not say is missing."""

_KNOWN = {"Sid", "Effect", "Action", "Resource", "Condition"}


class BadPolicy(ValueError):
    """A file that is no policy, or one in words that the sandbox does not know."""


def _equals(value: str, pattern: str) -> bool:
    return value == pattern


def _is_like(value: str, pattern: str) -> bool:
    words = "".join({"*": ".*", "?": "."}.get(sign, re.escape(sign)) for sign in pattern)
    return re.fullmatch(words, value, re.DOTALL) is not None


def _any_value(fits: Callable[[str, str], bool]) -> Callable[[Sequence[str] | None, Sequence[str]], bool]:
    return lambda said, wanted: bool(said) and any(fits(value, one) for value in said or () for one in wanted)


def _all_values(fits: Callable[[str, str], bool]) -> Callable[[Sequence[str] | None, Sequence[str]], bool]:
    return lambda said, wanted: all(any(fits(value, one) for one in wanted) for value in said or ())


_OPERATORS: Mapping[str, Callable[[Sequence[str] | None, Sequence[str]], bool]] = {
    "StringEquals": _any_value(_equals),
    "StringLike": _any_value(_is_like),
    "ForAllValues:StringEquals": _all_values(_equals),
    "ForAllValues:StringLike": _all_values(_is_like),
    "Null": lambda said, wanted: all((said is None) is (one.lower() == "true") for one in wanted),
}


@dataclass(frozen=True)
class Statement:
    """One statement of a policy."""

    allows: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...]

    def fits(self, action: str, resource: str, context: RequestContext) -> bool:
        """Whether it is about this."""
        return (
            any(_is_like(action.lower(), pattern.lower()) for pattern in self.actions)
            and any(_is_like(resource, pattern) for pattern in self.resources)
            and all(_OPERATORS[name](context.get(key), wanted) for name, key, wanted in self.conditions)
        )


@dataclass
class PolicyFile:
    """A policy in a file."""

    path: Path
    _read: tuple[float, int, tuple[Statement, ...]] = field(default=(-1.0, -1, ()))

    def statements(self) -> tuple[Statement, ...]:
        """What it says now.

        Raises:
            BadPolicy: it cannot be read, or says what the sandbox does not know.
        """
        try:
            state = self.path.stat()
            if self._read[:2] != (state.st_mtime, state.st_size):
                self._read = (state.st_mtime, state.st_size, _parse_policy(json.loads(self.path.read_text("utf-8"))))
        except (OSError, ValueError) as error:
            raise BadPolicy(f"{self.path}: {error}") from error
        return self._read[2]

    def allows(self, action: str, resource: str, context: RequestContext) -> bool:
        """Whether it lets somebody do this to that."""
        fitting = [each for each in self.statements() if each.fits(action, resource, context)]
        return bool(fitting) and all(each.allows for each in fitting)


def _parse_policy(document: Any) -> tuple[Statement, ...]:
    if not isinstance(document, dict) or "Statement" not in document:
        raise BadPolicy("it has no Statement")
    return tuple(_parse_statement(each) for each in _as_list(document["Statement"]))


def _parse_statement(statement: Mapping[str, Any]) -> Statement:
    unknown = statement.keys() - _KNOWN
    operators = statement.get("Condition", {})
    unknown |= operators.keys() - _OPERATORS.keys()
    if unknown:
        raise BadPolicy(f"the sandbox does not know {', '.join(sorted(unknown))}")
    return Statement(
        statement["Effect"] == "Allow",
        tuple(_as_list(statement["Action"])),
        tuple(_as_list(statement["Resource"])),
        tuple(
            (operator, key, tuple(str(value) for value in _as_list(wanted)))
            for operator, keys in operators.items()
            for key, wanted in keys.items()
        ),
    )


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]

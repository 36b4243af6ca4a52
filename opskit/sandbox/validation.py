"""Requests held against botocore's own service models.

The models are AWS's published description of its APIs, so checking input against them gives every operation
AWS's own validation.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from botocore.model import Shape

from opskit.sandbox.api_models import input_shape
from opskit.sandbox.errors import ApiError, validation_error

# A request with hundreds of bad items would otherwise make a message that no terminal shows.
_MAX_SHOWN_PROBLEMS = 10
# The services whose code for it is not ValidationException.
_VALIDATION_CODES = {
    "service-quotas": "IllegalArgumentException",
    "pricing": "InvalidParameterException",
    "logs": "InvalidParameterException",
    "cloudwatch": "ValidationError",
}
# Shapes that AWS takes https alone in, but the sandbox takes what is on this machine, so that it needs no network.
_REPOSITORY_URL_SHAPES = ("CodeRepositoryNameOrUrl", "GitConfigUrl")


def check_input(service: str, operation: str, params: Mapping[str, Any]) -> None:
    """Raise AWS's validation error when ``params`` break the model of ``operation``."""
    shape = input_shape(service, operation)
    problems = list(_find_problems(shape, params, "")) if shape else []
    if not problems:
        return
    plural = "error" if len(problems) == 1 else "errors"
    text = f"{len(problems)} validation {plural} detected: " + "; ".join(problems[:_MAX_SHOWN_PROBLEMS])
    raise _input_error(service, text)


def drop_unknown_members(service: str, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """``params`` without the members that the model does not have: AWS passes over them in silence."""
    shape = input_shape(service, operation)
    return dict(_known_members(shape, params)) if shape else {}


def _known_members(shape: Any, value: Any) -> Any:
    match shape.type_name:
        case "structure":
            return {
                name: _known_members(shape.members[name], item) for name, item in value.items() if name in shape.members
            }
        case "list":
            return [_known_members(shape.member, item) for item in value]
        case "map":
            return {key: _known_members(shape.value, item) for key, item in value.items()}
        case _:
            return value


def _input_error(service: str, text: str) -> ApiError:
    code = _VALIDATION_CODES.get(service)
    return ApiError(code, text) if code else validation_error(text)


def _find_problems(shape: Shape, value: Any, path: str) -> Iterator[str]:
    match shape.type_name:
        case "structure":
            yield from _structure_problems(shape, value, path)
        case "list":
            yield from _list_problems(shape, value, path)
        case "map":
            yield from _map_problems(shape, value, path)
        case "string":
            yield from _string_problems(shape, value, path)
        case "integer" | "long" | "float" | "double":
            yield from _number_problems(shape, value, path)
        case "boolean":
            if not isinstance(value, bool):
                yield _wrong_type_text(value, path, "a boolean")
        case _:
            return


def _wrong_type_text(value: Any, path: str, expected: str) -> str:
    return _constraint_text(value, path, f"be {expected}")


def _constraint_text(value: Any, path: str, rule: str) -> str:
    return f"Value '{value}' at '{path}' failed to satisfy constraint: Member must {rule}"


def _member_path(path: str, name: str) -> str:
    member = name[:1].lower() + name[1:]
    return f"{path}.{member}" if path else member


def _structure_problems(shape: Any, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield _wrong_type_text(value, path, "a structure")
        return
    for name in shape.required_members:
        if value.get(name) is None:
            where = _member_path(path, name)
            yield f"Value null at '{where}' failed to satisfy constraint: Member must not be null"
    # Members that the model does not have are no problem: AWS passes over them.
    for name, member in shape.members.items():
        if value.get(name) is not None:
            yield from _find_problems(member, value[name], _member_path(path, name))


def _length_problems(shape: Shape, value: Any, path: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and len(value) < low:
        rule = f"length greater than or equal to {low}"
    elif high is not None and len(value) > high:
        rule = f"length less than or equal to {high}"
    else:
        return
    yield _constraint_text(value, path, f"have {rule}")


def _list_problems(shape: Any, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield _wrong_type_text(value, path, "a list")
        return
    yield from _length_problems(shape, value, path)
    for number, item in enumerate(value, start=1):
        yield from _find_problems(shape.member, item, f"{path}.{number}.member")


def _map_problems(shape: Any, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield _wrong_type_text(value, path, "a map")
        return
    yield from _length_problems(shape, value, path)
    for key, item in value.items():
        yield from _find_problems(shape.key, key, f"{path}.key")
        yield from _find_problems(shape.value, item, f"{path}.{key}")


def _string_problems(shape: Any, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield _wrong_type_text(value, path, "a string")
        return
    if shape.enum and value not in shape.enum:
        allowed = ", ".join(shape.enum)
        yield _constraint_text(value, path, f"satisfy enum value set: [{allowed}]")
        return
    yield from _length_problems(shape, value, path)
    pattern = shape.metadata.get("pattern")
    if (
        pattern
        and not _matches_pattern(pattern, value)
        and not (shape.name in _REPOSITORY_URL_SHAPES and _is_local_url(value))
    ):
        yield _constraint_text(value, path, f"satisfy regular expression pattern: {pattern}")


def _is_local_url(url: str) -> bool:
    return re.match(r"file:///|https?://(127\.0\.0\.1|localhost)[:/]", url) is not None


@cache
def _compile_pattern(pattern: str) -> re.Pattern[str] | None:
    try:
        # Java's classes for letters, spaces and digits in Python's words.
        return re.compile(pattern.replace("\\p{L}", "\\w").replace("\\p{Z}", "\\s").replace("\\p{N}", "\\d"))
    except re.error:
        # Some of AWS's patterns are Java's own and no Python pattern; those cannot be checked here.
        return None


def _matches_pattern(pattern: str, value: str) -> bool:
    compiled = _compile_pattern(pattern)
    return compiled is None or compiled.fullmatch(value) is not None


def _number_problems(shape: Shape, value: Any, path: str) -> Iterator[str]:
    # To Python True is an int; to AWS a boolean is no number.
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        yield _wrong_type_text(value, path, "a number")
        return
    if shape.type_name in ("integer", "long") and not isinstance(value, int):
        yield _wrong_type_text(value, path, "an integer")
        return
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and value < low:
        yield _constraint_text(value, path, f"have value greater than or equal to {low}")
    if high is not None and value > high:
        yield _constraint_text(value, path, f"have value less than or equal to {high}")

"""Requests and answers held against botocore's own service models.

The models are AWS's published description of its APIs, so checking input against them gives every operation
AWS's own validation, and checking output keeps the sandbox from inventing a shape no client could parse.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from botocore.model import ServiceModel, Shape

from opskit.sandbox.api_models import own_session
from opskit.sandbox.errors import ApiError, validation_error

_MAX_SHOWN_PROBLEMS = 10
_VALIDATION_CODES = {
    "service-quotas": "IllegalArgumentException",
    "pricing": "InvalidParameterException",
    "logs": "InvalidParameterException",
    "cloudwatch": "ValidationError",
}
_REPOSITORY_URL_SHAPES = ("CodeRepositoryNameOrUrl", "GitConfigUrl")
"""Shapes that AWS takes https alone in, but the sandbox takes what is on this machine, so that it needs no network."""


@cache
def service_model(service: str) -> ServiceModel:
    """The botocore model of a service by its boto3 name (``sagemaker``, ``service-quotas`` …)."""
    return own_session().get_service_model(service)


def check_input(service: str, operation: str, params: Mapping[str, Any]) -> None:
    """Raise AWS's validation error when ``params`` break the model of ``operation``."""
    shape = service_model(service).operation_model(operation).input_shape
    problems = list(_find_problems(shape, params, "")) if shape else []
    if not problems:
        return
    plural = "error" if len(problems) == 1 else "errors"
    text = f"{len(problems)} validation {plural} detected: " + "; ".join(problems[:_MAX_SHOWN_PROBLEMS])
    raise _input_error(service, text)


def drop_unknown_members(service: str, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """``params`` without the members that the model does not have: AWS passes over them in silence."""
    shape = service_model(service).operation_model(operation).input_shape
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


def _wrong_type_text(value: Any, path: str, wanted: str) -> str:
    return _constraint_text(value, path, f"be {wanted}")


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
        return re.compile(pattern.replace("\\p{L}", "\\w").replace("\\p{Z}", "\\s").replace("\\p{N}", "\\d"))
    except re.error:  # some of AWS's patterns are Java's own and no Python pattern; those cannot be checked here
        return None


def _matches_pattern(pattern: str, value: str) -> bool:
    compiled = _compile_pattern(pattern)
    return compiled is None or compiled.fullmatch(value) is not None


def _number_problems(shape: Shape, value: Any, path: str) -> Iterator[str]:
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


def shape_output(service: str, operation: str, result: Mapping[str, Any]) -> Any:
    """``result`` as JSON-ready values in the model's shape; absent (None) members are left out as AWS does.

    Raises:
        LookupError: the result has a member the model does not know, or lacks a required one.
    """
    shape = service_model(service).operation_model(operation).output_shape
    return _shape_value(shape, result, operation) if shape else {}


def _shape_value(shape: Any, value: Any, path: str) -> Any:
    match shape.type_name:
        case "structure":
            return _shape_structure(shape, value, path)
        case "list":
            return [_shape_value(shape.member, item, f"{path}[]") for item in value]
        case "map":
            return {key: _shape_value(shape.value, item, f"{path}.{key}") for key, item in value.items()}
        case "timestamp":
            return value.astimezone(UTC).timestamp() if isinstance(value, datetime) else value
        case _:
            return value


def _shape_structure(shape: Any, value: Mapping[str, Any], path: str) -> dict[str, Any]:
    present = {name: item for name, item in value.items() if item is not None}
    unknown = sorted(set(present) - set(shape.members))
    missing = sorted(set(shape.required_members) - set(present))
    if unknown or missing:
        raise LookupError(f"{path}: unknown {unknown}, missing {missing}")
    return {name: _shape_value(shape.members[name], item, f"{path}.{name}") for name, item in present.items()}


def drop_incomplete_structures(shape: Any, value: Any) -> Any:
    """``value`` less the structures that lack their required members: moto's DescribeModel answers an empty
    VpcConfig where AWS leaves it out, and strict clients (the SageMaker SDK v3) fail on it.
    """
    if not shape or not isinstance(value, Mapping | list):
        return value
    if shape.type_name == "list" and isinstance(value, list):
        return [drop_incomplete_structures(shape.member, item) for item in value]
    if shape.type_name != "structure" or not isinstance(value, Mapping):
        return value
    kept = {}
    for name, item in value.items():
        member = shape.members.get(name)
        cleaned = drop_incomplete_structures(member, item)
        if cleaned is None or (member is not None and _lacks_required(member, cleaned)):
            continue
        kept[name] = cleaned
    return kept


def _lacks_required(shape: Any, value: Any) -> bool:
    return (
        shape.type_name == "structure"
        and isinstance(value, Mapping)
        and any(value.get(name) is None for name in shape.required_members)
    )

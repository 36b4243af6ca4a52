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
from opskit.sandbox.errors import ApiError, invalid

_SHOWN_PROBLEMS = 10
_VALIDATION_CODES = {
    "service-quotas": "IllegalArgumentException",
    "pricing": "InvalidParameterException",
    "logs": "InvalidParameterException",
    "cloudwatch": "ValidationError",
}
_REPOSITORIES = ("CodeRepositoryNameOrUrl", "GitConfigUrl")
"""Shapes that AWS takes https alone in, but the sandbox takes what is on this machine, so that it needs no network."""


@cache
def service_model(service: str) -> ServiceModel:
    """The botocore model of a service by its boto3 name (``sagemaker``, ``service-quotas`` …)."""
    return own_session().get_service_model(service)


def check_input(service: str, operation: str, params: Mapping[str, Any]) -> None:
    """Raise AWS's validation error when ``params`` break the model of ``operation``."""
    shape = service_model(service).operation_model(operation).input_shape
    problems = list(_problems(shape, params, "")) if shape else []
    if not problems:
        return
    plural = "error" if len(problems) == 1 else "errors"
    text = f"{len(problems)} validation {plural} detected: " + "; ".join(problems[:_SHOWN_PROBLEMS])
    raise _validation_error(service, text)


def known(service: str, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """``params`` without the members that the model does not have: AWS passes over them in silence."""
    shape = service_model(service).operation_model(operation).input_shape
    return dict(_known(shape, params)) if shape else {}


def _known(shape: Any, value: Any) -> Any:
    match shape.type_name:
        case "structure":
            return {name: _known(shape.members[name], item) for name, item in value.items() if name in shape.members}
        case "list":
            return [_known(shape.member, item) for item in value]
        case "map":
            return {key: _known(shape.value, item) for key, item in value.items()}
        case _:
            return value


def _validation_error(service: str, text: str) -> ApiError:
    code = _VALIDATION_CODES.get(service)
    return ApiError(code, text) if code else invalid(text)


def _problems(shape: Shape, value: Any, path: str) -> Iterator[str]:
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
                yield _wrong_type(value, path, "a boolean")
        case _:
            return


def _wrong_type(value: Any, path: str, wanted: str) -> str:
    return _broken(value, path, f"be {wanted}")


def _broken(value: Any, path: str, rule: str) -> str:
    return f"Value '{value}' at '{path}' failed to satisfy constraint: Member must {rule}"


def _member_path(path: str, name: str) -> str:
    member = name[:1].lower() + name[1:]
    return f"{path}.{member}" if path else member


def _structure_problems(shape: Any, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield _wrong_type(value, path, "a structure")
        return
    for name in shape.required_members:
        if value.get(name) is None:
            where = _member_path(path, name)
            yield f"Value null at '{where}' failed to satisfy constraint: Member must not be null"
    for name, member in shape.members.items():
        if value.get(name) is not None:
            yield from _problems(member, value[name], _member_path(path, name))


def _length_problems(shape: Shape, value: Any, path: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and len(value) < low:
        rule = f"length greater than or equal to {low}"
    elif high is not None and len(value) > high:
        rule = f"length less than or equal to {high}"
    else:
        return
    yield _broken(value, path, f"have {rule}")


def _list_problems(shape: Any, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield _wrong_type(value, path, "a list")
        return
    yield from _length_problems(shape, value, path)
    for number, item in enumerate(value, start=1):
        yield from _problems(shape.member, item, f"{path}.{number}.member")


def _map_problems(shape: Any, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield _wrong_type(value, path, "a map")
        return
    yield from _length_problems(shape, value, path)
    for key, item in value.items():
        yield from _problems(shape.key, key, f"{path}.key")
        yield from _problems(shape.value, item, f"{path}.{key}")


def _string_problems(shape: Any, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield _wrong_type(value, path, "a string")
        return
    if shape.enum and value not in shape.enum:
        allowed = ", ".join(shape.enum)
        yield _broken(value, path, f"satisfy enum value set: [{allowed}]")
        return
    yield from _length_problems(shape, value, path)
    pattern = shape.metadata.get("pattern")
    if pattern and not _matches(pattern, value) and not (shape.name in _REPOSITORIES and _on_this_machine(value)):
        yield _broken(value, path, f"satisfy regular expression pattern: {pattern}")


def _on_this_machine(url: str) -> bool:
    return re.match(r"file:///|https?://(127\.0\.0\.1|localhost)[:/]", url) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern.replace("\\p{L}", "\\w").replace("\\p{Z}", "\\s").replace("\\p{N}", "\\d"))
    except re.error:  # some of AWS's patterns are Java's own and no Python pattern; those cannot be checked here
        return None


def _matches(pattern: str, value: str) -> bool:
    compiled = _compiled(pattern)
    return compiled is None or compiled.fullmatch(value) is not None


def _number_problems(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        yield _wrong_type(value, path, "a number")
        return
    if shape.type_name in ("integer", "long") and not isinstance(value, int):
        yield _wrong_type(value, path, "an integer")
        return
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and value < low:
        yield _broken(value, path, f"have value greater than or equal to {low}")
    if high is not None and value > high:
        yield _broken(value, path, f"have value less than or equal to {high}")


def answer(service: str, operation: str, result: Mapping[str, Any]) -> Any:
    """``result`` as JSON-ready values in the model's shape; absent (None) members are left out as AWS does.

    Raises:
        LookupError: the result has a member the model does not know, or lacks a required one.
    """
    shape = service_model(service).operation_model(operation).output_shape
    return _shaped(shape, result, operation) if shape else {}


def _shaped(shape: Any, value: Any, path: str) -> Any:
    match shape.type_name:
        case "structure":
            return _shaped_structure(shape, value, path)
        case "list":
            return [_shaped(shape.member, item, f"{path}[]") for item in value]
        case "map":
            return {key: _shaped(shape.value, item, f"{path}.{key}") for key, item in value.items()}
        case "timestamp":
            return value.astimezone(UTC).timestamp() if isinstance(value, datetime) else value
        case _:
            return value


def _shaped_structure(shape: Any, value: Mapping[str, Any], path: str) -> dict[str, Any]:
    present = {name: item for name, item in value.items() if item is not None}
    unknown = sorted(set(present) - set(shape.members))
    missing = sorted(set(shape.required_members) - set(present))
    if unknown or missing:
        raise LookupError(f"{path}: unknown {unknown}, missing {missing}")
    return {name: _shaped(shape.members[name], item, f"{path}.{name}") for name, item in present.items()}


def without_empty(shape: Any, value: Any) -> Any:
    """``value`` less the structures that lack their required members: moto's DescribeModel answers an empty
    VpcConfig where AWS leaves it out, and strict clients (the SageMaker SDK v3) fail on it.
    """
    if not shape or not isinstance(value, Mapping | list):
        return value
    if shape.type_name == "list" and isinstance(value, list):
        return [without_empty(shape.member, item) for item in value]
    if shape.type_name != "structure" or not isinstance(value, Mapping):
        return value
    kept = {}
    for name, item in value.items():
        member = shape.members.get(name)
        cleaned = without_empty(member, item)
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

"""Answers held against botocore's service models, so that the sandbox invents no shape that clients cannot parse.

Describe operations give back most of what a resource was made with; ``echo_request`` says which part.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from opskit.sandbox.api_models import output_shape


def shape_output(service: str, operation: str, result: Mapping[str, Any]) -> Any:
    """``result`` as JSON-ready values in the model's shape; absent (None) members are left out as AWS does.

    Raises:
        LookupError: the result has a member the model does not know, or lacks a required one.
    """
    shape = output_shape(service, operation)
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
            # AWS's JSON protocols carry times as seconds since 1970.
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


def echo_request(operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a request that the answer of a SageMaker operation has too, less the empty ones."""
    shape = output_shape("sagemaker", operation)
    return shared_members(shape, params)


def shared_members(shape: Any, params: Mapping[str, Any]) -> dict[str, Any]:
    """The members of ``params`` that a structure of the API model has too, less the empty ones."""
    # AWS leaves out what is empty, and the SageMaker SDK v3 fails on an empty structure.
    return {name: value for name, value in params.items() if name in shape.members and value not in ({}, [], None)}

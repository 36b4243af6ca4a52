"""What botocore's models say of the operations that opskit calls."""

from __future__ import annotations

from functools import cache
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.exceptions import UnknownServiceError

from opskit.access.reads.permissions import PROBES
from opskit.access.rules.permissions import API_CALLS, REGION_DISCOVERY_CALLS, STATE_CALLS
from opskit.aws import api_call

EVERY_CALL = sorted(frozenset().union(*API_CALLS.values(), REGION_DISCOVERY_CALLS, STATE_CALLS, PROBES))


@cache
def _model_session() -> Any:
    """One session for all models, whose loader reads each once."""
    return botocore.session.get_session()


@cache
def service_model(service: str) -> Any:
    return _model_session().get_service_model(service)


def operation_model(call: str) -> Any:
    service, _, operation = call.partition(":")
    return service_model(service).operation_model(operation)


def python_name(call: str) -> str:
    return str(xform_name(call.partition(":")[2]))


def is_read(call: str) -> bool:
    return api_call.is_read(python_name(call))


def output_members(call: str) -> dict[str, Any]:
    shape = operation_model(call).output_shape
    return dict(shape.members) if shape else {}


def minimal_value(shape: Any) -> Any:
    """The least that botocore takes for a shape."""
    match shape.type_name:
        case "structure":
            wanted = shape.required_members or ([next(iter(shape.members))] if shape.is_tagged_union else [])
            return {name: minimal_value(shape.members[name]) for name in wanted}
        case "list":
            return [minimal_value(shape.member)] * (shape.metadata.get("min") or 0)
        case "map":
            return {}
        case "string":
            return shape.enum[0] if shape.enum else "x" * max(1, shape.metadata.get("min") or 1)
        case "blob":
            return b"x"
        case "boolean":
            return True
        case "timestamp":
            return 0
        case _:
            return shape.metadata.get("min") or 1


def minimal_params(call: str) -> dict[str, Any]:
    shape = operation_model(call).input_shape
    return minimal_value(shape) if shape else {}


@cache
def pagination_rules(call: str) -> dict[str, Any]:
    """How an operation's pages are turned, by botocore's account; empty where it has none."""
    service, _, operation = call.partition(":")
    try:
        found: dict[str, Any] = _model_session().get_paginator_model(service).get_paginator(operation)
    except (ValueError, UnknownServiceError):
        return {}
    return found

"""Describe operations give back most of what the resource was made with; this says which part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opskit.sandbox import validation


def echo_request(operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a request that the answer of a SageMaker operation has too, less the empty ones."""
    shape = validation.service_model("sagemaker").operation_model(operation).output_shape
    return shared_members(shape, params)


def shared_members(shape: Any, params: Mapping[str, Any]) -> dict[str, Any]:
    """The members of ``params`` that a structure of the API model has too, less the empty ones."""
    return {name: value for name, value in params.items() if name in shape.members and value not in ({}, [], None)}

"""Parses a response that is already what botocore would make of it: JSON of nothing but structures, lists, texts,
numbers and truth values. botocore looks up each member of each of 2,000 quotas, which takes ten times as long.

It is a handler of botocore's ``before-parse`` event. What it does not take on, and everything in a botocore that has no
such event, is parsed as usual.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from opskit.aws.response_checks import once_per_operation

_SCALARS = frozenset({"string", "boolean", "integer", "long", "float", "double"})
_Prune = Callable[[Any], None]


class _NotPlain(Exception):
    """A value, or the model of one, is not what it looks like on the wire."""


def parse_plain_body(
    operation_model: Any, response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any
) -> None:
    """Parse a body instead of botocore, if it can be done in the plain way."""
    if response_dict["status_code"] >= 300:
        return
    prune = _pruner_of(operation_model)
    if prune is None:
        return
    try:
        parsed = json.loads(response_dict["body"])
        prune(parsed)
    except (ValueError, RecursionError, _NotPlain):  # botocore knows what it says of such a body
        return
    customized_response_dict.update(parsed)
    # botocore parses what is left, and adds the request's ID and the headers.
    response_dict["body"] = b"{}"


@once_per_operation
def _pruner_of(operation_model: Any) -> _Prune | None:
    """What makes a parsed body of an operation what botocore would; None: only botocore can."""
    shape = operation_model.output_shape
    if operation_model.service_model.resolved_protocol != "json":
        return None
    try:
        return _structure_pruner(shape) if shape is not None and shape.type_name == "structure" else None
    except (_NotPlain, RecursionError):  # a shape may contain itself
        return None


def _member_pruner(shape: Any) -> _Prune | None:
    """Likewise of a value inside; None: nothing is to be done to it.

    Raises:
        _NotPlain: botocore makes something else of it.
    """
    if shape.type_name in _SCALARS:
        return None
    if shape.type_name == "structure":
        return _structure_pruner(shape)
    containers: dict[str, Any] = {"list": list, "map": dict}
    holds = containers.get(shape.type_name)
    if holds is None or (holds is dict and shape.value.type_name not in _SCALARS):
        raise _NotPlain
    prune_entry = _member_pruner(shape.member) if holds is list else None

    def prune(value: Any) -> None:
        if type(value) is not holds:
            raise _NotPlain
        if prune_entry:
            for entry in value:
                if entry is not None:
                    prune_entry(entry)

    return prune


def _structure_pruner(shape: Any) -> _Prune:
    # A member with one of these has another name in the body, or is not in it.
    elsewhere = {"name", "location", "eventstream", "payload"}
    if any(member.serialization.keys() & elsewhere for member in shape.members.values()):
        raise _NotPlain
    if shape.is_document_type or shape.is_tagged_union:
        raise _NotPlain
    names = frozenset(shape.members)
    inner = {name: pruner for name, member in shape.members.items() if (pruner := _member_pruner(member))}

    def prune(value: Any) -> None:
        if type(value) is not dict:
            raise _NotPlain
        if not names.issuperset(value) or None in value.values():
            for name in [name for name, told in value.items() if name not in names or told is None]:
                del value[name]
        for name, pruner in inner.items():
            if name in value:
                pruner(value[name])

    return prune

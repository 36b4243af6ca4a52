"""The values of a response of AWS's, by AWS's model of the operation: every one is of the type that it gives it, and a
plain body is parsed by it.

botocore hands out what stands in the body. A null among a list's entries, text for a number, or a number of instances
below zero would be counted, or break whatever reads it.

A body is plain that is already what botocore would make of it: JSON of nothing but structures, lists, texts, numbers
and truth values. botocore looks up each member of each of 2,000 quotas, which takes ten times as long. The parser is a
handler of botocore's ``before-parse`` event. What it does not take on, and everything in a botocore that has no such
event, is parsed as usual.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from opskit.aws.response_checks import UnreadableResponse

_TYPES: Mapping[str, tuple[str, tuple[type, ...]]] = {
    "string": ("a string", (str,)),
    "integer": ("an integer", (int,)),
    "long": ("an integer", (int,)),
    "float": ("a number", (float, int)),
    "double": ("a number", (float, int)),
    "boolean": ("true or false", (bool,)),
    "timestamp": ("a time", (datetime,)),
    "blob": ("bytes", (bytes,)),
    "structure": ("a structure", (dict,)),
    "map": ("a map", (dict,)),
    "list": ("a list", (list,)),
}
"""The types of AWS's models, in words and as botocore hands them out."""

# How AWS's JSON writes what is no number, as the metric of a job may be.
_NO_NUMBERS = ("NaN", "Infinity", "-Infinity")


def check_response_values(http_response: Any, parsed: Mapping[str, Any], model: Any, **_: Any) -> None:
    """Refuse a response with a value, however deep, that is not of the type that AWS's model of the operation gives it.

    Raises:
        UnreadableResponse: there is such a value.
    """
    if http_response.status_code >= 300 or model.output_shape is None or model.has_streaming_output:
        return
    key = _operation_key(model)
    if key not in _RESPONSE_TYPES:
        _RESPONSE_TYPES[key] = _value_type(model.output_shape)
    if wrong := _RESPONSE_TYPES[key].find_inside(parsed):
        raise UnreadableResponse(model.name, wrong)


_OperationKey = tuple[str, str, str]


def _operation_key(model: Any) -> _OperationKey:
    """What an operation is known by: its service, API version and name. Each client has a model of its own."""
    return (model.service_model.service_name, model.service_model.api_version, model.name)


@dataclass(frozen=True)
class _ValueType:
    """What a value of a response may be. ``words`` say it, ``shape`` is botocore's of one that holds others, and
    ``least`` the least number; None: every number is in order. ``plain_class`` is the usual class of a value of which
    nothing else is to be held against the model; None: it is of another.
    """

    words: str
    classes: tuple[type, ...]
    shape: Any
    least: int | None
    plain_class: type | None

    # Found when one comes: of most members no answer has anything.
    @cached_property
    def members(self) -> dict[str, _ValueType]:
        """The types of a structure's members, but for those that may hold anything."""
        return {
            name: _value_type(member)
            for name, member in self.shape.members.items()
            # botocore parses IAM's policies, which the model calls strings.
            if not (getattr(member, "is_document_type", False) or member.serialization.get("jsonvalue"))
            and member.name != "policyDocumentType"
        }

    @cached_property
    def entries(self) -> _ValueType:
        """The type of what a list or a map holds."""
        return _value_type(self.shape.value if self.shape.type_name == "map" else self.shape.member)

    def find_wrong(self, name: str, value: Any) -> str:
        """What is wrong with a value of this name, to continue "answered …"; empty if nothing is."""
        if value is None:
            return f"with an empty entry in {name}"
        # By the class itself first, for most are; and to Python a bool is an integer.
        known = value.__class__ in self.classes or (isinstance(value, self.classes) and value.__class__ is not bool)
        if not known and not (float in self.classes and value in _NO_NUMBERS):
            return f"with a value of {name} that is not {self.words}"
        if self.least is not None and value < self.least:
            return f"with a value of {name} below {self.least}"
        return "" if self.shape is None else self.find_inside(value)

    def find_inside(self, value: Any) -> str:
        """What is wrong in a structure, a list or a map; empty if nothing is."""
        if self.shape.type_name == "structure":
            members = self.members
            for name, each in value.items():
                # A null is parsed as a member that is not there, which is checked where it is needed.
                expected = None if each is None else members.get(name)
                # Of 2,000 quotas most values are plain, and a check shall not be slower for it.
                if expected is None or expected.plain_class is each.__class__:
                    continue
                if wrong := expected.find_wrong(name, each):
                    return wrong
            return ""
        entries, name = self.entries, self.shape.name
        plain_class = entries.plain_class
        for each in value.values() if self.shape.type_name == "map" else value:
            if each.__class__ is plain_class:
                continue
            # Among strings AWS does write nulls, for a column without a value.
            if (each is not None or entries.shape is not None) and (wrong := entries.find_wrong(name, each)):
                return wrong
        return ""


def _value_type(shape: Any) -> _ValueType:
    words, classes = _TYPES[shape.type_name]
    holds_others = shape.type_name in ("structure", "list", "map")
    # Of a model's limits only this: AWS keeps others in requests alone.
    is_natural = int in classes and float not in classes and shape.metadata.get("min", -1) >= 0
    plain_class = None if holds_others or is_natural else classes[0]
    return _ValueType(words, classes, shape if holds_others else None, 0 if is_natural else None, plain_class)


# The type of each operation's response, for all clients.
_RESPONSE_TYPES: dict[_OperationKey, _ValueType] = {}


_SCALARS = frozenset({"string", "boolean", "integer", "long", "float", "double"})
_Prune = Callable[[Any], None]
# What prunes the bodies of each operation, for all clients.
_PRUNERS: dict[_OperationKey, _Prune | None] = {}


class _NotPlain(Exception):
    """A value, or the model of one, is not what it looks like on the wire."""


def parse_plain_body(
    operation_model: Any, response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any
) -> None:
    """Parse a body instead of botocore, if it can be done in the plain way."""
    if response_dict["status_code"] >= 300:
        return
    key = _operation_key(operation_model)
    if key not in _PRUNERS:
        _PRUNERS[key] = _pruner_of(operation_model)
    prune = _PRUNERS[key]
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

"""Checks that every value of a response of AWS's is of the type that AWS's model of the operation gives it.

botocore hands out what stands in the body. A null among a list's entries, text for a number, or a number of instances
below zero would be counted, or break whatever reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from opskit.aws.response_checks import UnreadableResponse, once_per_operation

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
    wrong = _whole_type(model).find_inside(parsed)
    if wrong:
        raise UnreadableResponse(model.name, wrong)


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


@once_per_operation
def _whole_type(model: Any) -> _ValueType:
    """The type of an operation's response."""
    return _value_type(model.output_shape)


def _value_type(shape: Any) -> _ValueType:
    words, classes = _TYPES[shape.type_name]
    holds_others = shape.type_name in ("structure", "list", "map")
    # Of a model's limits only this: AWS keeps others in requests alone.
    is_natural = int in classes and float not in classes and shape.metadata.get("min", -1) >= 0
    plain_class = None if holds_others or is_natural else classes[0]
    return _ValueType(words, classes, shape if holds_others else None, 0 if is_natural else None, plain_class)

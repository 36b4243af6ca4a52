"""Reading answers more strictly than any client does: what botocore's model does not know, or lacks, is a mistake."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float),
    "boolean": (bool,),
}
XML = ("query", "ec2", "rest-xml")


def response_mistakes(answer: dict[str, Any], operation: Any) -> list[str]:
    """What in a raw answer (botocore's ``response_dict``) is not as the operation's model has it."""
    shape = operation.output_shape
    if shape is None or answer["status_code"] >= 300 or operation.has_streaming_output:
        return []
    if operation.service_model.metadata["protocol"] in XML and not answer["body"].startswith(b"{"):
        return list(_in_xml(shape, _result_element(answer["body"], shape), operation.name)) if answer["body"] else []
    return list(_in_json(shape, json.loads(answer["body"] or b"{}"), operation.name))


def _in_json(shape: Any, value: Any, path: str) -> Iterator[str]:
    match shape.type_name:
        case "structure":
            yield from _in_structure(shape, value, path)
        case "list":
            for item in value:
                yield from _in_json(shape.member, item, f"{path}[]")
        case "map":
            for key, item in value.items():
                yield from _in_json(shape.value, item, f"{path}.{key}")
        case kind if isinstance(value, bool) != (kind == "boolean") or not isinstance(value, KINDS.get(kind, (str,))):
            yield f"{path} is {value!r}, and no {kind}"
        case "string" if shape.enum and value not in shape.enum:
            yield f"{path} is {value!r}, and none of {shape.enum}"


def _in_structure(shape: Any, value: Any, path: str) -> Iterator[str]:
    yield from (f"{path}.{name} is missing" for name in shape.required_members if value.get(name) is None)
    for name, item in value.items():
        if name not in shape.members:
            yield f"{path}.{name} is unknown"
        elif item is None:
            yield f"{path}.{name} is null"
        elif item == {} and shape.members[name].type_name == "structure" and shape.members[name].members:
            yield f"{path}.{name} is empty"
        else:
            yield from _in_json(shape.members[name], item, f"{path}.{name}")


def _result_element(body: bytes, shape: Any) -> ElementTree.Element:
    root = ElementTree.fromstring(body)
    wrapper = shape.serialization.get("resultWrapper")
    return next((child for child in root if _local_tag(child) == wrapper), root) if wrapper else root


def _local_tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _in_xml(shape: Any, element: ElementTree.Element, path: str) -> Iterator[str]:
    """Only what is unknown or missing: XML tells no null from empty, and every value is a text."""
    if shape.type_name == "list":
        for item in element:
            yield from _in_xml(shape.member, item, f"{path}[]")
    if shape.type_name != "structure":
        return
    members = {_serialized_name(member, name): member for name, member in shape.members.items()}
    required = {_serialized_name(shape.members[name], name) for name in shape.required_members}
    seen = [_local_tag(child) for child in element]
    yield from (f"{path}.{name} is missing" for name in required - set(seen))
    for child in element:
        member = members.get(_local_tag(child))
        if member is None:
            if _local_tag(child) not in ("ResponseMetadata", "requestId", "RequestId"):
                yield f"{path}.{_local_tag(child)} is unknown"
        elif member.type_name == "list" and member.serialization.get("flattened"):
            yield from _in_xml(member.member, child, f"{path}.{_local_tag(child)}")
        else:
            yield from _in_xml(member, child, f"{path}.{_local_tag(child)}")


def _serialized_name(member: Any, name: str) -> str:
    if member.type_name == "list" and member.serialization.get("flattened"):
        name = str(member.member.serialization.get("name", name))
    return str(member.serialization.get("name", name))

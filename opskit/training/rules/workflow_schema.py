"""The shape of a workflow.toml as a JSON Schema, for editors and other programs."""

from __future__ import annotations

from typing import Any

from opskit.training.rules.workflow_shape import (
    TABLES,
    TOP_KEYS,
    FreeShape,
    KeySpec,
    TableSpec,
    ValueKind,
    required_names,
)

_DURATION_PATTERN = r"^(\d+(\.\d+)?(ms|[smhd]))+$"
_TYPE_PATTERN = r"^ml\.[a-z0-9-]+\.[a-z0-9-]+$"


def workflow_schema() -> dict[str, Any]:
    """The shape as a JSON Schema (draft 2020-12), for editors and other programs."""
    properties: dict[str, Any] = {spec.name: _key_schema(spec) for spec in TOP_KEYS}
    properties |= {table.name: _table_schema(table) for table in TABLES}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "An opskit workflow (workflow.toml)",
        "type": "object",
        "properties": properties,
        "required": required_names(),
        "additionalProperties": False,
    }


def _table_schema(table: TableSpec) -> dict[str, Any]:
    if table.free:
        return {"type": "object", "description": table.help, **_free_schema(table.free)}
    needs = {name: [other for other in table.together if other != name] for name in table.together}
    return {
        "type": "object",
        "description": table.help,
        "properties": {spec.name: _key_schema(spec) for spec in table.keys},
        "required": [spec.name for spec in table.keys if spec.required],
        "additionalProperties": False,
        **({"dependentRequired": needs} if needs else {}),
    }


def _free_schema(shape: FreeShape) -> dict[str, Any]:
    names: dict[str, Any] = {"minLength": 1, "maxLength": shape.name_length}
    if shape.schema_name_pattern:
        names["pattern"] = shape.schema_name_pattern
    values = {"type": ["string", "number", "boolean"], "maxLength": shape.value_length}
    return {"propertyNames": names, "maxProperties": shape.most, "additionalProperties": values}


def _key_schema(spec: KeySpec) -> dict[str, Any]:
    schema = {"description": spec.help, **_kind_schema(spec)}
    if spec.default is not None:
        schema["default"] = list(spec.default) if isinstance(spec.default, tuple) else spec.default
    return schema


def _kind_schema(spec: KeySpec) -> dict[str, Any]:
    match spec.kind:
        case ValueKind.TEXT:
            pattern = {"pattern": spec.pattern} if spec.pattern else {}
            values = list(spec.choices or spec.known)
            return {"type": "string", **pattern, **({"enum": values} if values else {})}
        case ValueKind.INSTANCE_TYPE:
            return {"type": "string", "pattern": _TYPE_PATTERN}
        case ValueKind.WHOLE:
            bounds = {"minimum": spec.minimum, "maximum": spec.maximum}
            return {"type": "integer", **{name: bound for name, bound in bounds.items() if bound is not None}}
        case ValueKind.SHARE:
            return {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}
        case ValueKind.DURATION:
            return {"type": "string", "pattern": _DURATION_PATTERN}
        case ValueKind.TEXTS:
            most = {} if spec.most is None else {"maxItems": spec.most}
            each = {"type": "string", **({"pattern": spec.pattern} if spec.pattern else {})}
            return {"type": "array", "items": each, **most}
        case ValueKind.SWITCH:
            return {"type": "boolean"}

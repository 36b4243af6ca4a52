"""The shape of a workflow.toml: every table and key, what it may hold, and what it is for. The reader, its errors, the
JSON Schema, `opskit workflow init` and the page of the documentation are all made from this.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from opskit.core.durations import format_duration
from opskit.core.exceptions import UsageError
from opskit.core.setting_values import parse_duration
from opskit.quotas.rules.requirements import parse_instance_type
from opskit.training.rules.model import Task

NAME_PATTERN = r"[a-z0-9](-?[a-z0-9])*"
NAME_LENGTH = 32  # part of SageMaker names, which end at 63 characters
_DURATION_PATTERN = r"^(\d+(\.\d+)?(ms|[smhd]))+$"


class ValueKind(StrEnum):
    """What a key holds."""

    TEXT = "text"
    INSTANCE_TYPE = "an instance type"
    WHOLE = "a whole number"
    SHARE = "a share between 0 and 1"
    DURATION = "a time such as 30m or 1h"
    TEXTS = "a list of texts"
    SWITCH = "true or false"


@dataclass(frozen=True)
class KeySpec:
    """One key. ``default`` None: the key may be missing and then has no value, unless it is ``required``. ``minimum``
    and ``maximum`` are for whole numbers, ``most`` for the number of texts in a list.
    """

    name: str
    kind: ValueKind
    help: str
    required: bool = False
    default: Any = None
    minimum: int | None = None
    maximum: int | None = None
    most: int | None = None
    pattern: str | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class FreeShape:
    """What AWS takes as names and values of a free table: how many, how long, and of which characters."""

    most: int
    name_length: int
    value_length: int
    name_pattern: str = r"."
    value_pattern: str = r"^"
    characters: str = ""
    """What the patterns allow, in words."""


@dataclass(frozen=True)
class TableSpec:
    """One table. ``free``: its keys are somebody else's names, with texts, numbers or true and false as values."""

    name: str
    help: str
    keys: tuple[KeySpec, ...] = ()
    required: bool = False
    free: FreeShape | None = None

    @property
    def is_free(self) -> bool:
        """Whether its keys are somebody else's names."""
        return self.free is not None


# The bounds and patterns of texts, tags and environment are those of CreateTrainingJob in AWS's API model; those of the
# volume and the run are in the guide's text of ResourceConfig and StoppingCondition.
_KMS_PATTERN = r"^[a-zA-Z0-9:/_-]{1,2048}$"
_NETWORK_ID_PATTERN = r"^[-0-9a-zA-Z]{1,32}$"
_TYPE_PATTERN = r"^ml\.[a-z0-9-]+\.[a-z0-9-]+$"
_LARGEST_VOLUME_GB = 16_384
_LONGEST_RUN_SECONDS = 28 * 24 * 3600
_TAG_CHARACTERS = r"^[\w\s.:/=+\-@]*$"
_TAGS_OF_OPSKIT = 4
_TAG_SHAPE = FreeShape(
    50 - _TAGS_OF_OPSKIT, 128, 256, _TAG_CHARACTERS, _TAG_CHARACTERS, "letters, digits, spaces and _ . : / = + - @"
)
_ENVIRONMENT_SHAPE = FreeShape(
    100,
    512,
    512,
    r"^[a-zA-Z_][a-zA-Z0-9_]*$",
    characters="letters, digits and _ in names, which do not begin with a digit",
)
_HYPERPARAMETER_SHAPE = FreeShape(100, 256, 2500)


def _instance_keys(purpose: str) -> tuple[KeySpec, KeySpec]:
    return (
        KeySpec(
            "instance_type",
            ValueKind.INSTANCE_TYPE,
            f"The instance type of the {purpose}, such as ml.m5.large.",
            required=True,
        ),
        KeySpec("instance_count", ValueKind.WHOLE, "The number of instances.", default=1, minimum=1),
    )


TOP_KEYS: tuple[KeySpec, ...] = (
    KeySpec(
        "name",
        ValueKind.TEXT,
        f"Lower-case letters, digits and single hyphens, at most {NAME_LENGTH}. All resource names begin with it.",
        required=True,
        pattern=rf"^(?=.{{1,{NAME_LENGTH}}}$){NAME_PATTERN}$",
    ),
    KeySpec("title", ValueKind.TEXT, "One line for people. Default: the name."),
    KeySpec(
        "task",
        ValueKind.TEXT,
        "What is predicted. Default: derived from the objective.",
        choices=tuple(task.value for task in Task),
    ),
)

TABLES: tuple[TableSpec, ...] = (
    TableSpec(
        "data",
        "The table to learn from: a CSV file with a header.",
        (
            KeySpec(
                "file",
                ValueKind.TEXT,
                "Its path, from the workflow's folder.",
                required=True,
                pattern=r"^[^\x00]+$",
            ),
            KeySpec(
                "sha256",
                ValueKind.TEXT,
                "Its SHA-256; `opskit workflow check --update` writes it.",
                required=True,
                pattern=r"^[0-9a-f]{64}$",
            ),
            KeySpec("target", ValueKind.TEXT, "The column to predict.", required=True),
            KeySpec("skip_lines", ValueKind.WHOLE, "The lines above the header.", default=0, minimum=0),
            KeySpec("ignore", ValueKind.TEXTS, "Columns to leave out.", default=()),
            KeySpec("keep", ValueKind.TEXTS, "Features although they number the rows like an index.", default=()),
            KeySpec("positive", ValueKind.TEXT, "The class that counts as 1 (binary); the last in order if missing."),
        ),
        required=True,
    ),
    TableSpec(
        "split",
        "How the rows are divided. Every part has the same share of each class.",
        (
            KeySpec("test", ValueKind.SHARE, "The test set's share of all rows.", required=True),
            KeySpec("validation", ValueKind.SHARE, "The validation set's share of the rest.", required=True),
            KeySpec(
                "seed",
                ValueKind.WHOLE,
                "The same seed gives the same rows.",
                required=True,
                minimum=0,
                maximum=2**32 - 1,
            ),
        ),
        required=True,
    ),
    TableSpec(
        "image",
        "The built-in algorithm.",
        (
            KeySpec("framework", ValueKind.TEXT, "Its name, such as xgboost.", required=True),
            KeySpec("version", ValueKind.TEXT, 'The version of its image, such as "1.7-1".', required=True),
        ),
        required=True,
    ),
    TableSpec("hyperparameters", "The algorithm's own hyperparameters.", required=True, free=_HYPERPARAMETER_SHAPE),
    TableSpec(
        "training",
        "The training job.",
        (
            *_instance_keys("training"),
            KeySpec(
                "max_run",
                ValueKind.DURATION,
                "AWS ends the job after this time.",
                required=True,
                maximum=_LONGEST_RUN_SECONDS,
            ),
            KeySpec(
                "volume_gb",
                ValueKind.WHOLE,
                "The size of its volume in GB.",
                default=10,
                minimum=1,
                maximum=_LARGEST_VOLUME_GB,
            ),
            KeySpec("keep_alive", ValueKind.DURATION, "How long its instances stay as a warm pool, which is billed."),
        ),
        required=True,
    ),
    TableSpec(
        "transform",
        "The batch transform of the test set.",
        (
            *_instance_keys("transform"),
            KeySpec(
                "max_run",
                ValueKind.DURATION,
                "opskit stops the job after this time, if it is watching it: SageMaker has no such setting.",
                required=True,
            ),
        ),
        required=True,
    ),
    TableSpec("endpoint", "The endpoint of `--deploy` and `opskit deploy`.", _instance_keys("endpoint"), required=True),
    TableSpec(
        "network",
        "Where jobs, models and endpoints run.",
        (
            KeySpec(
                "subnets", ValueKind.TEXTS, "The subnets of a VPC.", default=(), most=16, pattern=_NETWORK_ID_PATTERN
            ),
            KeySpec(
                "security_groups",
                ValueKind.TEXTS,
                "Its security groups.",
                default=(),
                most=5,
                pattern=_NETWORK_ID_PATTERN,
            ),
            KeySpec("isolation", ValueKind.SWITCH, "No network access for the containers.", default=False),
        ),
    ),
    TableSpec(
        "encryption",
        "KMS keys, by ID, ARN or alias ARN.",
        (
            KeySpec("volume_kms_key", ValueKind.TEXT, "For the volumes of all instances.", pattern=_KMS_PATTERN),
            KeySpec("s3_kms_key", ValueKind.TEXT, "For everything that is written to S3.", pattern=_KMS_PATTERN),
        ),
    ),
    TableSpec("tags", "Tags of all resources, in addition to opskit's own.", free=_TAG_SHAPE),
    TableSpec("environment", "Environment variables of the training container.", free=_ENVIRONMENT_SHAPE),
)
TABLE_SPECS: Mapping[str, TableSpec] = {table.name: table for table in TABLES}


def read_value(spec: KeySpec, value: object) -> Any:
    """A key's value as Python has it: text, int, float, bool, seconds, or a tuple of texts.

    Raises:
        ValueError: it is not what the key holds; the message says what does.
        UsageError: it is no instance type, with what may have been meant.
    """
    match spec.kind:
        case ValueKind.TEXT:
            return _read_text(spec, value)
        case ValueKind.INSTANCE_TYPE:
            return parse_instance_type(_read_text(spec, value))
        case ValueKind.WHOLE:
            return _read_whole(spec, value)
        case ValueKind.SHARE:
            return _read_share(value)
        case ValueKind.DURATION:
            return _read_duration(spec, value)
        case ValueKind.TEXTS:
            return _read_texts(spec, value)
        case ValueKind.SWITCH:
            if not isinstance(value, bool):
                raise ValueError("is true or false")
            return value


def _read_text(spec: KeySpec, value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f'is text: write "{value}" in quotes')
    if spec.choices and value not in spec.choices:
        raise ValueError(f"'{value}' is not one of {', '.join(spec.choices)}")
    _check_pattern(spec, value)
    return value


def _read_whole(spec: KeySpec, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"is a whole number, not {value!r}")
    if spec.minimum is not None and value < spec.minimum:
        raise ValueError(f"is at least {spec.minimum}")
    if spec.maximum is not None and value > spec.maximum:
        raise ValueError(f"is at most {spec.maximum}")
    return value


def _read_share(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise ValueError("is one of the shares between 0 and 1")
    return float(value)


def _read_duration(spec: KeySpec, value: object) -> int:
    if not isinstance(value, str):
        raise ValueError(f"is a time such as 30m or 1h, not {value!r}")
    try:
        seconds = int(parse_duration(value).total_seconds())
    except UsageError as error:
        raise ValueError(f"is a time such as 30m or 1h, not '{value}'") from error
    if seconds < 1:
        raise ValueError("is at least one second")
    if spec.maximum is not None and seconds > spec.maximum:
        raise ValueError(f"is at most {format_duration(timedelta(seconds=spec.maximum))}")
    return seconds


def _read_texts(spec: KeySpec, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError('is a list of texts, such as ["a", "b"]')
    if spec.most is not None and len(value) > spec.most:
        raise ValueError(f"has at most {spec.most} entries")
    for each in value:
        _check_pattern(spec, each)
    return tuple(value)


def _check_pattern(spec: KeySpec, text: str) -> None:
    if spec.pattern and not re.search(spec.pattern, text):
        raise ValueError(f"'{text}' is not valid: {spec.help[0].lower()}{spec.help[1:]}")


def read_free_value(shape: FreeShape, name: str, value: object) -> str:
    """A value of a table whose keys are somebody else's, as SageMaker takes it: text.

    Raises:
        ValueError: it is a list, a table or a date, or AWS takes no such name or value.
    """
    if not isinstance(value, str | int | float):
        raise ValueError(f"is text or a number, not {value!r}")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if not 0 < len(name) <= shape.name_length:
        raise ValueError(f"has a name of {len(name)} characters, not 1 to {shape.name_length}")
    if len(text) > shape.value_length:
        raise ValueError(f"has {len(text)} characters, and AWS takes at most {shape.value_length}")
    if not re.search(shape.name_pattern, name) or not re.search(shape.value_pattern, text):
        raise ValueError(f"is not valid: AWS takes {shape.characters}")
    return text


def required_names() -> list[str]:
    """The keys and tables that every workflow has at its top."""
    return [key.name for key in TOP_KEYS if key.required] + [table.name for table in TABLES if table.required]


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
    if table.is_free:
        values = {"type": ["string", "number", "boolean"]}
        return {"type": "object", "description": table.help, "additionalProperties": values}
    return {
        "type": "object",
        "description": table.help,
        "properties": {spec.name: _key_schema(spec) for spec in table.keys},
        "required": [spec.name for spec in table.keys if spec.required],
        "additionalProperties": False,
    }


def _key_schema(spec: KeySpec) -> dict[str, Any]:
    schema = {"description": spec.help, **_kind_schema(spec)}
    if spec.default is not None:
        schema["default"] = list(spec.default) if isinstance(spec.default, tuple) else spec.default
    return schema


def _kind_schema(spec: KeySpec) -> dict[str, Any]:
    match spec.kind:
        case ValueKind.TEXT:
            pattern = {"pattern": spec.pattern} if spec.pattern else {}
            return {"type": "string", **pattern, **({"enum": list(spec.choices)} if spec.choices else {})}
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
            return {"type": "array", "items": {"type": "string"}, **most}
        case ValueKind.SWITCH:
            return {"type": "boolean"}

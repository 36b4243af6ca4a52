"""Reads the values of a workflow.toml as its shape wants them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from opskit.core.exceptions import UsageError
from opskit.core.setting_values import parse_duration
from opskit.core.text import format_duration
from opskit.quotas.rules.requirements import parse_instance_type
from opskit.training.rules.workflow_shape import FreeShape, KeySpec, ValueKind


def read_value(spec: KeySpec, value: object) -> Any:
    """A key's value as Python has it: text, int, float, bool, seconds, or a tuple of texts.

    Raises:
        ValueError: it is not what the key holds; the message says what does.
        UsageError: it is not an instance type, with what may have been meant.
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
    # A $ alone would let a line end pass.
    if spec.pattern and not re.fullmatch(spec.pattern, text):
        raise ValueError(f"{text!r} is not valid: {spec.form}")


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
    if not re.fullmatch(shape.name_pattern, name) or not re.fullmatch(shape.value_pattern, text):
        raise ValueError(f"is not valid: AWS takes {shape.characters}")
    return text

"""The types of values that settings and flags take: a description, and how to parse it from text or TOML."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from opskit.core.aws_names import BUCKET_NAME
from opskit.core.exceptions import UsageError
from opskit.core.tags import LONGEST_TAG_VALUE, is_tag_value

if TYPE_CHECKING:
    from decimal import Decimal


LOCAL_STATE = "local"
"""The name of the state folder of this machine."""
_SCHEME = "dynamodb"
_PLACE = re.compile(r"dynamodb://(?P<table>[^?]+)(?:\?region=(?P<region>[a-z]{2}(?:-[a-z]+)+-\d))?")
# DynamoDB's rules for a table's name.
_TABLE_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}")
_TABLE_ARN = re.compile(r"arn:aws[\w-]*:dynamodb:([a-z0-9-]+):\d{12}:table/[A-Za-z0-9_.-]{3,255}")
_HINT = "For example dynamodb://opskit?region=us-east-1, or local."


@dataclass(frozen=True)
class TablePlace:
    """Which table: its name or ARN, and its ``region``; None: that of the command."""

    table: str
    region: str | None

    def __str__(self) -> str:
        query = f"?region={self.region}" if self.region else ""
        return f"{_SCHEME}://{self.table}{query}"


def parse_state_place(text: str) -> TablePlace | None:
    """Where the state is: a table, or None for this machine's folder.

    Raises:
        UsageError: it names neither.
    """
    if text == LOCAL_STATE:
        return None
    parts = _PLACE.fullmatch(text)
    arn = _TABLE_ARN.fullmatch(parts["table"]) if parts else None
    if parts is None or not (arn or _TABLE_NAME.fullmatch(parts["table"])):
        raise UsageError("bad-state", f"'{text}' names no home for opskit's state.", _HINT)
    if arn and parts["region"] not in (None, arn[1]):
        raise UsageError("bad-state", f"The table of '{text}' is in {arn[1]}, not in {parts['region']}.", _HINT)
    return TablePlace(parts["table"], arn[1] if arn else parts["region"])


class OutputFormat(StrEnum):
    """The formats a result can be printed in."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"

    @property
    def is_table(self) -> bool:
        """Whether it is for people at a terminal rather than for a program or a document."""
        match self:
            case OutputFormat.TABLE:
                return True
            case OutputFormat.JSON | OutputFormat.CSV | OutputFormat.MARKDOWN:
                return False

    @property
    def contains_problems(self) -> bool:
        """Whether the output itself contains the problems."""
        match self:
            case OutputFormat.JSON:
                return True
            case OutputFormat.TABLE | OutputFormat.CSV | OutputFormat.MARKDOWN:
                return False


# With a longer timeout a command that has lost its network would look as if it hangs.
_MAX_READ_TIMEOUT = timedelta(hours=1)
# A hundred years: a date so far away, or so long ago, can still be written.
_LONGEST_DURATION = timedelta(days=36_500)
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_tag_filter(text: str | None) -> tuple[str, str] | None:
    """The key and value of a tag such as ``team=blue``; None where no text was given.

    Raises:
        UsageError: it has no key, or no ``=``.
    """
    return None if text is None else parse_tag(text)


def parse_tag(text: str) -> tuple[str, str]:
    """The key and value of a tag such as ``team=blue``.

    Raises:
        UsageError: it has no key, or no ``=``.
    """
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise UsageError("bad-tag", f"'{text}' is not a valid tag.", "Write it like team=blue.")
    return key, value


def parse_duration(text: str, *, longest: timedelta = _LONGEST_DURATION) -> timedelta:
    """A duration such as ``90s``, ``30m``, ``36h``, ``7d`` or ``1h30m``.

    Raises:
        UsageError: the text is not one, or it is longer than ``longest``.
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|[smhd])", text.strip().lower())
    if not parts or "".join(number + unit for number, unit in parts) != text.strip().lower():
        raise UsageError("bad-duration", f"'{text}' is not a duration.", "Write it like 30s, 15m, 36h or 7d.")
    seconds = sum(float(number) * (0.001 if unit == "ms" else _UNIT_SECONDS[unit]) for number, unit in parts)
    if seconds > longest.total_seconds():
        raise UsageError("bad-duration", f"'{text}' is too long.", f"Give at most {longest.days}d.")
    return timedelta(seconds=seconds)


def parse_usd(text: str) -> Decimal:
    """An amount of USD above zero.

    Raises:
        UsageError: the text is not one.
    """
    from decimal import Decimal, InvalidOperation  # imported here, since --help must not pay for it

    try:
        amount = Decimal(str(text).strip().removeprefix("$"))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise UsageError("bad-amount", f"'{text}' is not an amount of USD.", "Write it like 2.50.")
    if amount <= 0:
        raise UsageError("bad-amount", f"An amount of USD is more than 0, and '{text}' is not.", "Write it like 2.50.")
    return amount


@dataclass(frozen=True)
class ValueType:
    """A type of value: its description, the TOML types it may be written in, and its parser. Environment variables and
    flags are always text.
    """

    description: str
    toml_types: tuple[type, ...]
    parse: Callable[[Any], Any]


def _parse_string(value: str) -> str:
    if not value.strip():
        raise ValueError
    return value.strip()


def _parse_owner(value: str) -> str:
    name = _parse_string(value)
    if not is_tag_value(name) or not name.isprintable():
        raise ValueError
    return name


def _parse_bucket(value: str) -> str:
    name = _parse_string(value)
    if not BUCKET_NAME.fullmatch(name):
        raise ValueError
    return name


def _parse_strings(value: str | Sequence[str]) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    if not parts:
        raise ValueError
    return tuple(_parse_string(part) for part in parts)


def _parse_positive_int(value: str | int) -> int:
    if int(value) < 1:
        raise ValueError
    return int(value)


def _parse_fraction(value: str | float) -> float:
    text = str(value).strip()
    fraction = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    if not 0 < fraction <= 1:
        raise ValueError
    return fraction


def _parse_yes_or_no(value: str | bool) -> bool:
    if isinstance(value, bool):
        return value
    words = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    if (said := words.get(value.strip().lower())) is None:
        raise ValueError
    return said


def _parse_output_format(value: str) -> str:
    if value not in list(OutputFormat):
        raise UsageError("bad-output", f"Unknown output format '{value}'.", f"One of: {', '.join(OutputFormat)}.")
    return value


def _parse_positive_duration(value: str) -> timedelta:
    if not timedelta() < parse_duration(value) <= _MAX_READ_TIMEOUT:
        raise ValueError
    return parse_duration(value)


STRING = ValueType("text", (str,), _parse_string)
OWNER = ValueType(
    f"at most {LONGEST_TAG_VALUE} letters, digits, spaces and _ . : / = + - @, as a tag's value", (str,), _parse_owner
)
BUCKET = ValueType(
    "the name of an S3 bucket, without s3://: letters, digits and . - _, at most 255", (str,), _parse_bucket
)
STRINGS = ValueType("a list of words", (str, list), _parse_strings)
POSITIVE_INT = ValueType("a whole number of at least 1", (int,), _parse_positive_int)
FRACTION = ValueType("a share such as 0.8 or '80%'", (int, float, str), _parse_fraction)
DURATION = ValueType("a time such as '90s' or '36h'", (str,), parse_duration)
POSITIVE_DURATION = ValueType("a time above zero, at most 1h, such as '10s'", (str,), _parse_positive_duration)
YES_OR_NO = ValueType("true or false", (bool,), _parse_yes_or_no)
USD = ValueType("an amount of USD such as 2.50", (int, float, str), parse_usd)
OUTPUT_FORMAT = ValueType(f"one of {', '.join(OutputFormat)}", (str,), _parse_output_format)

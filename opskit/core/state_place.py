"""How the home of opskit's state is named: ``local``, or ``dynamodb://TABLE[?region=REGION]``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from opskit.core.exceptions import UsageError

LOCAL_STATE = "local"
"""The name of the state folder of this machine."""
_SCHEME = "dynamodb"
_PLACE = re.compile(r"dynamodb://(?P<table>[^?]+)(?:\?region=(?P<region>[a-z]{2}(?:-[a-z]+)+-\d))?")
# DynamoDB's rules for a table's name.
_TABLE_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}")
_TABLE_ARN = re.compile(r"arn:aws[\w-]*:dynamodb:([a-z0-9-]+):\d{12}:table/[A-Za-z0-9_.-]{3,255}")
_HINT = "For example --state dynamodb://opskit?region=us-east-1, or --state local."


@dataclass(frozen=True)
class TablePlace:
    """Which table: its name or ARN, and its Region; None: that of the command."""

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

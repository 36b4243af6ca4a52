"""How the home of opskit's state is named: ``local``, or ``dynamodb://TABLE[?region=REGION]``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote

from opskit.core.exceptions import UsageError

LOCAL_STATE = "local"
"""The name of the state folder of this machine."""
_SCHEME = "dynamodb"
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
    scheme, _, rest = text.partition("://")
    table, _, query = rest.partition("?")
    named = _query_region(query)
    arn = _TABLE_ARN.fullmatch(unquote(table))
    if scheme != _SCHEME or named is None or not (arn or _TABLE_NAME.fullmatch(table)):
        raise UsageError("bad-state", f"'{text}' names no home for opskit's state.", _HINT)
    region = named or None
    if arn and region not in (None, arn[1]):
        raise UsageError("bad-state", f"The table of '{text}' is in {arn[1]}, not in {region}.", _HINT)
    return TablePlace(arn[0] if arn else table, arn[1] if arn else region)


def _query_region(query: str) -> str | None:
    """The Region that a query names, empty if there is no query; None if it says anything else."""
    if not query:
        return ""
    values = parse_qs(query, keep_blank_values=True, strict_parsing=False)
    regions = values.get("region", [])
    return regions[0] if values.keys() == {"region"} and len(regions) == 1 and regions[0] else None

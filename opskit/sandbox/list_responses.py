"""List operations as SageMaker answers them: filters, order, and pages of ten unless asked for more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from opskit.sandbox.errors import ApiError, invalid
from opskit.sandbox.pagination import BadToken, page
from opskit.sandbox.state import Call

PAGE = 10


@dataclass(frozen=True)
class Listed:
    """One resource as a list operation sees it."""

    name: str
    created: datetime
    modified: datetime
    status: str
    summary: dict[str, Any]


def listed(call: Call, rows: Iterable[Listed], member: str, *, newest_first: bool = True) -> dict[str, Any]:
    """The answer of a list operation whose summaries stand under ``member``.

    ``newest_first`` is the order where the client names none.
    """
    kept = [row for row in rows if _wanted(call.params, row)]
    order = call.params.get("SortOrder", "Descending" if newest_first else "Ascending")
    kept.sort(key=lambda row: _sort_key(call.params.get("SortBy", "CreationTime"), row), reverse=order == "Descending")
    rows_here, token = one_page(call, kept, PAGE)
    return {member: [row.summary for row in rows_here], "NextToken": token}


def one_page(call: Call, items: list[Any], size: int) -> tuple[list[Any], str | None]:
    """The page a call asks for, and the token of the next. Raises ValidationException for a bad token."""
    try:
        return page(call, items, call.params.get("MaxResults", size), call.params.get("NextToken"))
    except BadToken as error:
        raise invalid("Invalid pagination token.") from error


def _wanted(params: dict[str, Any], row: Listed) -> bool:
    return (
        params.get("NameContains", "").lower() in row.name.lower()
        and params.get("StatusEquals", row.status) == row.status
        and _within(params, "CreationTime", row.created)
        and _within(params, "LastModifiedTime", row.modified)
    )


def _within(params: dict[str, Any], name: str, value: datetime) -> bool:
    after, before = params.get(f"{name}After"), params.get(f"{name}Before")
    return (after is None or value > moment(after)) and (before is None or value < moment(before))


def moment(value: Any) -> datetime:
    """A timestamp as clients send it: seconds since 1970, or ISO 8601. Raises SerializationException."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        parsed = datetime.fromisoformat(value)
    except (ValueError, TypeError, OverflowError, OSError) as error:
        raise ApiError("SerializationException", f"'{value}' is not a timestamp.") from error
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _sort_key(by: str, row: Listed) -> tuple[Any, ...]:
    match by:
        case "Name":
            return (row.name, row.created)
        case "Status":
            return (row.status, row.created)
        case _:
            return (row.created, row.name)

"""List operations as SageMaker answers them: pages of ten unless asked for more, cut before the filters run.

AWS says of ListTrainingJobs that the MaxResults jobs are retrieved first and filtered then, and the same was seen of
others: a page may be empty, with more behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from opskit.sandbox.errors import ApiError, validation_error
from opskit.sandbox.pagination import cut_page
from opskit.sandbox.state import ApiCall

# What SageMaker gives where MaxResults is absent.
DEFAULT_PAGE_SIZE = 10


class ListRow(Protocol):
    """One resource as a list operation sees it. Only a page's own rows are asked for their summary."""

    @property
    def name(self) -> str: ...
    @property
    def created(self) -> datetime: ...
    @property
    def modified(self) -> datetime: ...
    @property
    def status(self) -> str: ...
    @property
    def summary(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class ListedResource:
    """A row whose summary already exists."""

    name: str
    created: datetime
    modified: datetime
    status: str
    summary: dict[str, Any]


def list_response(
    call: ApiCall,
    rows: Iterable[ListRow],
    member: str,
    *,
    newest_first: bool = True,
    also: Callable[[ListRow], bool] = lambda row: True,
) -> dict[str, Any]:
    """The answer of a list operation whose summaries stand under ``member``.

    ``newest_first`` is the order where the client names none; ``also`` are filters of this operation alone.
    """
    order = call.params.get("SortOrder", "Descending" if newest_first else "Ascending")
    sort_key = _row_sort_key(call.params.get("SortBy", "CreationTime"))
    ordered = sorted(rows, key=sort_key, reverse=order == "Descending")
    page, token = validated_page(call, ordered, DEFAULT_PAGE_SIZE)
    found = [row for row in page if _matches_filters(call.params, row) and also(row)]
    return {member: [row.summary for row in found], "NextToken": token}


def validated_page(call: ApiCall, items: list[Any], size: int) -> tuple[list[Any], str | None]:
    """The page a call asks for, and the token of the next. Raises ValidationException for a bad token."""
    return cut_page(call, items, size, validation_error("Invalid pagination token."))


def _matches_filters(params: dict[str, Any], row: ListRow) -> bool:
    return (
        params.get("NameContains", "").lower() in row.name.lower()
        and params.get("StatusEquals", row.status) == row.status
        and _in_time_range(params, "CreationTime", row.created)
        and _in_time_range(params, "LastModifiedTime", row.modified)
    )


def _in_time_range(params: dict[str, Any], name: str, value: datetime) -> bool:
    after, before = params.get(f"{name}After"), params.get(f"{name}Before")
    return (after is None or value > parse_api_timestamp(after)) and (
        before is None or value < parse_api_timestamp(before)
    )


def parse_api_timestamp(value: Any) -> datetime:
    """A timestamp as clients send it: seconds since 1970, or ISO 8601. Raises SerializationException."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        parsed = datetime.fromisoformat(value)
    except (ValueError, TypeError, OverflowError, OSError) as error:
        raise ApiError("SerializationException", f"'{value}' is not a timestamp.") from error
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _row_sort_key(sort_by: str) -> Callable[[ListRow], tuple[Any, ...]]:
    match sort_by:
        case "Name":
            return lambda row: (row.name, row.created)
        case "Status":
            return lambda row: (row.status, row.created)
        case _:
            return lambda row: (row.created, row.name)

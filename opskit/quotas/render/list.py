"""The result of ``quotas list`` for people and programs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, assert_never

from opskit.core.model import Unknown
from opskit.output.result import Cell, Column, CommandResult, LazyRows, Style, Table
from opskit.quotas.render.check import request_record
from opskit.quotas.rules.listing import (
    UNCOUNTABLE_CODES,
    UNPUBLISHED_CODES,
    QuotaList,
    is_exhausted,
    utilization_percent,
)
from opskit.quotas.rules.model import IncreaseRequest, ListedQuota, Utilization, format_quota_value, int_if_whole
from opskit.quotas.rules.requirements import parse_quota_name

_NEARLY_FULL_PERCENT = 80


def quota_list_result(
    listing: QuotaList, *, with_defaults: bool, shown: int | None = None, paged: bool = False
) -> CommandResult:
    """The result of ``quotas list``; ``with_defaults`` shows AWS's default on narrow terminals too. ``shown``: how many
    rows the table has, None for all; ``paged``: through a pager.
    """
    return CommandResult(
        data={"quotas": LazyRows(listing.quotas, quota_record), "cost_usd": listing.cost_usd},
        exit=listing.exit_code,
        problems=listing.problems,
        tables=(_quota_table(listing, with_defaults, shown),) if listing.quotas else (),
        notes=(*_left_out_notes(listing, shown), *_legend_notes(listing), *_cost_notes(listing)),
        records="quotas",
        paged=paged,
    )


def _cost_notes(listing: QuotaList) -> Iterator[str]:
    if listing.metrics_asked:
        cost = f"{listing.cost_usd.normalize():f}"
        yield f"This look cost {cost} USD: {listing.metrics_asked:,} metrics of CloudWatch; --live counts for nothing."


def _left_out_notes(listing: QuotaList, shown: int | None) -> Iterator[str]:
    if shown is not None and len(listing.quotas) > shown:
        yield f"The {shown} most urgent of {len(listing.quotas):,} quotas; --all shows the rest, --pager in a pager."


def quota_record(listed: ListedQuota) -> dict[str, Any]:
    """One quota in JSON, as scripts rely on it."""
    quota, utilization = listed.quota, listed.utilization
    instance_type, workload = parse_quota_name(quota.name)
    return {
        "region": quota.region,
        "quota_name": quota.name,
        "quota_code": quota.code,
        "instance_type": instance_type,
        "usage": workload and workload.value,
        "applied": int_if_whole(quota.applied),
        "default": int_if_whole(quota.default),
        "in_use": int_if_whole(utilization.amount) if isinstance(utilization, Utilization) else None,
        "utilisation": int_if_whole(utilization_percent(listed)),
        "adjustable": quota.adjustable,
        "request": request_record(listed.request) if isinstance(listed.request, IncreaseRequest) else None,
        "measured_at": utilization.measured_at if isinstance(utilization, Utilization) else None,
        "because": "; ".join(_value_notes(listed)),
    }


def _value_notes(listed: ListedQuota) -> Iterator[str]:
    """Why a number is missing, or which value is in effect."""
    if listed.value_error:
        yield f"its value is not known: {listed.value_error.reason.rstrip('.')}"
    elif listed.quota.applied is None:
        yield "AWS's default; nothing else is applied"
    if isinstance(listed.utilization, Unknown):
        yield listed.utilization.reason.rstrip(".")
    if isinstance(listed.request, Unknown):
        yield f"open requests are not known: {listed.request.reason.rstrip('.')}"


def _quota_table(listing: QuotaList, with_defaults: bool, shown: int | None) -> Table:
    several = len(listing.regions) > 1
    columns = (
        *((Column("Region", key=True),) if several else ()),
        Column("Quota", wrap=True, key=True),
        Column("Value", right=True),
        Column("Default", right=True, optional=not with_defaults),
        Column("In use", right=True),
        Column("%", right=True),
        Column("Measured", optional=True),
        Column("Adjustable", optional=True),
        Column("Request", wrap=True),
    )
    return Table(columns, LazyRows(listing.quotas[:shown], partial(_quota_row, several=several)))


def _quota_row(listed: ListedQuota, several: bool) -> tuple[Cell, ...]:
    quota, percent = listed.quota, utilization_percent(listed)
    return (
        *((Cell(quota.region),) if several else ()),
        Cell(quota.name),
        Cell(_listed_value_text(listed), Style.BAD if is_exhausted(listed) else Style.PLAIN),
        Cell("?" if quota.default is None else format_quota_value(quota.default), Style.DIM),
        Cell(_utilization_text(listed.utilization)),
        Cell("" if percent is None else f"{percent:.0f}", _utilization_style(percent)),
        Cell(f"{listed.utilization.measured_at:%Y-%m-%d %H:%M}" if isinstance(listed.utilization, Utilization) else ""),
        Cell("yes" if quota.adjustable else "no"),
        Cell(_request_text(listed)),
    )


def _listed_value_text(listed: ListedQuota) -> str:
    if listed.value_error:
        return "?"
    return (
        format_quota_value(listed.quota.applied)
        if listed.quota.applied is not None
        else f"({format_quota_value(listed.quota.default)})"
    )


def _utilization_text(utilization: Utilization | Unknown) -> str:
    """A dash if AWS publishes nothing, a question mark if it could not be read."""
    if isinstance(utilization, Utilization):
        return format_quota_value(utilization.amount)
    return "-" if utilization.code in UNCOUNTABLE_CODES else "?"


def _utilization_style(percent: float | None) -> Style:
    if percent is None or percent < _NEARLY_FULL_PERCENT:
        return Style.PLAIN
    return Style.BAD if percent >= 100 else Style.WARN


def _request_text(listed: ListedQuota) -> str:
    match listed.request:
        case None:
            return ""
        case Unknown():
            return "?"
        case IncreaseRequest(desired_value=value, status=status):
            return f"{format_quota_value(value)}, {status.value.lower().replace('_', ' ')}"
        case _:
            assert_never(listed.request)


def _legend_notes(listing: QuotaList) -> Iterator[str]:
    """What the signs in the table mean, if they occur."""
    yield from listing.remarks
    if not listing.quotas and not listing.problems:
        yield "No quota is like that."
    if any(listed.quota.applied is None and not listed.value_error for listed in listing.quotas):
        yield "(n): no applied value; AWS's default counts."
    if any(
        isinstance(listed.utilization, Unknown) and listed.utilization.code in UNPUBLISHED_CODES
        for listed in listing.quotas
    ):
        yield "-: AWS published no use of it in the last 24 h, which is not the same as none; --live counts."

"""All quotas for people and programs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from opskit.decide.demands import what_for
from opskit.decide.headroom import number
from opskit.decide.quota_list import NO_NUMBER, NOT_TOLD, QuotaList, is_short, utilisation
from opskit.model import ListedQuota, Unread, Use
from opskit.show.answer import Answer, Cell, Column, Each, Table, Tone
from opskit.show.quotas import request_record, whole

_NEARLY_FULL_PERCENT = 80


def answer_of(listing: QuotaList, *, with_defaults: bool) -> Answer:
    """The answer of ``quotas list``; ``with_defaults`` shows AWS's default on the narrowest terminal too."""
    return Answer(
        data={"quotas": Each(listing.quotas, record)},
        exit=listing.exit,
        problems=listing.problems,
        tables=(_table(listing, with_defaults),) if listing.quotas else (),
        notes=tuple(_notes(listing)),
        records="quotas",
    )


def record(listed: ListedQuota) -> dict[str, Any]:
    """One quota in JSON, as scripts rely on it."""
    quota, use = listed.quota, listed.use
    instance_type, usage = what_for(quota.name)
    return {
        "region": quota.region,
        "quota_name": quota.name,
        "quota_code": quota.code,
        "instance_type": instance_type,
        "usage": usage and usage.value,
        "applied": whole(quota.applied),
        "default": whole(quota.default),
        "in_use": whole(use.amount) if isinstance(use, Use) else None,
        "utilisation": whole(utilisation(listed)),
        "adjustable": quota.adjustable,
        "request": listed.request and request_record(listed.request),
        "measured_at": use.at if isinstance(use, Use) else None,
        "because": "; ".join(_because(listed)),
    }


def _because(listed: ListedQuota) -> Iterator[str]:
    """Why a number is missing, or which one counts."""
    if listed.gap:
        yield f"its value is not known: {listed.gap.because.rstrip('.')}"
    elif listed.quota.applied is None:
        yield "AWS's default; nothing else is applied"
    if isinstance(listed.use, Unread):
        yield listed.use.because.rstrip(".")


def _table(listing: QuotaList, with_defaults: bool) -> Table:
    several = len(listing.regions) > 1
    columns = (
        *((Column("Region"),) if several else ()),
        Column("Quota", wrap=True),
        Column("Value", right=True),
        Column("Default", right=True, from_width=0 if with_defaults else 100),
        Column("In use", right=True),
        Column("%", right=True),
        Column("Measured", from_width=120),
        Column("Adjustable", from_width=100),
        Column("Request", wrap=True),
    )
    return Table(columns, Each(listing.quotas, partial(_row, several=several)))


def _row(listed: ListedQuota, several: bool) -> tuple[Cell, ...]:
    quota, percent = listed.quota, utilisation(listed)
    return (
        *((Cell(quota.region),) if several else ()),
        Cell(quota.name),
        Cell(_value(listed), Tone.BAD if is_short(listed) else Tone.PLAIN),
        Cell("?" if quota.default is None else number(quota.default), Tone.DIM),
        Cell(_used(listed.use)),
        Cell("" if percent is None else f"{percent:.0f}", _tone(percent)),
        Cell(f"{listed.use.at:%Y-%m-%d %H:%M}" if isinstance(listed.use, Use) else ""),
        Cell("yes" if quota.adjustable else "no"),
        Cell(_request(listed)),
    )


def _value(listed: ListedQuota) -> str:
    if listed.gap:
        return "?"
    return number(listed.quota.applied) if listed.quota.applied is not None else f"({number(listed.quota.default)})"


def _used(use: Use | Unread) -> str:
    """A dash where AWS publishes nothing, a question mark where it could not be read."""
    if isinstance(use, Use):
        return number(use.amount)
    return "-" if use.code in NO_NUMBER else "?"


def _tone(percent: float | None) -> Tone:
    if percent is None or percent < _NEARLY_FULL_PERCENT:
        return Tone.PLAIN
    return Tone.BAD if percent >= 100 else Tone.WARN


def _request(listed: ListedQuota) -> str:
    if listed.request is None:
        return ""
    return f"{number(listed.request.desired)}, {listed.request.status.value.lower().replace('_', ' ')}"


def _notes(listing: QuotaList) -> Iterator[str]:
    """What the signs mean, where they occur."""
    yield from listing.remarks
    if not listing.quotas and not listing.problems:
        yield "No quota is like that."
    if any(listed.quota.applied is None and not listed.gap for listed in listing.quotas):
        yield "(n): no applied value; AWS's default counts."
    if any(isinstance(listed.use, Unread) and listed.use.code in NOT_TOLD for listed in listing.quotas):
        yield "-: AWS published no use of it in the last 24 h, which is not the same as none; --live counts."

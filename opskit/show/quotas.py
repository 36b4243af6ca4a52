"""Quota judgements for people and programs, with the one command that would help."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from opskit.decide.console import quota_page
from opskit.decide.demands import TOTAL, similar_type
from opskit.decide.headroom import QuotaCheck, enough, enough_to_ask, is_too_full, number
from opskit.errors import Problem
from opskit.model import Alternative, Headroom, Price, Request, Verdict
from opskit.show.answer import Answer, Cell, Column, Table, Tone

_TONES = {
    Verdict.FITS: Tone.GOOD,
    Verdict.SHORT: Tone.BAD,
    Verdict.PENDING: Tone.WARN,
    Verdict.NOT_OFFERED: Tone.WARN,
    Verdict.UNKNOWN: Tone.WARN,
}


def answer_of(check: QuotaCheck, home: str | None) -> Answer:
    """The answer of ``quotas check``. ``home`` is the Region that needs no flag in a command, None if all do."""
    return Answer(
        data={"quotas": [record(headroom) for headroom in check.headrooms]},
        exit=check.exit,
        problems=(*check.problems, *_too_full(check.headrooms)),
        tables=(_table(check.headrooms),),
        notes=tuple(_advice(check.headrooms, home)),
        records="quotas",
    )


def record(headroom: Headroom) -> dict[str, Any]:
    """One judgement in JSON, as scripts rely on it."""
    return {
        "region": headroom.region,
        "instance_type": headroom.demand.instance_type,
        "usage": headroom.demand.usage.value,
        "quota_name": headroom.quota_name,
        "quota_code": headroom.quota_code,
        "applied": whole(headroom.applied),
        "default": whole(headroom.default),
        "in_use": headroom.in_use,
        "need": headroom.demand.need,
        "free": whole(headroom.free),
        "verdict": headroom.verdict.value,
        "because": headroom.because,
        "request": headroom.request and request_record(headroom.request),
        "share": headroom.demand.share,
        "alternatives": [alternative_record(each) for each in headroom.alternatives],
    }


def alternative_record(other: Alternative) -> dict[str, Any]:
    """Another type that has room, for programs."""
    price = other.price if isinstance(other.price, Price) else None
    return {
        "instance_type": other.instance_type,
        "free": other.free,
        "usd_per_hour": price and price.usd_per_hour,
        "price_source": price and price.source,
    }


def request_record(request: Request) -> dict[str, Any]:
    """An increase request in JSON, as scripts rely on it."""
    return {
        "id": request.id,
        "status": request.status.value,
        "desired": whole(request.desired),
        "created": request.created,
        "case_id": request.case_id,
    }


def whole(value: float | None) -> float | int | None:
    """A number as JSON should have it: whole ones without a point."""
    return int(value) if value is not None and value == int(value) else value


def _table(headrooms: Sequence[Headroom]) -> Table:
    several = len({headroom.region for headroom in headrooms}) > 1
    columns = (
        *((Column("Region"),) if several else ()),
        Column("Type", wrap=True),
        Column("For", wrap=True),
        Column("Quota", right=True),
        Column("In use", right=True),
        Column("Need", right=True),
        Column("Verdict"),
        Column("Why", wrap=True, from_width=108 if several else 92),
    )
    return Table(columns, tuple(_row(headroom, several) for headroom in headrooms))


def _row(headroom: Headroom, several: bool) -> tuple[Cell, ...]:
    demand, verdict = headroom.demand, headroom.verdict
    kind = demand.instance_type or ("(one job)" if demand.per_job else "(all types)")
    in_use = headroom.in_use if headroom.in_use is not None else _nothing(headroom)
    return (
        *((Cell(headroom.region),) if several else ()),
        Cell(kind),
        Cell(demand.usage.value),
        Cell(_value(headroom)),
        Cell("" if demand.per_job else str(in_use)),
        Cell(str(demand.need)),
        Cell(f"{verdict.value}, full", Tone.WARN) if is_too_full(headroom) else Cell(verdict.value, _TONES[verdict]),
        Cell(headroom.because),
    )


def _too_full(headrooms: Iterable[Headroom]) -> Iterator[Problem]:
    for headroom in filter(is_too_full, headrooms):
        text = f"{headroom.quota_name}: {headroom.because}."
        hint = "Ask for more before it is needed, or raise `share` in the watch list."
        yield Problem("too-full", text, hint, headroom.region)


def _value(headroom: Headroom) -> str:
    if headroom.applied is not None:
        return number(headroom.applied)
    return _nothing(headroom) if headroom.default is None else f"({number(headroom.default)})"


def _nothing(headroom: Headroom) -> str:
    """What stands in a cell without a number: a dash where there is none, a question mark where nobody knows."""
    return "-" if headroom.verdict is Verdict.NOT_OFFERED else "?"


def _advice(headrooms: Sequence[Headroom], home: str | None) -> Iterator[str]:
    """What would help, the command first; nothing where there is nothing to do."""
    if any(headroom.applied is None and headroom.default is not None for headroom in headrooms):
        yield "(n): no applied value; AWS's default counts."
    yield from _commands(headrooms, Verdict.SHORT, "Ask for more: opskit quotas increase", enough_to_ask, home)
    yield from _commands(headrooms, Verdict.PENDING, "Asked already: opskit quotas wait", enough, home)
    for headroom in headrooms:
        if headroom.verdict is Verdict.SHORT and headroom.demand.per_job:
            yield f"'{headroom.quota_name}' can be raised here: {quota_page(headroom.region, headroom.quota_code)}"
    yield from _not_offered([headroom for headroom in headrooms if headroom.verdict is Verdict.NOT_OFFERED])
    yield from _instead(headrooms, home)


def _commands(
    headrooms: Iterable[Headroom], verdict: Verdict, words: str, value: Callable[[Headroom], int], home: str | None
) -> Iterator[str]:
    """One command for each Region, type and value."""
    uses: dict[tuple[str, str, int], list[str]] = {}
    for headroom in headrooms:
        if headroom.verdict is verdict and not headroom.demand.per_job:
            key = (headroom.region, headroom.demand.instance_type or TOTAL, value(headroom))
            uses.setdefault(key, []).append(headroom.demand.usage.value)
    for (region, kind, to), usages in uses.items():
        where = "" if region == home else f" --region {region}"
        yield f"{words} {kind} {' '.join(f'--for {usage}' for usage in usages)} --to {to}{where}"


def _not_offered(headrooms: Iterable[Headroom]) -> Iterator[str]:
    uses: dict[tuple[str, str], list[str]] = {}
    for headroom in headrooms:
        uses.setdefault((headroom.region, str(headroom.demand.instance_type)), []).append(headroom.demand.usage.value)
    for (region, kind), usages in uses.items():
        meant = similar_type(kind)
        hint = f"Did you mean {meant}?" if meant else "Take another type or another Region."
        yield f"{region} does not offer {kind} for {', '.join(usages)}: no increase can help. {hint}"


def _instead(headrooms: Iterable[Headroom], home: str | None) -> Iterator[str]:
    """The types that have room now, one line for each type that has none."""
    uses: dict[tuple[str, str, tuple[Alternative, ...]], list[str]] = {}
    for headroom in headrooms:
        if headroom.alternatives:
            key = (headroom.region, str(headroom.demand.instance_type), headroom.alternatives)
            uses.setdefault(key, []).append(headroom.demand.usage.value)
    for (region, kind, others), usages in uses.items():
        where = "" if region == home else f" in {region}"
        told = "; ".join(map(alternative_words, others))
        yield f"Room now{where}, instead of {kind} for {', '.join(usages)}: {told}."


def alternative_words(other: Alternative) -> str:
    """Another type that has room, for people."""
    price = f"{other.price.usd_per_hour} USD an hour" if isinstance(other.price, Price) else "price not known"
    return f"{other.free} x {other.instance_type} ({price})"

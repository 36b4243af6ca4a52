"""Quota judgements for people and programs, with the one command that would help."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from opskit.decide.headroom import QuotaCheck, number, refuses
from opskit.model import Headroom, Request, Verdict
from opskit.show.answer import Answer, Cell, Column, Table, Tone

_TONES = {
    Verdict.FITS: Tone.GOOD,
    Verdict.SHORT: Tone.BAD,
    Verdict.PENDING: Tone.WARN,
    Verdict.NOT_OFFERED: Tone.WARN,
    Verdict.UNKNOWN: Tone.WARN,
}


def answer_of(check: QuotaCheck, home: str) -> Answer:
    """The answer of ``quotas check``. ``home`` is the Region that needs no flag in a command."""
    return Answer(
        data={"quotas": [record(headroom) for headroom in check.headrooms]},
        exit=check.exit,
        problems=check.problems,
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
        "request": headroom.request and _request(headroom.request),
    }


def _request(request: Request) -> dict[str, Any]:
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


def _table(headrooms: Iterable[Headroom]) -> Table:
    shown = list(headrooms)
    several = len({headroom.region for headroom in shown}) > 1
    columns = (
        *((Column("Region"),) if several else ()),
        Column("Quota", wrap=True),
        Column("Applied", right=True),
        Column("In use", right=True),
        Column("Need", right=True),
        Column("Verdict"),
        Column("Why", wrap=True),
    )
    return Table(columns, tuple(_row(headroom, several) for headroom in shown))


def _row(headroom: Headroom, several: bool) -> tuple[Cell, ...]:
    values = (
        headroom.quota_name,
        _applied(headroom),
        "?" if headroom.in_use is None else str(headroom.in_use),
        str(headroom.demand.need),
    )
    region = (Cell(headroom.region),) if several else ()
    verdict = Cell(headroom.verdict.value, _TONES[headroom.verdict])
    return (*region, *map(Cell, values), verdict, Cell(headroom.because))


def _applied(headroom: Headroom) -> str:
    if headroom.applied is not None:
        return number(headroom.applied)
    return "-" if headroom.default is None else f"({number(headroom.default)})"


def _advice(headrooms: Iterable[Headroom], home: str) -> Iterable[str]:
    """The command that would help, a line for each Region and type; nothing where there is nothing to do."""
    troubled = [headroom for headroom in headrooms if refuses(headroom)]
    for verdict, verb in ((Verdict.SHORT, "increase"), (Verdict.PENDING, "wait")):
        ours = [headroom for headroom in troubled if headroom.verdict is verdict and headroom.demand.instance_type]
        for (region, kind), group in groupby(ours, key=lambda each: (each.region, each.demand.instance_type)):
            yield _command(verb, region, str(kind), list(group), home)
    for headroom in troubled:
        if headroom.demand.instance_type is None and headroom.verdict is Verdict.SHORT:
            yield f"In {headroom.region}, '{headroom.quota_name}' is short for all types: {headroom.because}."
        if headroom.verdict is Verdict.NOT_OFFERED:
            what = f"{headroom.demand.instance_type} for {headroom.demand.usage}"
            yield f"{headroom.region} does not offer {what}: take another type or Region; no increase helps."


def _command(verb: str, region: str, kind: str, group: list[Headroom], home: str) -> str:
    target = max(headroom.demand.need + (headroom.in_use or 0) for headroom in group)
    uses = " ".join(f"--for {headroom.demand.usage}" for headroom in group)
    where = "" if region == home else f" --region {region}"
    return f"{'Ask' if verb == 'increase' else 'Follow'}: opskit quotas {verb} {kind} {uses} --to {target}{where}"

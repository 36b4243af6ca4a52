"""Quota judgements for people and programs, with the one command that would help."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from opskit.aws.console_links import quota_page_url
from opskit.core.exceptions import Problem
from opskit.core.message_phrases import TYPE_NOT_OFFERED
from opskit.core.model import Price
from opskit.output.result import Cell, Column, CommandResult, Style, Table
from opskit.quotas.rules.headroom import (
    QuotaCheck,
    exceeds_alert_share,
    format_quota_value,
    requestable_value,
    required_value,
)
from opskit.quotas.rules.model import Alternative, Headroom, IncreaseRequest, Verdict
from opskit.quotas.rules.requirements import TOTAL, suggest_known_type

_TONES = {
    Verdict.FITS: Style.GOOD,
    Verdict.SHORT: Style.BAD,
    Verdict.PENDING: Style.WARN,
    Verdict.NOT_OFFERED: Style.WARN,
    Verdict.UNKNOWN: Style.WARN,
}


def check_result(check: QuotaCheck, home: str | None) -> CommandResult:
    """The answer of ``quotas check``. ``home`` is the Region that needs no flag in a command, None if all do."""
    return CommandResult(
        data={"quotas": [headroom_record(headroom) for headroom in check.headrooms]},
        exit=check.exit_code,
        problems=(*check.problems, *_alert_problems(check.headrooms)),
        tables=(_headroom_table(check.headrooms),),
        notes=tuple(_advice_lines(check.headrooms, home)),
        records="quotas",
    )


def headroom_record(headroom: Headroom) -> dict[str, Any]:
    """One judgement in JSON, as scripts rely on it."""
    return {
        "region": headroom.region,
        "instance_type": headroom.requirement.instance_type,
        "usage": headroom.requirement.workload.value,
        "quota_name": headroom.quota_name,
        "quota_code": headroom.quota_code,
        "applied": int_if_whole(headroom.applied),
        "default": int_if_whole(headroom.default),
        "in_use": headroom.in_use,
        "need": headroom.requirement.count,
        "free": int_if_whole(headroom.free),
        "verdict": headroom.verdict.value,
        "because": headroom.reason,
        "request": headroom.request and request_record(headroom.request),
        "share": headroom.requirement.alert_share,
        "alternatives": [alternative_record(alternative) for alternative in headroom.alternatives],
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


def request_record(request: IncreaseRequest) -> dict[str, Any]:
    """An increase request in JSON, as scripts rely on it."""
    return {
        "id": request.id,
        "status": request.status.value,
        "desired": int_if_whole(request.desired_value),
        "created": request.created,
        "case_id": request.case_id,
    }


def int_if_whole(value: float | None) -> float | int | None:
    """A number as JSON should have it: whole ones without a point."""
    return int(value) if value is not None and value == int(value) else value


def _headroom_table(headrooms: Sequence[Headroom]) -> Table:
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
    return Table(columns, tuple(_headroom_row(headroom, several) for headroom in headrooms))


def _headroom_row(headroom: Headroom, several: bool) -> tuple[Cell, ...]:
    requirement, verdict = headroom.requirement, headroom.verdict
    instance_type = requirement.instance_type or ("(one job)" if requirement.per_job else "(all types)")
    in_use = headroom.in_use if headroom.in_use is not None else _missing_value_text(headroom)
    return (
        *((Cell(headroom.region),) if several else ()),
        Cell(instance_type),
        Cell(requirement.workload.value),
        Cell(_value_text(headroom)),
        Cell("" if requirement.per_job else str(in_use)),
        Cell(str(requirement.count)),
        Cell(f"{verdict.value}, full", Style.WARN)
        if exceeds_alert_share(headroom)
        else Cell(verdict.value, _TONES[verdict]),
        Cell(headroom.reason),
    )


def _alert_problems(headrooms: Iterable[Headroom]) -> Iterator[Problem]:
    for headroom in filter(exceeds_alert_share, headrooms):
        text = f"{headroom.quota_name}: {headroom.reason}."
        hint = "Ask for more before it is needed, or raise `share` in the watch list."
        yield Problem("too-full", text, hint, headroom.region)


def _value_text(headroom: Headroom) -> str:
    if headroom.applied is not None:
        return format_quota_value(headroom.applied)
    return _missing_value_text(headroom) if headroom.default is None else f"({format_quota_value(headroom.default)})"


def _missing_value_text(headroom: Headroom) -> str:
    """What stands in a cell without a number: a dash where there is none, a question mark where nobody knows."""
    match headroom.verdict:
        case Verdict.NOT_OFFERED:
            return "-"
        case Verdict.FITS | Verdict.SHORT | Verdict.PENDING | Verdict.UNKNOWN:
            return "?"


def _advice_lines(headrooms: Sequence[Headroom], home: str | None) -> Iterator[str]:
    """What would help, the command first; nothing where there is nothing to do."""
    if any(headroom.applied is None and headroom.default is not None for headroom in headrooms):
        yield "(n): no applied value; AWS's default counts."
    yield from _command_lines(headrooms, Verdict.SHORT, "Ask for more: opskit quotas increase", requestable_value, home)
    yield from _command_lines(headrooms, Verdict.PENDING, "Asked already: opskit quotas wait", required_value, home)
    for headroom in headrooms:
        if headroom.verdict is Verdict.SHORT and headroom.requirement.per_job:
            yield f"'{headroom.quota_name}' can be raised here: {quota_page_url(headroom.region, headroom.quota_code)}"
    yield from _not_offered_lines([headroom for headroom in headrooms if headroom.verdict is Verdict.NOT_OFFERED])
    yield from _alternative_lines(headrooms, home)


def _command_lines(
    headrooms: Iterable[Headroom], verdict: Verdict, words: str, value: Callable[[Headroom], int], home: str | None
) -> Iterator[str]:
    """One command for each Region, type and value."""
    uses: dict[tuple[str, str, int], list[str]] = {}
    for headroom in headrooms:
        if headroom.verdict is verdict and not headroom.requirement.per_job:
            key = (headroom.region, headroom.requirement.instance_type or TOTAL, value(headroom))
            uses.setdefault(key, []).append(headroom.requirement.workload.value)
    for (region, instance_type, to), usages in uses.items():
        where = "" if region == home else f" --region {region}"
        yield f"{words} {instance_type} {' '.join(f'--for {usage}' for usage in usages)} --to {to}{where}"


def _not_offered_lines(headrooms: Iterable[Headroom]) -> Iterator[str]:
    uses: dict[tuple[str, str], list[str]] = {}
    for headroom in headrooms:
        uses.setdefault((headroom.region, str(headroom.requirement.instance_type)), []).append(
            headroom.requirement.workload.value
        )
    for (region, instance_type), usages in uses.items():
        meant = suggest_known_type(instance_type)
        hint = f"Did you mean {meant}?" if meant else "Take another type or another Region."
        offered = TYPE_NOT_OFFERED.format(type=instance_type, usage=", ".join(usages))
        yield f"{region} {offered}: no increase can help. {hint}"


def _alternative_lines(headrooms: Iterable[Headroom], home: str | None) -> Iterator[str]:
    """The types that have room now, one line for each type that has none."""
    uses: dict[tuple[str, str, tuple[Alternative, ...]], list[str]] = {}
    for headroom in headrooms:
        if headroom.alternatives:
            key = (headroom.region, str(headroom.requirement.instance_type), headroom.alternatives)
            uses.setdefault(key, []).append(headroom.requirement.workload.value)
    for (region, instance_type, others), usages in uses.items():
        where = "" if region == home else f" in {region}"
        told = "; ".join(map(describe_alternative, others))
        yield f"Room now{where}, instead of {instance_type} for {', '.join(usages)}: {told}."


def describe_alternative(other: Alternative) -> str:
    """Another type that has room, for people."""
    price = f"{other.price.usd_per_hour} USD an hour" if isinstance(other.price, Price) else "price not known"
    return f"{other.free} x {other.instance_type} ({price})"

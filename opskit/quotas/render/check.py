"""The result of ``quotas check`` for people and programs, with the command that would help."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, assert_never

from opskit.aws.partitions import quota_page_url
from opskit.core.exceptions import Problem
from opskit.core.message_phrases import TYPE_NOT_OFFERED
from opskit.core.model import NotOffered, Price, Quota, QuotaLookup, Unknown, is_not_offered, known_quota
from opskit.core.text import format_duration
from opskit.core.workloads import WORKLOADS
from opskit.output.result import Cell, Column, CommandResult, Style, Table
from opskit.quotas.rules.headroom import (
    QuotaCheck,
    exceeds_alert_share,
    increase_commands,
    wait_commands,
)
from opskit.quotas.rules.holders import HeldQuota
from opskit.quotas.rules.model import (
    Alternative,
    Headroom,
    IncreaseRequest,
    Verdict,
    format_quota_value,
    int_if_whole,
)
from opskit.quotas.rules.requirements import suggest_known_type

_VERDICT_STYLES = {
    Verdict.FITS: Style.GOOD,
    Verdict.SHORT: Style.BAD,
    Verdict.PENDING: Style.WARN,
    Verdict.NOT_OFFERED: Style.WARN,
    Verdict.UNKNOWN: Style.WARN,
}
# What a cell says where there is none, and where it is not known.
_NONE, _UNKNOWN = "-", "?"

# It reads no metrics; quotas, resources, tags and prices are read for nothing.
_COST_USD = Decimal(0)
# Where what holds a quota bills, to end it helps at once, and saves money.
_BILLED = "Running resources are billed: opskit costs lists them, their owners, and the command that stops each."


def quota_check_result(check: QuotaCheck, home: str | None) -> CommandResult:
    """The result of ``quotas check``. ``home`` is the Region that needs no flag in a command; None if all do."""
    records = [
        {
            **headroom_record(headroom),
            "used_by": [_holder_record(held) for held in check.held.get((headroom.region, headroom.quota_name), ())],
        }
        for headroom in check.headrooms
    ]
    hint = "Ask for more before it is needed, or raise `share` in the watch list."
    alerts = [
        Problem("too-full", f"{full.quota_name}: {full.reason}.", hint, full.region)
        for full in filter(exceeds_alert_share, check.headrooms)
    ]
    return CommandResult(
        data={"quotas": records, "cost_usd": _COST_USD},
        exit=check.exit_code,
        problems=(*check.problems, *alerts),
        tables=tuple(_quota_tables(check)),
        notes=tuple(_advice_lines(check, home)),
        records="quotas",
    )


def _known_owner(held: HeldQuota) -> str | None:
    """Whose it is; None: its tags name nobody, or could not be read."""
    return None if isinstance(held.owner, Unknown) else held.owner


def _holder_record(held: HeldQuota) -> dict[str, Any]:
    return {
        "kind": held.holder.kind,
        "name": held.holder.name,
        "arn": held.holder.arn,
        "count": held.count,
        "since": held.holder.since,
        "age_seconds": None if held.age is None else int(held.age.total_seconds()),
        "owner": _known_owner(held),
        "owner_source": "tag" if _known_owner(held) else None,
        "owner_unknown_because": held.owner.reason if isinstance(held.owner, Unknown) else None,
        "usd_per_hour": held.usd_per_hour,
    }


def headroom_record(headroom: Headroom) -> dict[str, Any]:
    """One assessment in JSON, as scripts rely on it."""
    quota, used, request = known_quota(headroom.quota), headroom.used, headroom.request
    return {
        "region": headroom.region,
        "instance_type": headroom.requirement.instance_type,
        "usage": headroom.requirement.workload.value,
        "quota_name": headroom.quota_name,
        "quota_code": quota.code if quota else None,
        "applied": int_if_whole(quota.applied if quota else None),
        "default": int_if_whole(quota.default if quota else None),
        "in_use": used.exact if used else None,
        "in_use_min": used.least if used else 0,
        "in_use_max": used.ceiling if used else None,
        "need": headroom.requirement.count,
        "free": int_if_whole(headroom.free),
        "verdict": headroom.verdict.value,
        "because": headroom.reason,
        "request": request_record(request) if isinstance(request, IncreaseRequest) else None,
        "share": headroom.requirement.alert_share,
        "alternatives": [alternative_record(alternative) for alternative in headroom.alternatives],
        "request_unknown_because": request.reason if isinstance(request, Unknown) else None,
    }


def alternative_record(alternative: Alternative) -> dict[str, Any]:
    """An alternative type in JSON."""
    price = alternative.price if isinstance(alternative.price, Price) else None
    return {
        "instance_type": alternative.instance_type,
        "free": alternative.free,
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


_REGION_COLUMN = Column("Region", key=True)
_HEADROOM_COLUMNS = (
    Column("Type", wrap=True, key=True),
    Column("For", wrap=True, key=True),
    Column("Quota", right=True),
    Column("In use", right=True),
    Column("Need", right=True),
    Column("Verdict"),
    Column("Why", wrap=True),
)
_HOLDER_COLUMNS = (
    Column("Used by"),
    Column("Name", wrap=True, key=True),
    Column("Of", wrap=True, key=True),
    Column("Instances", right=True),
    Column("Age", right=True),
    Column("Owner", wrap=True),
    Column("USD/h", right=True),
)


def _quota_tables(check: QuotaCheck) -> Iterator[Table]:
    """The assessments, and what holds the quotas that are too full, if anything does."""
    several = len({headroom.region for headroom in check.headrooms}) > 1
    region = (_REGION_COLUMN,) if several else ()
    # Last comes what nothing can be done about: a Region does not offer the type, or AWS has retired it.
    headrooms = sorted(check.headrooms, key=lambda each: each.verdict.is_not_offered or each.requirement.only_noted)
    yield Table((*region, *_HEADROOM_COLUMNS), tuple(_headroom_row(headroom, several) for headroom in headrooms))
    rows = tuple(
        _holder_row(headroom, held, several)
        for headroom in check.headrooms
        for held in check.held.get((headroom.region, headroom.quota_name), ())
    )
    if rows:
        yield Table((*region, *_HOLDER_COLUMNS), rows, "What uses the quotas that are short, the oldest first")


def _holder_row(headroom: Headroom, held: HeldQuota, several: bool) -> tuple[Cell, ...]:
    requirement = headroom.requirement
    of = f"{requirement.instance_type or 'all types'} {requirement.workload}"
    return (
        *((Cell(headroom.region),) if several else ()),
        Cell(held.holder.kind),
        Cell(held.holder.name),
        Cell(of),
        Cell("?" if held.count is None else str(held.count)),
        Cell("?" if held.age is None else format_duration(held.age)),
        Cell("?" if isinstance(held.owner, Unknown) else held.owner or "-"),
        Cell("?" if held.usd_per_hour is None else f"{held.usd_per_hour.normalize():f}"),
    )


def _headroom_row(headroom: Headroom, several: bool) -> tuple[Cell, ...]:
    requirement, verdict = headroom.requirement, headroom.verdict
    above = f"(one {WORKLOADS[requirement.workload].per_job_unit})" if requirement.per_job else "(all types)"
    above = "(volumes, GB)" if requirement.of_volumes else above
    instance_type = requirement.instance_type or above
    return (
        *((Cell(headroom.region),) if several else ()),
        Cell(instance_type),
        Cell(requirement.workload.value),
        Cell(_quota_text(headroom.quota)),
        Cell("" if requirement.per_job else _in_use_text(headroom)),
        Cell(str(requirement.count)),
        Cell(f"{verdict.value}, full", Style.WARN)
        if exceeds_alert_share(headroom)
        else Cell(verdict.value, _VERDICT_STYLES[verdict]),
        Cell(headroom.reason),
    )


def _quota_text(quota: QuotaLookup) -> str:
    match quota:
        case NotOffered():
            return _NONE
        case Unknown() | Quota(effective_value=None):
            return _UNKNOWN
        case Quota(applied=None):
            return f"({format_quota_value(quota.default)})"
        case Quota():
            return format_quota_value(quota.applied)
        case _:
            assert_never(quota)


def _in_use_text(headroom: Headroom) -> str:
    """What is in use; where that is not one number from the least to the most, if both are known."""
    used = headroom.used
    if used is None:
        return _NONE if is_not_offered(headroom.quota) else _UNKNOWN
    if used.exact is not None:
        return str(used.exact)
    return _UNKNOWN if used.ceiling is None else f"{used.least}-{used.ceiling}"


def _advice_lines(check: QuotaCheck, home: str | None) -> Iterator[str]:
    """What would help, the command first, and what to know of the holders; empty if there is nothing to do."""
    headrooms = check.headrooms
    quotas = [quota for headroom in headrooms if (quota := known_quota(headroom.quota))]
    if any(quota.applied is None and quota.default is not None for quota in quotas):
        yield "(n): no applied value; AWS's default counts."
    yield from (f"Ask for more: {command}" for command in increase_commands(headrooms, home))
    yield from (f"Asked already: {command}" for command in wait_commands(headrooms, home))
    for headroom in headrooms:
        if headroom.verdict.is_short and not headroom.requirement.has_increase_command:
            quota = known_quota(headroom.quota)
            page = quota_page_url(headroom.region, quota.code if quota else None)
            yield f"'{headroom.quota_name}' can be raised here: {page}"
    yield from _not_offered_lines([headroom for headroom in headrooms if headroom.verdict.is_not_offered])
    # AWS still lists quotas for the types that it has retired.
    retired = [each for each in headrooms if each.requirement.only_noted and each.verdict.is_too_little]
    for instance_type in dict.fromkeys(str(each.requirement.instance_type) for each in retired):
        newer = "Take a newer type, such as ml.g4dn.xlarge."
        yield f"AWS has retired {instance_type}: a higher quota would not help. {newer}"
    yield from _alternative_lines(headrooms, home)
    held = [each for holders in check.held.values() for each in holders]
    if gap := next((each.owner for each in held if isinstance(each.owner, Unknown)), None):
        yield f"Not all owners are known: {gap.reason.rstrip('.')}."
    if held:
        yield _BILLED


def _not_offered_lines(headrooms: Iterable[Headroom]) -> Iterator[str]:
    workloads_by_type: dict[tuple[str, str], list[str]] = {}
    for headroom in headrooms:
        workloads_by_type.setdefault((headroom.region, str(headroom.requirement.instance_type)), []).append(
            headroom.requirement.workload.value
        )
    for (region, instance_type), usages in workloads_by_type.items():
        suggestion = suggest_known_type(instance_type)
        hint = f"Did you mean {suggestion}?" if suggestion else "Take another type or another Region."
        not_offered = TYPE_NOT_OFFERED.format(type=instance_type, usage=", ".join(usages))
        yield f"{region} {not_offered}: no increase can help. {hint}"


def _alternative_lines(headrooms: Iterable[Headroom], home: str | None) -> Iterator[str]:
    """The types that have enough quota now, one line for each type that has not."""
    workloads_by_type: dict[tuple[str, str, tuple[Alternative, ...]], list[str]] = {}
    for headroom in headrooms:
        if headroom.alternatives:
            key = (headroom.region, str(headroom.requirement.instance_type), headroom.alternatives)
            workloads_by_type.setdefault(key, []).append(headroom.requirement.workload.value)
    for (region, instance_type, alternatives), usages in workloads_by_type.items():
        where = "" if region == home else f" in {region}"
        listed = "; ".join(map(describe_alternative, alternatives))
        yield f"Available now{where} instead of {instance_type} for {', '.join(usages)}: {listed}."


def describe_alternative(alternative: Alternative) -> str:
    """An alternative type as text."""
    match alternative.price:
        case Price(usd_per_hour=usd):
            price = f"{usd} USD an hour"
        case Unknown():
            price = "price not known"
        case None:
            price = "no price of its own"
        case _:
            assert_never(alternative.price)
    return f"{alternative.free} x {alternative.instance_type} ({price})"

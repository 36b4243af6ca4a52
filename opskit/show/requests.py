"""Quota increases for people and programs: planned, filed, waited for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from opskit.decide.console import case_form, case_page, quota_page
from opskit.decide.headroom import number
from opskit.decide.increase import Ask, Outcome, Via
from opskit.decide.patience import End, Waited, waiting_exit
from opskit.errors import ExitCode, Problem
from opskit.flows.list_requests import Asked, RequestList
from opskit.flows.plan_increases import ShortTotal
from opskit.show.answer import Answer, Cell, Column, Table, Tone
from opskit.show.quotas import whole
from opskit.state.queue import Standing, Waiting

_TONES = {
    Outcome.FILED: Tone.GOOD,
    Outcome.ALREADY_OPEN: Tone.GOOD,
    Outcome.ALREADY_ENOUGH: Tone.GOOD,
    Outcome.QUEUED: Tone.WARN,
    Outcome.PLANNED: Tone.PLAIN,
    Outcome.REFUSED: Tone.BAD,
    Outcome.UNKNOWN: Tone.WARN,
}


def increases(asks: Sequence[Ask], totals: Sequence[ShortTotal] = (), why: str = "") -> Answer:
    """The answer of ``quotas increase``: planned with --dry-run, done otherwise."""
    several = len({ask.region for ask in asks}) > 1
    columns = (
        *((Column("Region"),) if several else ()),
        Column("Quota", wrap=True),
        Column("Now", right=True),
        Column("To", right=True),
        Column("Outcome"),
        Column("Why", wrap=True),
    )
    rows = tuple(_increase_row(ask)[0 if several else 1 :] for ask in asks)
    return Answer(
        data={"requests": [_ask(ask, why) for ask in asks]},
        exit=_exit(asks),
        problems=tuple(dict.fromkeys(ask.problem for ask in asks if ask.problem)),
        tables=(Table(columns, rows),) if rows else (),
        notes=tuple(_notes(asks, totals, why)),
        records="requests",
    )


def plan_text(asks: Sequence[Ask]) -> str:
    """The plan in lines, for a prompt."""
    return "\n".join(f"Ask {_whom(ask)} in {ask.region}: {ask.quota_name}. {ask.because}" for ask in asks)


def _whom(ask: Ask) -> str:
    return "AWS Support" if ask.via is Via.SUPPORT else "AWS"


def _increase_row(ask: Ask) -> tuple[Cell, ...]:
    now = ask.default if ask.applied is None else ask.applied
    return (
        Cell(ask.region),
        Cell(ask.quota_name),
        Cell(number(now)),
        Cell(number(ask.wish.to)),
        Cell(ask.outcome.value, _TONES[ask.outcome]),
        Cell(ask.because),
    )


def _exit(asks: Sequence[Ask]) -> ExitCode:
    """No wins over not knowing. Where not even the quotas of the only Region could be read, AWS said no."""
    outcomes = {ask.outcome for ask in asks}
    if Outcome.REFUSED in outcomes:
        return ExitCode.REFUSED
    if Outcome.UNKNOWN not in outcomes:
        return ExitCode.DONE
    dark = all(ask.outcome is Outcome.UNKNOWN and ask.quota_code is None for ask in asks)
    return ExitCode.AWS if dark and len({ask.region for ask in asks}) == 1 else ExitCode.PARTLY


def _ask(ask: Ask, why: str) -> dict[str, Any]:
    return {
        "region": ask.region,
        "quota_name": ask.quota_name,
        "quota_code": ask.quota_code,
        "applied": whole(ask.applied),
        "default": whole(ask.default),
        "desired": whole(ask.wish.to),
        "via": ask.via.value,
        "outcome": ask.outcome.value,
        "request_id": ask.request_id,
        "case_id": ask.case_id,
        "because": ask.because,
        "console": _console(ask, why) if _needs_console(ask) else None,
    }


def _needs_console(ask: Ask) -> bool:
    """Whether pasting into the console is the way that was asked for, or the only one left."""
    if ask.via is Via.CONSOLE:  # also where nothing could be read: people in the console can
        return ask.outcome in (Outcome.PLANNED, Outcome.UNKNOWN)
    return ask.outcome is Outcome.REFUSED and ask.quota_code is not None


def _notes(asks: Sequence[Ask], totals: Sequence[ShortTotal], why: str) -> Iterator[str]:
    for ask in asks:
        if _needs_console(ask):
            yield _console(ask, why)
    if any(ask.outcome is Outcome.REFUSED and ask.quota_code and ask.via is Via.SERVICE_QUOTAS for ask in asks):
        yield "With a paid support plan, the same command with --via support opens that case."
    if any(ask.outcome is Outcome.QUEUED for ask in asks):
        yield _RESUME
    if any(ask.may_have_arrived for ask in asks):
        yield "What is unknown may have been filed. Run the same command again: it looks before it asks."
    elif any(ask.outcome is Outcome.UNKNOWN and ask.via is not Via.CONSOLE for ask in asks):
        yield "What is unknown was not asked for. Run the same command again."
    for total in totals:
        yield _short_total(total)


def _short_total(total: ShortTotal) -> str:
    short = f"{total.quota_name} is {number(total.value)} in {total.region}, below {number(total.to)}"
    if total.per_job:
        return f"{short}: one job may not use that many."
    command = f"opskit quotas increase total --for {total.usage} --to {number(total.to)} --region {total.region}"
    return f"{short}, and refuses as well. Raise it too: {command}"


def _console(ask: Ask, why: str) -> str:
    """The text for the console's form, which works where no API does."""
    lines = (
        f"For the console's form (Create case > Service limit increase > SageMaker): {case_form(ask.region)}",
        f"  Region: {ask.region}",
        f"  Resource type: SageMaker {ask.wish.usage}",
        f"  Limit: {ask.quota_name}",
        f"  New limit value: {number(ask.wish.to)}",
        f"  Use case: {why or 'say in a sentence or two what will run, and for how long'}",
        f"The quota itself: {quota_page(ask.region, ask.quota_code)}",
    )
    return "\n".join(lines)


def waited(results: Sequence[Waited], seconds: float) -> Answer:
    """The answer of ``quotas wait``."""
    rows = [
        {
            "region": result.region,
            "quota_name": result.quota_name,
            "quota_code": result.quota_code,
            "applied": whole(result.value),
            "desired": whole(result.wish.to),
            "outcome": result.end.value,
            "because": result.because,
        }
        for result in results
    ]
    unmet = [result for result in results if result.end is not End.TRUE]
    notes = tuple(f"{each.quota_name} in {each.region}: {each.because}." for each in results if each.end is End.TRUE)
    return Answer(
        {"quotas": rows, "seconds": round(seconds, 1)},
        waiting_exit(results),
        tuple(_unmet(each) for each in unmet),
        notes=notes,
        records="quotas",
    )


def _unmet(result: Waited) -> Problem:
    if result.end is End.UNREADABLE and result.problem:
        return result.problem
    code = "timeout" if result.end is End.WAITING else result.end.value
    hint = {
        End.WAITING: "It may still come: run the same command again.",
        End.DENIED: "Ask again with a reason, for less, or through AWS Support: opskit quotas increase --via console",
        End.NOT_OFFERED: "Another Region or another instance type may have it: opskit quotas check",
    }.get(result.end, "")
    return Problem(code, f"{result.quota_name}: {result.because.removesuffix('.')}.", hint, result.region)


def requests(listed: RequestList) -> Answer:
    """The answer of ``quotas requests``. Beside the promised fields each has ``age_seconds``, ``case_url`` and
    ``change``: what is different since the last look (empty: nothing; null: it is not known to AWS yet).
    """
    records = [_asked(asked) for asked in listed.asked] + [_waiting(one) for one in listed.waiting]
    code = ExitCode.DONE
    if listed.dark:
        code = ExitCode.PARTLY if listed.asked else ExitCode.AWS
    tables = (Table(_COLUMNS, tuple(_row(record) for record in records)),) if records else ()
    data = {"requests": records, "last_look": listed.looked}
    return Answer(data, code, listed.problems, tables, tuple(_request_notes(listed, records)), "requests")


def _request_notes(listed: RequestList, records: Sequence[dict[str, Any]]) -> Iterator[str]:
    if not records and not listed.problems:  # what is unread is not nothing
        yield "Nothing was asked for."
    for url in dict.fromkeys(record["case_url"] for record in records if record["case_url"]):
        yield f"Case: {url}"
    if listed.looked and listed.asked and not any(asked.change for asked in listed.asked):
        yield f"Nothing has changed since {listed.looked:%Y-%m-%d %H:%M} UTC."
    if any(one.standing is Standing.QUEUED for one in listed.waiting):
        yield _RESUME


_RESUME = "File what waits for its turn, by hand or from cron: opskit quotas increase --resume"

_COLUMNS = (
    Column("Region"),
    Column("Quota", wrap=True),
    Column("Asked", right=True),
    Column("Now", right=True),
    Column("Status"),
    Column("Age", right=True),
    Column("Case"),
    Column("Since the last look", wrap=True),
)


def _asked(asked: Asked) -> dict[str, Any]:
    request = asked.request
    return {
        "region": request.region,
        "quota_name": request.quota_name,
        "quota_code": request.quota_code,
        "desired": whole(request.desired),
        "status": request.status.value,
        "request_id": request.id,
        "case_id": request.case_id,
        "case_url": case_page(request.region, request.case_id) if request.case_id else None,
        "created": request.created,
        "age_seconds": int(asked.age.total_seconds()),
        "applied": whole(asked.value),
        "moved": asked.has_moved,
        "change": asked.change,
    }


def _waiting(one: Waiting) -> dict[str, Any]:
    return {
        "region": one.region,
        "quota_name": one.quota_name,
        "quota_code": None,
        "desired": whole(one.desired),
        "status": one.standing.value.upper(),
        "request_id": None,
        "case_id": None,
        "case_url": None,
        "created": one.since,
        "age_seconds": int(max(0.0, (datetime.now(UTC) - one.since).total_seconds())),
        "applied": None,
        "moved": None,
        "change": None,
    }


def _row(record: dict[str, Any]) -> tuple[Cell, ...]:
    now = "?" if record["applied"] is None else str(record["applied"])
    tone = Tone.GOOD if record["moved"] else Tone.PLAIN
    change = record["change"] or ""
    return (
        Cell(record["region"]),
        Cell(record["quota_name"]),
        Cell(str(record["desired"])),
        Cell(now, tone),
        Cell(record["status"]),
        Cell(_age(record["age_seconds"])),
        Cell(record["case_id"] or "-"),
        Cell(change, Tone.WARN if change else Tone.PLAIN),
    )


def _age(seconds: int) -> str:
    """A time span in its largest unit: what was asked yesterday is no matter of minutes."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"

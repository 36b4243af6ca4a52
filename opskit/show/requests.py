"""Quota increases for people and programs: planned, filed, waited for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from opskit.decide.headroom import number
from opskit.decide.increase import Ask, Outcome, Via
from opskit.decide.patience import End, Waited, waiting_exit
from opskit.errors import ExitCode, Problem
from opskit.flows.list_requests import RequestList
from opskit.flows.plan_increases import ShortTotal
from opskit.show.answer import Answer, Cell, Column, Table, Tone
from opskit.show.quotas import whole

_CASE_FORM = "https://support.console.aws.amazon.com/support/home#/case/create?issueType=service-limit-increase"

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
        notes=tuple(_notes(asks, totals, why)) or (() if rows else ("Nothing is waiting.",)),
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
    if ask.via is Via.CONSOLE:
        return ask.outcome is Outcome.PLANNED
    return ask.outcome is Outcome.REFUSED and ask.quota_code is not None


def _notes(asks: Sequence[Ask], totals: Sequence[ShortTotal], why: str) -> Iterator[str]:
    for ask in asks:
        if _needs_console(ask):
            yield _console(ask, why)
    if any(ask.outcome is Outcome.REFUSED and ask.quota_code and ask.via is Via.SERVICE_QUOTAS for ask in asks):
        yield "With a paid support plan, the same command with --via support opens that case."
    if any(ask.outcome is Outcome.QUEUED for ask in asks):
        yield "File what waits for its turn, by hand or from cron: opskit quotas increase --resume"
    if any(ask.outcome is Outcome.UNKNOWN and ask.quota_code for ask in asks):
        yield "What is unknown may have been filed. Run the same command again: it looks before it asks."
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
    quota = f"https://{ask.region}.console.aws.amazon.com/servicequotas/home/services/sagemaker/quotas/{ask.quota_code}"
    lines = (
        f"For the console's form (Create case > Service limit increase > SageMaker): {_CASE_FORM}",
        f"  Region: {ask.region}",
        f"  Resource type: SageMaker {ask.wish.usage}",
        f"  Limit: {ask.quota_name}",
        f"  New limit value: {number(ask.wish.to)}",
        f"  Use case: {why or 'say in a sentence or two what will run, and for how long'}",
        f"The quota itself: {quota}",
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
    return Problem(code, f"{result.quota_name}: {result.because}.", hint, result.region)


def requests(listed: RequestList) -> Answer:
    """The answer of ``quotas requests``."""
    records = [
        {
            "region": asked.request.region,
            "quota_name": asked.request.quota_name,
            "quota_code": asked.request.quota_code,
            "desired": whole(asked.request.desired),
            "status": asked.request.status.value,
            "request_id": asked.request.id,
            "case_id": asked.request.case_id,
            "created": asked.request.created,
            "applied": whole(asked.value),
            "moved": asked.has_moved,
        }
        for asked in listed.asked
    ]
    records += [_waiting(one) for one in listed.waiting]
    code = ExitCode.DONE
    if listed.dark:
        code = ExitCode.PARTLY if listed.asked else ExitCode.AWS
    notes = () if records or listed.problems else ("Nothing was asked for.",)  # what is unread is not nothing
    tables = (Table(_COLUMNS, tuple(_row(record) for record in records)),) if records else ()
    return Answer({"requests": records}, code, listed.problems, tables, notes, "requests")


_COLUMNS = (
    Column("Region"),
    Column("Quota", wrap=True),
    Column("Asked", right=True),
    Column("Now", right=True),
    Column("Status"),
    Column("When"),
    Column("Case"),
)


def _waiting(one: Any) -> dict[str, Any]:
    return {
        "region": one.region,
        "quota_name": one.quota_name,
        "quota_code": None,
        "desired": whole(one.desired),
        "status": one.standing.value.upper(),
        "request_id": None,
        "case_id": None,
        "created": one.since,
        "applied": None,
        "moved": None,
    }


def _row(record: dict[str, Any]) -> tuple[Cell, ...]:
    now = "?" if record["applied"] is None else str(record["applied"])
    tone = Tone.GOOD if record["moved"] else Tone.PLAIN
    texts = (record["region"], record["quota_name"], str(record["desired"]))
    when = f"{record['created']:%Y-%m-%d %H:%M}"
    return (*map(Cell, texts), Cell(now, tone), Cell(record["status"]), Cell(when), Cell(record["case_id"] or "-"))

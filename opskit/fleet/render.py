"""The one answer over several accounts: a line for each, and the rows of all."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from opskit.core.exceptions import ExitCode, Problem
from opskit.fleet.rules.reports import AccountReport, fleet_exit
from opskit.fleet.rules.views import AccountView
from opskit.output.result import Cell, Column, CommandResult, Style, Table, exit_status

_COLUMNS = (
    Column("Account", key=True),
    Column("Name", wrap=True, optional=True),
    Column("Status"),
    Column("Found", wrap=True),
)
_STYLES = {"ok": Style.GOOD, "refused": Style.WARN, "partial": Style.WARN, "error": Style.BAD}
_MAX_ROWS = 50


def fleet_result(view: AccountView, reports: Sequence[AccountReport], *, dry_run: bool | None = None) -> CommandResult:
    """The answer of a command over accounts. ``dry_run``: of one that changes something, whether it did."""
    rows = [row for report in reports for row in report.rows(view.records)]
    data: dict[str, Any] = {"accounts": [_account_record(report) for report in reports], view.records: rows}
    if view.has_price:
        data["totals"] = _totals(reports)
    if dry_run is not None:
        data["dry_run"] = dry_run
    return CommandResult(
        data,
        fleet_exit(reports),
        tuple(_named_problems(reports)),
        (Table(_COLUMNS, tuple(_account_row(view, report) for report in reports)), *_row_tables(view, rows)),
        tuple(_notes(view, reports)),
        view.records,
    )


def refused_fleet_result(
    view: AccountView, reports: Sequence[AccountReport], refusal: Problem, *, dry_run: bool
) -> CommandResult:
    """The answer of one that changes more than it may in all accounts together: the plan, of which nothing was done."""
    result = fleet_result(view, reports, dry_run=dry_run)
    notes = (*result.notes, "Nothing was changed.")
    return replace(result, exit=ExitCode.REFUSED, problems=(*result.problems, refusal), notes=notes)


def progress_text(report: AccountReport, ended: int, total: int) -> str:
    """A line for people who wait: which account has been looked at, in how many Regions."""
    where = f", {_counted(len(report.regions), 'Region', 'Regions')}" if report.regions else ""
    failed = "" if report.exit.is_ok or report.exit.is_refusal else f": {exit_status(report.exit)}"
    return f"[{ended}/{total}] {report.account.label}{where}{failed}"


def _account_record(report: AccountReport) -> dict[str, Any]:
    first = next(iter(report.problems), None)
    has_failed = not (report.exit.is_ok or report.exit.is_refusal)
    return {
        "account": report.account.account,
        "name": report.account.name,
        "status": exit_status(report.exit),
        "error": first.message if first and has_failed else None,
        "exit": int(report.exit),
        "role_arn": report.account.role_arn,
    }


def _totals(reports: Sequence[AccountReport]) -> dict[str, Any]:
    """The sums over all accounts; null where one of them is not known."""
    told = [report.data.get("totals") or {} for report in reports]
    prices = [each.get("usd_per_hour") for each in told]
    whole = bool(told) and None not in prices
    per_hour = sum((Decimal(str(price)) for price in prices), Decimal(0)) if whole else None
    return {
        "usd_per_hour": per_hour,
        "usd_per_30_days": None if per_hour is None else per_hour * 720,
        "unpriced": sum(each.get("unpriced") or 0 for each in told),
        "unread_accounts": sum(1 for each in told if not each),
    }


def _named_problems(reports: Sequence[AccountReport]) -> Iterator[Problem]:
    """The problems of each account, with its name."""
    for report in reports:
        # What many share is told once for each, since they differ in who can mend them.
        for problem in report.problems:
            message = f"{report.account.label} ({report.account.account}): {problem.message}"
            yield Problem(problem.code, message, problem.hint, problem.region)


def _account_row(view: AccountView, report: AccountReport) -> tuple[Cell, ...]:
    status = exit_status(report.exit)
    return (
        Cell(report.account.account),
        Cell(report.account.name or ""),
        Cell(status, _STYLES[status]),
        Cell(_found_text(view, report)),
    )


def _found_text(view: AccountView, report: AccountReport) -> str:
    if not report.data:
        return report.problems[0].message if report.problems else ""
    rows = report.rows(view.records)
    text = _counted(len(rows), view.noun, view.nouns)
    if view.counted and rows:
        counts = Counter(map(view.counted, rows))
        text += ": " + ", ".join(f"{count} {word}" for word, count in sorted(counts.items()))
    return f"{text}; {_per_hour(report.data)}" if view.has_price else text


def _counted(count: int, noun: str, nouns: str) -> str:
    return f"{count} {noun if count == 1 else nouns}"


def _per_hour(data: Mapping[str, Any]) -> str:
    totals = data.get("totals") or {}
    price, least = totals.get("usd_per_hour"), "at least " if totals.get("unpriced") else ""
    return "price unknown" if price is None else f"{least}{_amount(price)} USD per hour"


def _amount(price: Any) -> str:
    """An amount without zeros at its end, which JSON's numbers have, and never with an exponent."""
    return f"{Decimal(str(price)).normalize():f}"


def _row_tables(view: AccountView, rows: Sequence[Mapping[str, Any]]) -> tuple[Table, ...]:
    """The rows that matter most: what is short, idle, or costs most."""
    meant = [row for row in rows if view.matters(row)]
    if view.order is not None:
        meant.sort(key=view.order)
    if not meant:
        return ()
    names = ("account", *view.columns)
    columns = tuple(map(_column_of, names))
    shown = tuple(tuple(Cell(_text(name, row.get(name))) for name in names) for row in meant[:_MAX_ROWS])
    title = "" if len(meant) <= _MAX_ROWS else f"The first {_MAX_ROWS} of {len(meant)} rows; -o json has all."
    return (Table(columns, shown, title),)


_COLUMNS_BY_NAME = {
    "account": Column("Account", key=True),
    "region": Column("Region", key=True),
    "quota_name": Column("Quota", wrap=True, key=True),
    "name": Column("Name", wrap=True, key=True),
    "kind": Column("Kind", key=True),
    "verdict": Column("Verdict"),
    "usd_per_hour": Column("USD/h", right=True),
    "owner": Column("Owner", wrap=True, optional=True),
    "because": Column("Why", wrap=True),
    "stop_with": Column("Ends with", wrap=True, optional=True),
    "applied": Column("Value", right=True),
    "in_use": Column("In use", right=True),
    "desired": Column("Desired", right=True),
    "status": Column("Status"),
    "age_seconds": Column("Age", right=True),
    "outcome": Column("Outcome"),
    "begun": Column("When (UTC)", key=True),
    "action": Column("What", key=True),
    "subject": Column("To what", wrap=True, key=True),
    "what": Column("What", key=True),
    "state": Column("State"),
    "says": Column("How", wrap=True),
    "hint": Column("What to do", wrap=True, optional=True),
}


def _column_of(name: str) -> Column:
    if name not in _COLUMNS_BY_NAME:
        raise LookupError(f"There is no column '{name}': add it to _COLUMNS_BY_NAME in opskit/fleet/render.py.")
    return _COLUMNS_BY_NAME[name]


# Of these None is what nobody knows, and of the others what a row has not.
_UNKNOWN_IF_NONE = frozenset({"usd_per_hour", "owner"})


def _text(name: str, value: Any) -> str:
    if value is None:
        return "?" if name in _UNKNOWN_IF_NONE else ""
    return _amount(value) if isinstance(value, float) else str(value)


def _notes(view: AccountView, reports: Sequence[AccountReport]) -> Iterator[str]:
    failed = [report for report in reports if not (report.exit.is_ok or report.exit.is_refusal)]
    said = _counted(len(reports), "account", "accounts")
    if failed:
        said += f"; {len(failed)} of them could not be looked at, or only in part"
    if view.has_price:
        totals = [report.data["totals"] for report in reports if report.data]
        told = [each["usd_per_hour"] for each in totals]
        unpriced = sum(each.get("unpriced") or 0 for each in totals)
        least = "at least " if failed or unpriced or None in told else ""
        total = sum((Decimal(str(each)) for each in told if each is not None), Decimal(0))
        yield f"{said}: {least}{_amount(total)} USD per hour."
    else:
        yield f"{said}."
    if any("role" in problem.code for report in failed for problem in report.problems):
        yield "`opskit fleet role` prints the template of the role that opskit needs in every account."


def role_result(template: Mapping[str, Any]) -> CommandResult:
    """The answer of ``fleet role``."""
    return CommandResult({"template": template}, notes=(json.dumps(template, indent=2),))

"""What bills now, for people and programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, assert_never

from opskit.bills.flows import CurrentCosts
from opskit.bills.render.records import item_record, known_usd, month_record, rounded_usd, sums_record
from opskit.bills.rules.items import (
    BilledItem,
    BilledSums,
    BudgetState,
    BudgetVerdict,
    Grouping,
    MonthEstimate,
    WillBePassed,
    assess_budget,
    estimate_month,
    group_items,
    sum_items,
)
from opskit.core.exceptions import ExitCode, Problem
from opskit.core.model import Unknown
from opskit.core.text import format_duration
from opskit.inventory.rules.running_resource import BilledKind, BilledVerdict, RunningResource
from opskit.output.result import Cell, Column, CommandResult, Style, Table

_WHOLE_CENTS_FROM = 100
_BAR_WIDTH = 20
_VERDICT_STYLES = {
    BilledVerdict.RUNNING: Style.PLAIN,
    BilledVerdict.BUSY: Style.GOOD,
    BilledVerdict.IDLE: Style.WARN,
    BilledVerdict.PROTECTED: Style.GOOD,
    BilledVerdict.UNKNOWN: Style.WARN,
}
# In the order of their worth: what a narrow terminal leaves out is at the end.
_COLUMNS = (
    Column("Kind", key=True),
    Column("Name", wrap=True, key=True),
    Column("USD/h", right=True),
    Column("Verdict"),
    Column("Why", wrap=True),
    Column("Owner", wrap=True),
    Column("So far", right=True, optional=True),
    Column("Since", right=True, optional=True),
    Column("Runs on", optional=True),
)
_MAX_ENDINGS = 10
_GROUP_COLUMNS = (
    Column("Items", right=True),
    Column("USD/h", right=True),
    Column("USD in 30 days", right=True),
    Column("So far", right=True),
    Column("No price", right=True),
    Column("Share", optional=True),
)


def costs_result(
    costs: CurrentCosts, now: datetime, grouping: Grouping | None, budget: Decimal | None
) -> CommandResult:
    """The answer of ``costs``."""
    sums, month = sum_items(costs.items), estimate_month(costs.items, now)
    is_whole = not costs.problems
    judged = None if budget is None else assess_budget(budget, month, sums, now, is_whole=is_whole)
    groups = None if grouping is None else group_items(costs.items, grouping)
    data: dict[str, Any] = {
        "account": costs.account,
        "regions": list(costs.regions),
        "items": [item_record(item) for item in costs.items],
        "totals": sums_record(sums, is_whole=is_whole),
        "month": month_record(month, sums, is_whole=is_whole),
        "metrics_asked": costs.metrics_asked,
        "owners_unknown_because": costs.owners_gap and costs.owners_gap.reason,
        "not_covered": list(NOT_COVERED),
    }
    if grouping is not None and groups is not None:
        data["by"] = grouping.label
        data["groups"] = [{"group": name, **sums_record(each, is_whole=is_whole)} for name, each in groups.items()]
    if budget is not None and judged is not None:
        passed_at = judged.at if isinstance(judged, WillBePassed) else None
        data["budget"] = {"usd": budget, "verdict": judged.value, "passed_at": passed_at}
    return CommandResult(
        data,
        _costs_exit(costs, judged),
        (*costs.problems, *_budget_problems(budget, judged, month, sums)),
        _tables(costs.items, grouping, groups, now),
        tuple(_costs_notes(costs, sums, month, is_whole=is_whole)),
        "items" if groups is None else "groups",
    )


def _costs_exit(costs: CurrentCosts, judged: BudgetVerdict | None) -> ExitCode:
    if costs.all_regions_failed:
        return ExitCode.AWS_ERROR
    otherwise = ExitCode.PARTIAL if costs.problems else ExitCode.OK
    match judged:
        case None | BudgetState.KEPT:
            return otherwise
        case BudgetState.PASSED | WillBePassed():
            return ExitCode.REFUSED
        case BudgetState.UNKNOWN:
            return ExitCode.PARTIAL
        case _:
            assert_never(judged)


def _budget_problems(
    budget: Decimal | None, judged: BudgetVerdict | None, month: MonthEstimate, sums: BilledSums
) -> tuple[Problem, ...]:
    hint = "End what is not needed: each item's stop_with in -o json is the command."
    match judged:
        case None | BudgetState.KEPT:
            return ()
        case BudgetState.PASSED:
            spent = _format_usd(month.since_begin)
            text = f"What runs now has cost {spent} USD this month, more than the budget of {budget} USD."
            return (Problem("over-budget", text, hint),)
        case WillBePassed(at=at):
            text = (
                f"What runs now passes the budget of {budget} USD at {at:%Y-%m-%d %H:%M} UTC: it comes to "
                f"{_format_usd(month.at_end)} USD by the end of the month if nothing is ended."
            )
            return (Problem("over-budget", text, hint),)
        case BudgetState.UNKNOWN:
            why = (
                f"{sums.unpriced} items have no known price" if sums.unpriced
                else f"AWS does not say since when {sums.undated} items bill" if sums.undated
                else "not everything could be read"
            )  # fmt: skip
            return (Problem("budget-unknown", f"It is not known whether the budget of {budget} USD is kept: {why}."),)
        case _:
            assert_never(judged)


def _tables(
    items: Sequence[BilledItem], grouping: Grouping | None, groups: Mapping[str, BilledSums] | None, now: datetime
) -> tuple[Table, ...]:
    if not items:
        return ()
    if grouping is not None and groups is not None:
        return (_group_table(grouping, groups),)
    listed = [item for item in items if not _is_attached_volume(item.resource)]
    several_regions = len({item.resource.region for item in items}) > 1
    several_accounts = len({item.resource.account for item in items}) > 1
    extra = [Column("Account", key=True)] * several_accounts + [Column("Region", key=True)] * several_regions
    rows = tuple(
        (
            *([Cell(item.resource.account or "")] * several_accounts),
            *([Cell(item.resource.region)] * several_regions),
            *_item_cells(item, now),
        )
        for item in listed
    )
    return (Table((*extra, *_COLUMNS), rows),) if rows else ()


def _is_attached_volume(resource: RunningResource) -> bool:
    """Whether it is the volume of something that runs, which has a row of its own."""
    return resource.kind is BilledKind.VOLUME and resource.stop_with is None


def _item_cells(item: BilledItem, now: datetime) -> tuple[Cell, ...]:
    resource = item.resource
    since = "?" if resource.since is None else format_duration(max(now - resource.since, now - now))
    return (
        Cell(resource.kind.value),
        Cell(resource.name),
        _usd_cell(item.known_usd_per_hour),
        Cell(item.verdict.value, _VERDICT_STYLES[item.verdict]),
        Cell(_reason_text(item)),
        Cell(item.owner.name or "?"),
        _usd_cell(known_usd(item.usd_so_far)),
        Cell("-" if resource.not_begun else since),
        Cell(_runs_on(resource)),
    )


def _reason_text(item: BilledItem) -> str:
    match item.share_usd_per_hour:
        case None:
            return item.reason
        case Unknown(reason=why):
            return f"{item.reason}: its share is not known: {why}"
        case share:
            return f"{item.reason}: its share is {_format_usd(share)} USD per hour"


def _runs_on(resource: RunningResource) -> str:
    types = ", ".join(resource.instance_types)
    count = resource.count
    if isinstance(count, Unknown):
        return f"? x {types or '?'}"
    return types if count in (None, 1) else f"{count} x {types}" if types else str(count)


def _usd_cell(usd: Decimal | None) -> Cell:
    return Cell("?", Style.WARN) if usd is None else Cell(_format_usd(usd))


def _format_usd(usd: Decimal) -> str:
    """An amount for people."""
    # To a hundredth of a cent, so that columns line up; a smaller one has two digits, so that it is not 0.
    return f"{usd:.2f}" if usd >= _WHOLE_CENTS_FROM else f"{rounded_usd(usd):f}"


def _group_table(grouping: Grouping, groups: Mapping[str, BilledSums]) -> Table:
    most = max((sums.usd_per_hour for sums in groups.values()), default=Decimal(0))
    total = sum((sums.usd_per_hour for sums in groups.values()), Decimal(0))
    rows = tuple(
        (
            Cell(name),
            Cell(str(sums.items)),
            Cell(_format_usd(sums.usd_per_hour)),
            Cell(_format_usd(sums.usd_per_30_days)),
            Cell(("at least " if sums.unpriced or sums.undated else "") + _format_usd(sums.usd_so_far)),
            Cell(str(sums.unpriced), Style.WARN if sums.unpriced else Style.PLAIN),
            Cell(_bar(sums.usd_per_hour, most, total)),
        )
        for name, sums in groups.items()
    )
    return Table((Column(grouping.label.capitalize(), wrap=True, key=True), *_GROUP_COLUMNS), rows)


def _bar(usd: Decimal, most: Decimal, total: Decimal) -> str:
    """A bar as long as an amount is to the largest, with its share of the total in words."""
    if not most:
        return ""
    return f"{'#' * max(1 if usd else 0, round(_BAR_WIDTH * usd / most)):<{_BAR_WIDTH}} {round(100 * usd / total)} %"


def _ending_lines(items: Sequence[BilledItem]) -> Iterator[str]:
    """The commands that end the dearest items, a line each to copy; those that delete files stand apart."""
    endable = [item.resource for item in items if item.resource.stop_with]
    if endable:
        more = f" (the {_MAX_ENDINGS} dearest; -o json has all)" if len(endable) > _MAX_ENDINGS else ""
        yield f"To end them{more}:"
    shown = endable[:_MAX_ENDINGS]
    # A volume that has a command is that of something that does not run: it ends only with the files on it.
    losing = [resource for resource in shown if resource.kind is BilledKind.VOLUME]
    yield from (f"  {resource.stop_with}" for resource in shown if resource not in losing)
    if losing:
        yield "These delete files for good:"
    yield from (f"  {resource.stop_with}" for resource in losing)


def _costs_notes(costs: CurrentCosts, sums: BilledSums, month: MonthEstimate, *, is_whole: bool) -> Iterator[str]:
    if costs.all_regions_failed:
        return
    if not costs.items:
        yield (
            f"Nothing of what opskit looks at bills in {', '.join(costs.regions)}."
            if is_whole
            else ("Nothing that bills was found, but not everything could be read.")
        )
    yield from _ending_lines(costs.items)
    attached = [item for item in costs.items if _is_attached_volume(item.resource)]
    if attached:
        volumes = sum_items(attached)
        least = "at least " if volumes.unpriced else ""
        per_hour = f"{least}{_format_usd(volumes.usd_per_hour)} USD per hour"
        yield f"Volumes of what runs: {volumes.items}, {per_hour} (in the sums)."
    if costs.items:
        least = "at least " if sums.unpriced or not is_whole else ""
        yield (
            f"{sums.items} items: {least}{_format_usd(sums.usd_per_hour)} USD per hour, "
            f"{least}{_format_usd(sums.usd_per_30_days)} USD in 30 days."
        )
        least = least or ("at least " if sums.undated else "")
        yield (
            f"This month, what runs now has cost {least}{_format_usd(month.since_begin)} USD (an estimate: what has "
            "ended is not in it, and the bill was not read)."
        )
    if sums.unpriced:
        yield f"{sums.unpriced} without a known price are in no sum."
    if sums.undated:
        yield f"AWS does not say since when {sums.undated} bill: what they have cost so far is in no sum."
    if costs.owners_gap:
        yield f"Owners are known from tags alone where CloudTrail was needed: {costs.owners_gap.reason.rstrip('.')}."
    yield f"Not checked: {', '.join(NOT_COVERED)}."


NOT_COVERED = (
    "training sessions",
    "storage of jobs, endpoints and clusters",
    "Canvas sessions",
    "Feature Store",
    "Data Wrangler flows",
    "compilation, optimization and recommendation jobs",
    "data transfer and requests",
    "Studio's EFS",
    "S3, ECR, CloudWatch and other services",
    "Savings Plans, discounts and taxes",
)
"""By name, for people."""

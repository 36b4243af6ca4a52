"""All notebooks for people and programs: what each does and costs, and what they cost together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from opskit.core.exceptions import ExitCode
from opskit.core.grace import patience_record, running_grace
from opskit.core.owners import owner_cell, owner_record
from opskit.core.text import describe_none, format_duration
from opskit.core.unread_prices import unread_price_problems
from opskit.notebooks.flows.inspect import InspectedNotebook, Inspection, has_unreadable_evidence
from opskit.notebooks.render.stop import VERDICT_STYLES, account_of_notebooks, evidence_source_text
from opskit.notebooks.rules.costs import NotebookCost, NotebookCosts, notebook_cost, sum_costs
from opskit.notebooks.rules.enums import ListOrder
from opskit.output.result import (
    Cell,
    Column,
    CommandResult,
    Style,
    Table,
    add_patience_column,
    largest_first,
    owner_order,
)

_HEAD = (
    Column("Notebook", wrap=True, key=True),
    Column("Type", optional=True),
    Column("Status", optional=True),
    Column("Verdict"),
    Column("Idle", right=True),
    Column("USD/h", right=True, optional=True),
    Column("USD so far", right=True),
    Column("Why", wrap=True),
)


def notebook_list_result(inspection: Inspection, now: datetime, order: ListOrder = ListOrder.NAME) -> CommandResult:
    """The answer of ``notebook list``."""
    priced = [(seen, notebook_cost(seen.notebook, seen.usd_per_hour, now)) for seen in inspection.notebooks]
    priced.sort(key=lambda row: _sort_key(order, *row))
    inspection = replace(inspection, notebooks=tuple(seen for seen, _ in priced))
    costs = [cost for _, cost in priced]
    data = {
        "account": account_of_notebooks(inspection.notebooks),
        "notebooks": [
            _notebook_record(seen, cost, now) for seen, cost in zip(inspection.notebooks, costs, strict=True)
        ],
        "totals": _totals_record(sum_costs(costs), is_whole=not inspection.problems),
        "owners_unknown_because": inspection.owners_gap and inspection.owners_gap.reason,
    }
    table = (_notebook_table(inspection.notebooks, costs, now),) if inspection.notebooks else ()
    unread = tuple(
        unread_price_problems(((seen.notebook.region, seen.price) for seen in inspection.notebooks), "notebook")
    )
    code = _listing_exit(inspection, is_whole=not unread)
    return CommandResult(
        data,
        code,
        (*inspection.problems, *unread),
        table,
        tuple(_listing_notes(inspection, sum_costs(costs))),
        "notebooks",
    )


def _sort_key(order: ListOrder, seen: InspectedNotebook, cost: NotebookCost) -> tuple[Any, ...]:
    match order:
        case ListOrder.NAME:
            return ()  # as they were found: by Region, then by name
        case ListOrder.PRICE:
            return largest_first(cost.usd_per_hour if cost.started or cost.may_run else None)
        case ListOrder.COST:
            return largest_first(cost.usd_since_start)
        case ListOrder.IDLE:
            return largest_first(seen.assessment.idle)
        case ListOrder.OWNER:
            return owner_order(_owner_record(seen)["owner"])


def _listing_exit(inspection: Inspection, *, is_whole: bool) -> ExitCode:
    if inspection.all_regions_failed:
        return ExitCode.AWS_ERROR
    unread = not is_whole or inspection.problems or any(has_unreadable_evidence(seen) for seen in inspection.notebooks)
    return ExitCode.PARTIAL if unread else ExitCode.OK


def _notebook_record(seen: InspectedNotebook, cost: NotebookCost, now: datetime) -> dict[str, Any]:
    notebook, assessment = seen.notebook, seen.assessment
    return {
        "account": notebook.account,
        "region": notebook.region,
        "name": notebook.name,
        **_owner_record(seen),
        "instance_type": notebook.instance_type,
        "status": notebook.status,
        "verdict": assessment.verdict.value,
        "because": assessment.reason,
        "evidence": evidence_source_text(seen.evidence),
        "idle_seconds": None if assessment.idle is None else int(assessment.idle.total_seconds()),
        **patience_record(seen.patience),
        "usd_per_hour": cost.usd_per_hour,
        "started": cost.started if notebook.is_change_told else None,
        "usd_since_start": cost.usd_since_start,
        "action": "keep",
        "outcome": None,
        "stops_at": _grace_end(seen, now),
    }


def _owner_record(seen: InspectedNotebook) -> dict[str, str | None]:
    """Whose it is and what tells it: a tag, else CloudTrail where it was asked."""
    return owner_record(seen.evidence.tags, seen.client.owner_keys, seen.trail_owner)


def _grace_end(seen: InspectedNotebook, now: datetime) -> datetime | None:
    """When a grace ends that runs, as its tag tells; None: none runs."""
    running = running_grace(seen.evidence.tags, seen.assessment, now, seen.notebook.arn)
    return running.until if running else None


def _totals_record(costs: NotebookCosts, *, is_whole: bool) -> dict[str, Any]:
    """The sums; null where a price in them is not known, or whether one runs, or where a Region that belongs to them
    could not be read.
    """
    told = is_whole and costs.is_whole
    return {
        "running": costs.running if is_whole else None,
        "may_run": costs.may_run if is_whole else None,
        "unpriced": costs.unpriced,
        "usd_per_hour": costs.usd_per_hour if told else None,
        "usd_since_start": costs.usd_since_start if told else None,
    }


def _notebook_table(seen: Sequence[InspectedNotebook], costs: Sequence[NotebookCost], now: datetime) -> Table:
    several = len({each.notebook.region for each in seen}) > 1
    owned = any(_owner_record(each)["owner"] for each in seen)
    columns = ((Column("Region", key=True),) if several else ()) + _HEAD[:1]
    columns += ((Column("Owner", optional=True),) if owned else ()) + _HEAD[1:]
    rows = (
        _notebook_row(each, cost, now, several=several, owned=owned) for each, cost in zip(seen, costs, strict=True)
    )
    return add_patience_column(Table(columns, tuple(rows)), [each.patience for each in seen], before="USD/h")


def _notebook_row(
    seen: InspectedNotebook, cost: NotebookCost, now: datetime, *, several: bool, owned: bool
) -> tuple[Cell, ...]:
    notebook, assessment, end = seen.notebook, seen.assessment, _grace_end(seen, now)
    return (
        *((Cell(notebook.region),) if several else ()),
        Cell(notebook.name),
        *((Cell(owner_cell(_owner_record(seen)["owner"], seen.evidence.tags)),) if owned else ()),
        Cell(notebook.instance_type),
        Cell(notebook.status),
        Cell(assessment.verdict.value, VERDICT_STYLES[assessment.verdict]),
        Cell("" if assessment.idle is None else format_duration(assessment.idle)),
        Cell("?" if cost.usd_per_hour is None else str(cost.usd_per_hour)),
        _spent_cell(cost),
        Cell(assessment.reason if end is None else f"{assessment.reason}; stops at {end:%Y-%m-%d %H:%M} UTC"),
    )


def _spent_cell(cost: NotebookCost) -> Cell:
    if cost.started is None and not cost.may_run:
        return Cell("")
    return Cell("?", Style.WARN) if cost.usd_since_start is None else Cell(_format_cents(cost.usd_since_start))


def _format_cents(usd: Decimal) -> str:
    return f"{usd:.2f}"


def _listing_notes(inspection: Inspection, costs: NotebookCosts) -> Iterator[str]:
    if not inspection.notebooks and not inspection.problems:
        yield describe_none("notebook instance", inspection.regions, is_narrow=inspection.is_narrow)
    if inspection.owners_gap:
        yield f"CloudTrail could not be asked for all owners: {inspection.owners_gap.reason}"
    if costs.may_run:
        noun = "1 notebook runs" if costs.may_run == 1 else f"{costs.may_run} notebooks run"
        yield f"Whether {noun}, and so what it costs, cannot be told from AWS's status."
    if costs.undated:
        yield f"Since when {costs.undated} of them {'runs' if costs.undated == 1 else 'run'} AWS does not say."
    if not costs.running:
        return
    least = "" if costs.is_whole and not inspection.problems else "at least "
    yield (
        f"{costs.running} of {len(inspection.notebooks)} running: {least}{costs.usd_per_hour} USD per hour, "
        f"{least}{_format_cents(costs.usd_since_start)} USD since they were started."
    )
    if costs.unpriced:
        instance_types = {seen.notebook.instance_type for seen in inspection.notebooks if seen.usd_per_hour is None}
        yield f"The price of {costs.unpriced} is not known ({', '.join(sorted(instance_types))})."

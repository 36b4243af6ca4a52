"""All endpoints for people and programs: how each is used and what it costs, and those that can be brought back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from opskit.aws.client import AwsClient
from opskit.core.exceptions import ExitCode, Problem
from opskit.core.owners import owner_cell, owner_record
from opskit.core.text import describe_none, format_duration
from opskit.endpoints.flows.inspect import EndpointInspection, InspectedEndpoint
from opskit.endpoints.reads.stopped import StoppedEndpoint
from opskit.endpoints.render.rows import (
    VERDICT_STYLES,
    describe_variants,
    endpoint_record,
    inspection_cost_notes,
    inspection_usd,
    invocation_sums,
    one_account,
    price_problems,
    restore_command,
    stopped_reason,
    stopped_record,
)
from opskit.endpoints.rules.enums import EndpointOrder
from opskit.endpoints.rules.model import EndpointVerdict
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

_COLUMNS = (
    Column("Region", key=True),
    Column("Endpoint", wrap=True, key=True),
    Column("Instances", optional=True),
    Column("Status", optional=True),
    Column("Verdict"),
    Column("Idle", right=True, optional=True),
    Column("1h", right=True, optional=True),
    Column("24h", right=True, optional=True),
    Column("14d", right=True),
    Column("USD/h", right=True),
    Column("Why", wrap=True),
)


def endpoint_list_result(inspection: EndpointInspection, order: EndpointOrder = EndpointOrder.NAME) -> CommandResult:
    """The answer of ``endpoint list``. Those that were stopped come after the others."""
    inspection = replace(
        inspection,
        endpoints=tuple(sorted(inspection.endpoints, key=lambda seen: _sort_key(order, seen))),
        stopped=tuple(sorted(inspection.stopped, key=lambda pair: _stopped_sort_key(order, *pair))),
    )
    going = {(seen.endpoint.region, seen.endpoint.name) for seen in inspection.endpoints}
    gone = [(client, stopped) for client, stopped in inspection.stopped if (client.region, stopped.name) not in going]
    records = [_running_record(seen, inspection) for seen in inspection.endpoints]
    records += [stopped_record(client, stopped) for client, stopped in gone]
    rows = [_endpoint_row(seen) for seen in inspection.endpoints]
    rows += [_stopped_row(client.region, stopped) for client, stopped in gone]
    data = {
        "account": one_account(record["account"] for record in records),
        "endpoints": records,
        "totals": {"usd_per_hour": _total_usd(inspection), "running": len(inspection.endpoints), "stopped": len(gone)},
        "look_usd": inspection_usd(inspection),
        "owners_unknown_because": inspection.owners_gap and inspection.owners_gap.reason,
    }
    patiences = [*(seen.patience for seen in inspection.endpoints), *(None for _ in gone)]
    whole = add_patience_column(Table(_COLUMNS, tuple(rows)), patiences, before="1h")
    owners = [
        *(owner_cell(record["owner"], seen.tags) for record, seen in zip(records, inspection.endpoints, strict=False)),
        *(
            owner_cell(record["owner"], stopped.tags)
            for record, (_, stopped) in zip(records[len(inspection.endpoints) :], gone, strict=True)
        ),
    ]
    table = (_with_owners(whole, owners),) if rows else ()
    problems = (*inspection.problems, *_unread_use_problems(inspection))
    return CommandResult(
        data, _list_exit(inspection, problems), problems, table, tuple(_list_notes(inspection)), "endpoints"
    )


def _sort_key(order: EndpointOrder, seen: InspectedEndpoint) -> tuple[Any, ...]:
    match order:
        case EndpointOrder.NAME:
            return ()  # as they were found: by Region, then by name
        case EndpointOrder.PRICE:
            return largest_first(seen.usd_per_hour)
        case EndpointOrder.IDLE:
            return largest_first(seen.assessment.idle)
        case EndpointOrder.OWNER:
            return owner_order(owner_record(seen.tags, seen.client.owner_keys, seen.trail_owner)["owner"])


def _stopped_sort_key(order: EndpointOrder, client: AwsClient, stopped: StoppedEndpoint) -> tuple[Any, ...]:
    match order:
        case EndpointOrder.NAME | EndpointOrder.PRICE | EndpointOrder.IDLE:  # none costs anything, none is looked at
            return ()
        case EndpointOrder.OWNER:
            return owner_order(stopped_record(client, stopped)["owner"])


def _with_owners(table: Table, owners: Sequence[str]) -> Table:
    """A table with whose each endpoint is, where that is known of any."""
    if set(owners) <= {"", "?"}:
        return table
    at = 2
    columns = (*table.columns[:at], Column("Owner", optional=True), *table.columns[at:])
    rows = ((*row[:at], Cell(owner), *row[at:]) for row, owner in zip(table.rows, owners, strict=True))
    return replace(table, columns=columns, rows=tuple(rows))


def _running_record(seen: InspectedEndpoint, inspection: EndpointInspection) -> dict[str, Any]:
    """One that is still being deleted can be brought back as soon as it is gone."""
    name, region = seen.endpoint.name, seen.endpoint.region
    has_record = any(client.region == region and stopped.name == name for client, stopped in inspection.stopped)
    return {**endpoint_record(seen), "restore_with": restore_command(name, region) if has_record else None}


def _list_exit(inspection: EndpointInspection, problems: Sequence[Problem]) -> ExitCode:
    if inspection.all_regions_failed:
        return ExitCode.AWS_ERROR
    return ExitCode.PARTIAL if problems else ExitCode.OK


def _unread_use_problems(inspection: EndpointInspection) -> Iterator[Problem]:
    """Why verdicts and prices are not known, where they could not be read: a sentence for each Region and reason."""
    unread = [
        (each.endpoint.region, each.assessment.reason) for each in inspection.endpoints if not each.assessment.readable
    ]
    for (region, reason), count in Counter(unread).items():
        what = "1 endpoint is" if count == 1 else f"{count} endpoints are"
        text = f"Whether {what} idle is not known: {reason.rstrip('.')}."
        yield Problem("endpoint-use-unread", text, region=region)
    yield from price_problems(inspection.endpoints)


def _total_usd(inspection: EndpointInspection) -> Decimal | None:
    """What all cost an hour; None: a price, or a Region, is not known."""
    prices = [seen.usd_per_hour for seen in inspection.endpoints if seen.endpoint.traits.may_bill]
    if inspection.problems or any(price is None for price in prices):
        return None
    return sum((price for price in prices if price is not None), Decimal(0))


def _endpoint_row(seen: InspectedEndpoint) -> tuple[Cell, ...]:
    sums, idle = invocation_sums(seen.use), seen.assessment.idle
    return (
        Cell(seen.endpoint.region),
        Cell(seen.endpoint.name),
        Cell(describe_variants(seen.endpoint)),
        Cell(seen.endpoint.status),
        Cell(seen.assessment.verdict.value, VERDICT_STYLES[seen.assessment.verdict]),
        Cell("" if idle is None else format_duration(idle)),
        *(Cell("" if sums is None else str(sums[span])) for span in ("1h", "24h", "14d")),
        Cell("?" if seen.usd_per_hour is None else str(seen.usd_per_hour)),
        Cell(seen.assessment.reason),
    )


def _stopped_row(region: str, stopped: StoppedEndpoint) -> tuple[Cell, ...]:
    return (
        Cell(region),
        Cell(stopped.name),
        Cell(""),
        Cell("Stopped", Style.DIM),
        Cell(EndpointVerdict.STOPPED.value, VERDICT_STYLES[EndpointVerdict.STOPPED]),
        *(Cell("") for _ in range(4)),
        Cell("0"),
        Cell(stopped_reason(stopped)),
    )


def _list_notes(inspection: EndpointInspection) -> Iterator[str]:
    if not (inspection.endpoints or inspection.stopped or inspection.problems):
        yield describe_none("endpoint", inspection.regions, is_narrow=inspection.is_narrow)
    total = _total_usd(inspection)
    if inspection.endpoints and total is not None:
        noun = "endpoint" if len(inspection.endpoints) == 1 else "endpoints"
        yield f"{len(inspection.endpoints)} {noun}, {total} USD per hour."
    if inspection.stopped:
        yield f"`opskit endpoint start {inspection.stopped[0][1].name}` brings back what was stopped."
    if inspection.owners_gap:
        yield f"CloudTrail could not be asked for all owners: {inspection.owners_gap.reason}"
    yield from inspection_cost_notes(inspection)

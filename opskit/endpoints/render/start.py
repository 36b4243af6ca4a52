"""An endpoint that is brought back, for people and programs."""

from __future__ import annotations

from typing import Any

from opskit.core.exceptions import ExitCode
from opskit.endpoints.flows.start import StartResult
from opskit.endpoints.render.rows import describe_variants, restore_command, variant_record
from opskit.endpoints.rules.start_plan import StartOutcome
from opskit.output.result import Cell, Column, CommandResult, Style, Table

_WORDS = {
    StartOutcome.PLANNED: "would be brought back",
    StartOutcome.DONE: "brought back",
    StartOutcome.ALREADY: "runs already",
    StartOutcome.REFUSED: "not brought back",
    StartOutcome.UNKNOWN: "not known whether it is back",
}
_STYLES = {
    StartOutcome.PLANNED: Style.GOOD,
    StartOutcome.DONE: Style.GOOD,
    StartOutcome.ALREADY: Style.GOOD,
    StartOutcome.REFUSED: Style.BAD,
    StartOutcome.UNKNOWN: Style.WARN,
}
_COLUMNS = (
    Column("Endpoint", wrap=True, key=True),
    Column("Instances"),
    Column("Status"),
    Column("Configuration", wrap=True),
    Column("What happened", wrap=True),
)


def endpoint_start_result(start: StartResult, region: str) -> CommandResult:
    """The answer of ``endpoint start``."""
    problems = (start.error.problem,) if start.error else ()
    code = start.error.exit if start.error else ExitCode.OK
    table = Table(_COLUMNS, (_start_row(start),))
    data = {
        "account": start.endpoint.account if start.endpoint else None,
        "endpoints": [_start_record(start, region)],
    }
    return CommandResult(data, code, problems, (table,), (), "endpoints")


def _start_record(start: StartResult, region: str) -> dict[str, Any]:
    endpoint, record = start.endpoint, start.record
    return {
        "account": endpoint.account if endpoint else None,
        "region": region,
        "name": start.name,
        "config": endpoint.config if endpoint else record and record.config,
        "variants": [variant_record(variant) for variant in endpoint.variants] if endpoint else [],
        "status": endpoint.status if endpoint else None,
        "action": "start",
        "outcome": start.outcome.value,
        "step": start.step and start.step.value,
        "because": start.error.problem.message if start.error else None,
        "restore_with": None if start.outcome.is_back else restore_command(start.name, region),
    }


def _start_row(start: StartResult) -> tuple[Cell, ...]:
    endpoint, record = start.endpoint, start.record
    config = endpoint.config if endpoint else record.config if record else ""
    return (
        Cell(start.name),
        Cell(describe_variants(endpoint) if endpoint else ""),
        Cell(endpoint.status if endpoint else ""),
        Cell(config),
        Cell(_WORDS[start.outcome], _STYLES[start.outcome]),
    )

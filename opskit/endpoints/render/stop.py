"""A stop of endpoints for people and programs: each one's verdict and reason, and what was done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from opskit.core.exceptions import ExitCode, Problem
from opskit.core.model import Unknown
from opskit.core.stop_outcome import StopOutcome
from opskit.core.text import describe_none
from opskit.endpoints.flows.inspect import EndpointInspection
from opskit.endpoints.flows.keep import LIST_HINT
from opskit.endpoints.flows.stop_plan import EndpointStop
from opskit.endpoints.render.rows import (
    VERDICT_STYLES,
    describe_variants,
    endpoint_record,
    inspection_cost_notes,
    inspection_usd,
    one_account,
    price_problems,
    restore_command,
)
from opskit.output.result import Cell, Column, CommandResult, Table, add_patience_column

_COLUMNS = (
    Column("Region", key=True),
    Column("Endpoint", wrap=True, key=True),
    Column("Instances", optional=True),
    Column("Verdict"),
    Column("USD/h", right=True, optional=True),
    Column("Action"),
    Column("Why", wrap=True),
)


def endpoint_stop_result(
    actions: Sequence[EndpointStop], inspection: EndpointInspection, missing: Sequence[str] = ()
) -> CommandResult:
    """The answer of ``endpoint stop``, after ``inspection``. ``missing`` are the names that no endpoint has."""
    where = " where AWS could be asked" if inspection.problems else ""
    gone = tuple(Problem("no-endpoint", f"There is no endpoint '{name}'{where}.", LIST_HINT) for name in missing)
    refused = tuple(action.refusal for action in actions if action.refusal)
    problems = (
        *inspection.problems,
        *(() if inspection.all_regions_failed else gone),
        *refused,
        *_failed_problems(actions),
        *_kept_endpoint_problems(actions),
    )
    none = describe_none("endpoint", inspection.regions, is_narrow=inspection.is_narrow)
    notes = [*_result_notes(actions), *inspection_cost_notes(inspection)] if actions or problems else [none]
    # What a stop saves is beside the point of it: that it is not known is said, and changes no exit code.
    told = (*problems, *price_problems([action.inspected for action in actions]))
    return _build_result(actions, inspection, told, _stop_exit(actions, inspection, problems), notes)


def endpoint_stop_refused(
    actions: Sequence[EndpointStop], inspection: EndpointInspection, refusal: Problem
) -> CommandResult:
    """The answer of an ``endpoint stop`` that refuses: the plan, of which nothing was done, and why."""
    return _build_result(
        actions, inspection, (*inspection.problems, refusal), ExitCode.REFUSED, ["Nothing was stopped."]
    )


def describe_stop_plan(actions: Sequence[EndpointStop]) -> str:
    """The plan in words, for whoever is to agree to it."""
    lines = []
    for action in actions:
        if not action.outcome_is_planned:
            continue
        endpoint = action.inspected.endpoint
        usd = action.inspected.usd_per_hour
        price = "price not known" if usd is None else f"{usd} USD per hour"
        lines.append(f"{endpoint.name} ({describe_variants(endpoint)}, {price}): {action.inspected.assessment.reason}.")
        if action.question:
            lines.append(f"  {action.question.message}")
        lines += [f"  {note}" for note in _restore_warnings(action)]
    lines.append(
        "Deletes the endpoints; their configurations and models stay. `opskit endpoint start` brings them back."
    )
    return "\n".join(lines)


def _stop_exit(
    actions: Sequence[EndpointStop], inspection: EndpointInspection, problems: Sequence[Problem]
) -> ExitCode:
    if inspection.all_regions_failed:
        return ExitCode.AWS_ERROR
    if any(action.refusal for action in actions):
        return ExitCode.REFUSED
    if problems and not (actions or inspection.problems):
        return ExitCode.USAGE
    return ExitCode.PARTIAL if problems else ExitCode.OK


def _failed_problems(actions: Sequence[EndpointStop]) -> tuple[Problem, ...]:
    return tuple(
        Problem(
            "stop-failed" if action.will_stop else "tag-failed",
            f"{action.inspected.endpoint.name}: {action.reason}",
            "Run it again: it looks at what is there first." if action.will_stop else "",
            action.inspected.endpoint.region,
        )
        for action in actions
        if action.outcome and action.outcome.is_failure and not action.refusal
    )


def _kept_endpoint_problems(actions: Sequence[EndpointStop]) -> tuple[Problem, ...]:
    return tuple(
        Problem("unread", f"{action.inspected.endpoint.name}: {action.reason}", "", action.inspected.endpoint.region)
        for action in actions
        if action.is_unreadable
    )


def _build_result(
    actions: Sequence[EndpointStop],
    inspection: EndpointInspection,
    problems: tuple[Problem, ...],
    code: ExitCode,
    notes: Iterable[str],
) -> CommandResult:
    data = {
        "account": one_account(action.inspected.endpoint.account for action in actions),
        "endpoints": [_stop_record(action) for action in actions],
        "saved_usd_per_hour": _saved_usd(actions),
        "look_usd": inspection_usd(inspection),
    }
    rows = Table(_COLUMNS, tuple(_stop_row(action) for action in actions))
    patiences = [action.inspected.patience for action in actions]
    table = (add_patience_column(rows, patiences, before="USD/h"),) if actions else ()
    return CommandResult(data, code, problems, table, tuple(notes), "endpoints")


def _saved_usd(actions: Sequence[EndpointStop]) -> Decimal | None:
    """What the stops save, in USD per hour; None where a price is not known."""
    # Only what is done: a plan saves nothing.
    prices = [action.inspected.usd_per_hour for action in actions if action.is_done]
    known = [price for price in prices if price is not None]
    return sum(known, Decimal(0)) if len(known) == len(prices) else None


def _result_notes(actions: Sequence[EndpointStop]) -> Iterator[str]:
    done = [action for action in actions if action.is_done]
    planned = [action for action in actions if action.outcome_is_planned]
    graces = [action for action in actions if action.grace_begun and action.stops_at]
    for action in graces:
        name, until = action.inspected.endpoint.name, action.stops_at
        keep = f"`opskit endpoint keep {name}` keeps it"
        yield f"{name} stops at {until:%Y-%m-%d %H:%M} UTC unless it is invoked; {keep}."
    for action in (*planned, *done):
        yield from _restore_warnings(action)
    if done:
        saved = _saved_usd(actions)
        money = "an unknown amount (no price available)" if saved is None else f"{saved} USD per hour"
        yield f"Stopped {len(done)}, which saves {money}. Configurations and models are kept."
        for action in done:
            endpoint = action.inspected.endpoint
            yield f"To bring it back: {restore_command(endpoint.name, endpoint.region)}"
    elif planned:
        yield f"{len(planned)} would be stopped; nothing was changed."
    elif not graces:
        yield "Nothing was stopped."


def _restore_warnings(action: EndpointStop) -> Iterator[str]:
    name = action.inspected.endpoint.name
    match action.restore_warning:
        case Unknown(reason):
            yield f"{name}: whether the quota will be there at its return is not known ({reason})."
        case str(said):
            yield f"{name}: the quota will not be there at its return as it is used now: {said}."
        case None:
            pass
    if action.data_unread is not None:
        reason = action.data_unread.reason.rstrip(".")
        yield f"{name}: whether the data of its models are still in S3 is not known ({reason})."


def _stop_record(action: EndpointStop) -> dict[str, Any]:
    seen = action.inspected
    stops = action.is_done or action.outcome_is_unknown
    note = action.restore_warning
    return {
        **endpoint_record(seen),
        "status": action.status or seen.endpoint.status,
        "because": action.reason,
        "action": "stop" if action.will_stop else "keep",
        "step": action.step.value,
        "outcome": action.outcome and action.outcome.value,
        "looked_ms_ago": action.looked_ms_ago,
        "stops_at": action.stops_at,
        "grace_begun": action.grace_begun,
        "quota_at_return": "unknown" if isinstance(note, Unknown) else "short" if note else "fits",
        "model_data": "unknown" if action.data_unread else "there",
        "quota_because": note.reason if isinstance(note, Unknown) else note,
        "restore_with": restore_command(seen.endpoint.name, seen.endpoint.region) if stops else None,
    }


def _stop_row(action: EndpointStop) -> tuple[Cell, ...]:
    seen = action.inspected
    word = "stop" if action.will_stop else "keep"
    return (
        Cell(seen.endpoint.region),
        Cell(seen.endpoint.name),
        Cell(describe_variants(seen.endpoint)),
        Cell(seen.assessment.verdict.value, VERDICT_STYLES[seen.assessment.verdict]),
        Cell("?" if seen.usd_per_hour is None else str(seen.usd_per_hour)),
        Cell(f"{word}: {action.outcome}" if action.outcome else word),
        Cell(action.reason),
    )


def refuse_plan(actions: Sequence[EndpointStop]) -> tuple[EndpointStop, ...]:
    """The plan as one that was not carried out."""
    from dataclasses import replace

    return tuple(replace(each, outcome=StopOutcome.REFUSED) if each.outcome_is_planned else each for each in actions)

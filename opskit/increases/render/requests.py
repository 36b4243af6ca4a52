"""The results of ``quotas requests`` and ``quotas wait`` for people and programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from opskit.aws.partitions import case_page_url
from opskit.core.exceptions import ExitCode, Problem
from opskit.core.model import Unknown, known_quota
from opskit.increases.flows.list import RequestList, RequestState
from opskit.increases.render.increase import RESUME_HINT
from opskit.increases.rules.waiting import WaitResult, WaitState, wait_exit_code
from opskit.increases.store import QueuedRequest, QueueState
from opskit.output.result import Cell, Column, CommandResult, Style, Table
from opskit.quotas.reads.service_quotas import HISTORY_DAYS
from opskit.quotas.rules.model import format_quota_value, int_if_whole
from opskit.quotas.rules.requirements import TOTAL


def wait_result(results: Sequence[WaitResult], seconds: float) -> CommandResult:
    """The result of ``quotas wait``."""
    rows = [
        {
            "region": result.region,
            "quota_name": result.quota_name,
            "quota_code": quota.code if quota else None,
            "applied": int_if_whole(quota.effective_value if quota else None),
            "desired": int_if_whole(result.target.value),
            "outcome": result.state.value,
            "because": result.reason,
        }
        for result in results
        for quota in [known_quota(result.quota)]
    ]
    unmet = [result for result in results if not result.state.is_reached]
    notes = tuple(
        f"{result.quota_name} in {result.region}: {result.reason}." for result in results if result.state.is_reached
    )
    return CommandResult(
        {"quotas": rows, "seconds": round(seconds, 1)},
        wait_exit_code(results),
        tuple(_unmet_problem(result) for result in unmet),
        notes=notes,
        records="quotas",
    )


def _unmet_problem(result: WaitResult) -> Problem:
    code, hint = result.state.value, ""
    match result.state:
        case WaitState.WAITING:
            code = "timeout"
            hint = _increase_hint(result) if result.is_unasked else "It may still come: run the same command again."
        case WaitState.DENIED:
            hint = "Ask again with a reason, for less, or through AWS Support: opskit quotas increase --via console"
        case WaitState.NOT_OFFERED:
            hint = "Another Region or another instance type may have it: opskit quotas check"
        case WaitState.UNREADABLE:
            if result.problem:
                return result.problem
        case WaitState.REACHED:
            raise ValueError("what is there is no problem")
    return Problem(code, f"{result.quota_name}: {result.reason.removesuffix('.')}.", hint, result.region)


def _increase_hint(result: WaitResult) -> str:
    target = result.target
    what = f"{target.instance_type or TOTAL} --for {target.workload} --to {format_quota_value(target.value)}"
    return f"Request it: opskit quotas increase {what} --region {result.region}"


def request_list_result(listed: RequestList, *, only_open: bool = False) -> CommandResult:
    """The result of ``quotas requests``. Besides the promised fields each record has ``age_seconds``, ``case_url`` and
    ``change``: what is different since the last listing (empty: nothing; null: AWS does not know it yet, or
    ``change_unknown_because`` says why nobody knows).
    """
    records = [_request_state_record(state) for state in listed.states] + [
        _queued_record(request) for request in listed.queued
    ]
    code = ExitCode.OK
    if listed.failed_regions:
        code = ExitCode.PARTIAL if listed.states else ExitCode.AWS_ERROR
    tables = (Table(_COLUMNS, tuple(_request_row(record) for record in records)),) if records else ()
    data = {
        "requests": records,
        "last_look": None if isinstance(listed.looked, Unknown) else listed.looked,
        "history_days": HISTORY_DAYS,
    }
    notes = tuple(_request_notes(listed, records, only_open=only_open))
    return CommandResult(data, code, listed.problems, tables, notes, "requests")


def _request_notes(listed: RequestList, records: Sequence[dict[str, Any]], *, only_open: bool) -> Iterator[str]:
    if not records and not listed.problems:  # if something could not be read, there may be requests
        none = f"There are no increase requests of the last {HISTORY_DAYS} days; AWS keeps no older ones."
        yield "No increase request is open." if only_open else none
    elif listed.states and not only_open:
        yield f"AWS keeps requests for {HISTORY_DAYS} days; older ones are not shown."
    for url in dict.fromkeys(record["case_url"] for record in records if record["case_url"]):
        yield f"Case: {url}"
    if isinstance(listed.looked, datetime) and listed.states and not any(state.change for state in listed.states):
        yield f"Nothing has changed since {listed.looked:%Y-%m-%d %H:%M} UTC."
    if any(request.state is QueueState.QUEUED for request in listed.queued):
        yield RESUME_HINT


_COLUMNS = (
    Column("Region", key=True),
    Column("Quota", wrap=True, key=True),
    Column("Asked", right=True),
    Column("Now", right=True),
    Column("Status"),
    Column("Age", right=True),
    Column("Case"),
    Column("Since the last look", wrap=True),
)


def _request_state_record(state: RequestState) -> dict[str, Any]:
    request, applied, change = state.request, state.is_applied, state.change
    return {
        "region": request.region,
        "quota_name": request.quota_name,
        "quota_code": request.quota_code,
        "desired": int_if_whole(request.desired_value),
        "status": request.status.value,
        "request_id": request.id,
        "case_id": request.case_id,
        "case_url": case_page_url(request.region, request.case_id) if request.case_id else None,
        "created": request.created,
        "automatic": request.is_automatic,
        "requester": request.requester,
        "age_seconds": int(state.age.total_seconds()),
        "applied": int_if_whole(state.value),
        "applied_unknown_because": applied.reason if isinstance(applied, Unknown) else None,
        "moved": None if isinstance(applied, Unknown) else applied,
        "change": None if isinstance(change, Unknown) else change,
        "change_unknown_because": change.reason if isinstance(change, Unknown) else None,
    }


def _queued_record(request: QueuedRequest) -> dict[str, Any]:
    return {
        "region": request.region,
        "quota_name": request.quota_name,
        "quota_code": None,
        "desired": int_if_whole(request.desired_value),
        "status": request.state.value.upper(),
        "request_id": None,
        "case_id": None,
        "case_url": None,
        "created": request.since,
        "automatic": False,
        "requester": None,
        "age_seconds": int(max(0.0, (datetime.now(UTC) - request.since).total_seconds())),
        "applied": None,
        "applied_unknown_because": "opskit has not asked AWS for it yet",
        "moved": None,
        "change": None,
        "change_unknown_because": None,
    }


def _request_row(record: dict[str, Any]) -> tuple[Cell, ...]:
    missing = "?" if record["applied_unknown_because"] else "-"
    now = missing if record["applied"] is None else str(record["applied"])
    style = Style.GOOD if record["moved"] else Style.PLAIN
    change = "?" if record["change_unknown_because"] else record["change"] or ""
    return (
        Cell(record["region"]),
        Cell(record["quota_name"]),
        Cell(str(record["desired"])),
        Cell(now, style),
        Cell(f"{record['status']} (by AWS's automatic management)" if record["automatic"] else record["status"]),
        Cell(_format_age(record["age_seconds"])),
        Cell(record["case_id"] or "-"),
        Cell(change, Style.WARN if change else Style.PLAIN),
    )


def _format_age(seconds: int) -> str:
    """A duration in its largest unit: for a request of yesterday minutes do not matter."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"

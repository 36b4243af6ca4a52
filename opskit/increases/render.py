"""Results of ``quotas increase``, ``requests`` and ``wait`` for people and programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from opskit.aws.partitions import case_form_url, case_page_url, quota_page_url
from opskit.core.exceptions import EXIT_SEVERITY, ExitCode, Problem
from opskit.core.model import Unknown, is_not_offered, known_quota
from opskit.core.workloads import WORKLOADS
from opskit.increases.flows.list import RequestList, RequestState
from opskit.increases.flows.plan import BlockingTotal
from opskit.increases.rules.channel import Channel
from opskit.increases.rules.increase import Increase, IncreaseOutcome
from opskit.increases.rules.waiting import WaitResult, WaitState, wait_exit_code
from opskit.increases.store import QueuedRequest, QueueState
from opskit.output.result import Cell, Column, CommandResult, Style, Table
from opskit.quotas.reads.service_quotas import HISTORY_DAYS
from opskit.quotas.rules.model import format_quota_value, int_if_whole

_OUTCOME_STYLES = {
    IncreaseOutcome.FILED: Style.GOOD,
    IncreaseOutcome.ALREADY_OPEN: Style.GOOD,
    IncreaseOutcome.ALREADY_ENOUGH: Style.GOOD,
    IncreaseOutcome.QUEUED: Style.WARN,
    IncreaseOutcome.PLANNED: Style.PLAIN,
    IncreaseOutcome.REFUSED: Style.BAD,
    IncreaseOutcome.UNKNOWN: Style.WARN,
}
_OUTCOME_EXITS = {
    IncreaseOutcome.FILED: ExitCode.OK,
    IncreaseOutcome.ALREADY_OPEN: ExitCode.OK,
    IncreaseOutcome.ALREADY_ENOUGH: ExitCode.OK,
    IncreaseOutcome.QUEUED: ExitCode.OK,
    IncreaseOutcome.PLANNED: ExitCode.OK,
    IncreaseOutcome.REFUSED: ExitCode.REFUSED,
    IncreaseOutcome.UNKNOWN: ExitCode.PARTIAL,
}


def increase_result(
    increases: Sequence[Increase], totals: Sequence[BlockingTotal] = (), why: str = ""
) -> CommandResult:
    """The result of ``quotas increase``: planned with --dry-run, done otherwise."""
    several = len({increase.region for increase in increases}) > 1
    columns = (
        *((Column("Region", key=True),) if several else ()),
        Column("Quota", wrap=True, key=True),
        Column("Now", right=True),
        Column("To", right=True),
        Column("Outcome"),
        Column("Why", wrap=True),
    )
    rows = tuple(_increase_table_row(increase)[0 if several else 1 :] for increase in increases)
    return CommandResult(
        data={"requests": [_increase_record(increase, why) for increase in increases]},
        exit=_increases_exit(increases),
        problems=tuple(dict.fromkeys(increase.result.problem for increase in increases if increase.result.problem)),
        tables=(Table(columns, rows),) if rows else (),
        notes=tuple(_increase_notes(increases, totals, why)),
        records="requests",
    )


def plan_prompt(increases: Sequence[Increase]) -> str:
    """The plan as lines, for a prompt."""
    return "\n".join(
        f"Ask {each.channel.submission_type.addressee} in {each.region}: {each.quota_name}. {each.reason}"
        for each in increases
    )


def _increase_table_row(increase: Increase) -> tuple[Cell, ...]:
    quota = known_quota(increase.quota)
    return (
        Cell(increase.region),
        Cell(increase.quota_name),
        Cell("-" if is_not_offered(increase.quota) else format_quota_value(quota.effective_value if quota else None)),
        Cell(format_quota_value(increase.target.value)),
        Cell(increase.outcome.value, _OUTCOME_STYLES[increase.outcome]),
        Cell(increase.reason),
    )


def _increases_exit(increases: Sequence[Increase]) -> ExitCode:
    """A refusal outranks unknown outcomes. If not even the quotas of the only Region could be read, it is an AWS
    error.
    """
    nothing_read = all(isinstance(increase.quota, Unknown) for increase in increases)
    if nothing_read and len({increase.region for increase in increases}) == 1:
        return ExitCode.AWS_ERROR
    return max(
        (_OUTCOME_EXITS[increase.outcome] for increase in increases), key=EXIT_SEVERITY.__getitem__, default=ExitCode.OK
    )


def _increase_record(increase: Increase, why: str) -> dict[str, Any]:
    quota = known_quota(increase.quota)
    return {
        "region": increase.region,
        "quota_name": increase.quota_name,
        "quota_code": increase.quota_code,
        "applied": int_if_whole(quota.applied if quota else None),
        "default": int_if_whole(quota.default if quota else None),
        "desired": int_if_whole(increase.target.value),
        "via": increase.channel.value,
        "outcome": increase.outcome.value,
        "request_id": increase.request_id,
        "case_id": increase.case_id,
        "because": increase.reason,
        "console": _console_text(increase, why) if _needs_console_text(increase) else None,
    }


def _needs_console_text(increase: Increase) -> bool:
    """Whether the console is the channel that was requested, or the only one left."""
    match increase.outcome:
        case (
            IncreaseOutcome.PLANNED | IncreaseOutcome.UNKNOWN
        ):  # where nothing could be read, people in the console can
            return not increase.channel.submission_type.is_sent
        case IncreaseOutcome.REFUSED:
            return increase.channel.leaves_console and increase.quota_code is not None
        case IncreaseOutcome.FILED | IncreaseOutcome.ALREADY_OPEN:
            return False
        case IncreaseOutcome.ALREADY_ENOUGH | IncreaseOutcome.QUEUED:
            return False


def _increase_notes(increases: Sequence[Increase], totals: Sequence[BlockingTotal], why: str) -> Iterator[str]:
    for increase in increases:
        if _needs_console_text(increase):
            yield _console_text(increase, why)
    if any(
        increase.outcome.is_refused and increase.quota_code and increase.channel is Channel.SERVICE_QUOTAS
        for increase in increases
    ):
        yield "With a paid support plan, the same command with --via support opens that case."
    if any(increase.outcome.is_queued for increase in increases):
        yield _RESUME
    if any(increase.outcome_unknown for increase in increases):
        yield "Unknown outcomes may have been filed. Run the same command again: it checks before it sends anything."
    elif any(increase.outcome.is_unknown and increase.channel.submission_type.is_sent for increase in increases):
        yield "Nothing was sent for unknown outcomes. Run the same command again."
    for total in totals:
        yield _blocking_total_record(total)


def _blocking_total_record(total: BlockingTotal) -> str:
    short = (
        f"{total.quota_name} is {format_quota_value(total.value)} in {total.region}, "
        f"below {format_quota_value(total.target_value)}"
    )
    if total.per_job:
        return f"{short}: one {WORKLOADS[total.workload].per_job_unit} may not use that many."
    command = (
        f"opskit quotas increase total --for {total.workload} --to "
        f"{format_quota_value(total.target_value)} --region {total.region}"
    )
    return f"{short}, and refuses as well. Raise it too: {command}"


def _console_text(increase: Increase, why: str) -> str:
    """The text for the console's form, which works for accounts without a support plan."""
    lines = (
        f"For the console's form (Create case > Service limit increase > SageMaker): {case_form_url(increase.region)}",
        f"  Region: {increase.region}",
        f"  Resource type: SageMaker {increase.target.workload}",
        f"  Limit: {increase.quota_name}",
        f"  New limit value: {format_quota_value(increase.target.value)}",
        f"  Use case: {why or 'say in a sentence or two what will run, and for how long'}",
        f"The quota itself: {quota_page_url(increase.region, increase.quota_code)}",
    )
    return "\n".join(lines)


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
            code, hint = "timeout", "It may still come: run the same command again."
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
        yield _RESUME


_RESUME = "Submit queued increases, by hand or from cron: opskit quotas increase --resume"

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

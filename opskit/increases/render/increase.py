"""The result of ``quotas increase`` for people and programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from opskit.aws.partitions import case_form_url, quota_page_url
from opskit.core.exceptions import EXIT_SEVERITY, ExitCode
from opskit.core.model import Unknown, is_not_offered, known_quota
from opskit.core.workloads import WORKLOADS
from opskit.increases.flows.plan import BlockingTotal
from opskit.increases.rules.channel import Channel
from opskit.increases.rules.increase import Increase, IncreaseOutcome
from opskit.output.result import Cell, Column, CommandResult, Style, Table
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

RESUME_HINT = "Submit queued increases, by hand or from cron: opskit quotas increase --resume"


def increase_result(
    increases: Sequence[Increase], totals: Sequence[BlockingTotal] = (), why: str = ""
) -> CommandResult:
    """The result of ``quotas increase``: planned with --dry-run, done otherwise. In the record of a total, ``value`` is
    null where ``unknown_because`` says why nobody knows it.
    """
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
        data={
            "requests": [_increase_record(increase, why) for increase in increases],
            "blocking_totals": [_blocking_total_record(total) for total in totals],
        },
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
        yield RESUME_HINT
    if any(increase.outcome_unknown for increase in increases):
        yield "Unknown outcomes may have been filed. Run the same command again: it checks before it sends anything."
    elif any(increase.outcome.is_unknown and increase.channel.submission_type.is_sent for increase in increases):
        yield "Nothing was sent for unknown outcomes. Run the same command again."
    for total in totals:
        yield _blocking_total_note(total)


def _blocking_total_record(total: BlockingTotal) -> dict[str, Any]:
    value = total.value
    return {
        "region": total.region,
        "quota_name": total.quota_name,
        "usage": total.workload.value,
        "per_job": total.per_job,
        "value": None if isinstance(value, Unknown) else int_if_whole(value),
        "wanted": int_if_whole(total.target_value),
        "unknown_because": value.reason if isinstance(value, Unknown) else None,
    }


def _blocking_total_note(total: BlockingTotal) -> str:
    if isinstance(total.value, Unknown):
        wanted = format_quota_value(total.target_value)
        return f"Whether {total.quota_name} in {total.region} allows {wanted} could not be read: {total.value.reason}"
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

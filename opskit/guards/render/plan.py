"""The result of ``opskit guard --from`` for people, programs and pull requests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from opskit.core.exceptions import EXIT_SEVERITY, ExitCode, Problem
from opskit.core.json_text import ascii_json
from opskit.guards.flows.plan_check import PlanCheck, need_usd_per_hour
from opskit.guards.rules.call_budget import CallPolicy
from opskit.guards.rules.call_verdict import limit_hint, limit_text
from opskit.guards.rules.refusals import worst_verdict
from opskit.guards.rules.request_model import InstanceNeed, UnknownNeed
from opskit.output.result import Cell, Column, CommandResult, Style, Table
from opskit.quotas.render.check import quota_check_result
from opskit.quotas.rules.headroom import increase_commands, is_refusal, wait_commands
from opskit.quotas.rules.model import Verdict

_MONTH_HOURS = 30 * 24
_CENT_SHARE = Decimal("0.0001")


def plan_result(found: PlanCheck, home: str | None) -> CommandResult:
    """What a plan needs, where that stands in the file, what it costs, and what the file does not settle."""
    check = quota_check_result(found.check, home)
    needs, unknowns = found.needs.needs, found.needs.unknowns
    data = {
        "plan": found.kind.value,
        "verdict": _plan_verdict(found),
        "needs": [_need_record(found, need) for need in needs],
        "limits": [
            {"quota_name": limit.quota_name, "value": limit.value, "source": limit.source, "shared": limit.shared}
            for limit in found.needs.limits
        ],
        "unknown": [{"source": unknown.source, "reason": unknown.reason} for unknown in unknowns],
        **check.data,
        "hours": found.policy.hours,
        "estimate_usd": found.cost.total_usd(found.policy.hours) if found.is_cost_known else None,
        "usd_per_hour": found.cost.hourly_usd if found.is_cost_known else None,
        "usd_per_30_days": found.cost.hourly_usd * _MONTH_HOURS if found.is_cost_known else None,
    }
    tables = [_needs_table(found, needs)] if needs else []
    tables += [_unknown_table(unknowns)] if unknowns else []
    tables += check.tables if needs else []
    return replace(
        check,
        data=data,
        exit=found.exit_code,
        problems=(*_plan_problems(found), *check.problems),
        tables=tuple(tables),
        notes=(f"Verdict: {_plan_verdict(found)}.", *_plan_notes(found), *check.notes),
        records="needs",
    )


def hook_result(found: Sequence[PlanCheck], policy: CallPolicy) -> CommandResult:
    """What was found about the commands of a coding agent; what keeps them from running are problems, which the agent
    is told.
    """
    problems = tuple(problem for check in found for problem in _hook_problems(check))
    exit = max((check.exit_code for check in found), key=EXIT_SEVERITY.__getitem__, default=ExitCode.OK)
    if exit is ExitCode.PARTIAL and not policy.on_unknown.refuses:
        exit = ExitCode.OK
    return CommandResult({"commands": [plan_result(check, None).data for check in found]}, exit, problems)


def agent_answer(result: CommandResult) -> CommandResult:
    """The answer for an agent that parses it: an object without a decision leaves it to the agent's own rules."""
    if result.exit.is_ok:
        return replace(result, notes=("{}",), problems=())
    reasons = " ".join(f"{each.message} {each.hint}".strip() for each in result.problems)
    told = f"opskit does not let this command start: {reasons}"
    # Cursor gives the agent the user's message, and names another one for it.
    answer = {"permission": "deny", "user_message": told, "agent_message": told}
    return replace(result, exit=ExitCode.OK, notes=(ascii_json(answer),), problems=())


def _hook_problems(found: PlanCheck) -> Iterator[Problem]:
    for headroom in found.check.headrooms:
        if is_refusal(headroom) or headroom.verdict.is_unknown:
            text = f"{headroom.quota_name}: {headroom.reason.rstrip('.')} (needed: {headroom.requirement.count})."
            commands = [*increase_commands([headroom]), *wait_commands([headroom])]
            hint = f"For a person to decide: {'; '.join(commands)}" if commands else ""
            yield Problem("no-room" if is_refusal(headroom) else "quota-unknown", text, hint, headroom.region)
    for unknown in found.needs.unknowns:
        yield Problem("not-known", f"{unknown.source}: {unknown.reason}.")
    yield from _plan_problems(found)


def _plan_verdict(found: PlanCheck) -> str:
    verdict = worst_verdict(found.check)
    if verdict.is_no:
        return verdict.value
    if found.limits:
        return Verdict.SHORT.value
    if found.over_budget:
        return "over-budget"
    unknown = verdict.is_unknown or found.needs.unknowns or found.unpriced
    return Verdict.UNKNOWN.value if unknown else verdict.value


def _need_record(found: PlanCheck, need: InstanceNeed) -> dict[str, Any]:
    price = need_usd_per_hour(found, need)
    return {
        "instance_type": need.instance_type,
        "usage": need.workload.value,
        "count": need.count,
        "source": need.source,
        "seconds": need.seconds,
        "billed_count": need.billed_count,
        "usd_per_hour": price and price.usd_per_hour,
        "one_of": need.choice or None,
        "certain": need.certain,
    }


def _needs_table(found: PlanCheck, needs: tuple[InstanceNeed, ...]) -> Table:
    columns = (
        Column("source", wrap=True, key=True),
        Column("instance type", key=True),
        Column("usage", key=True),
        Column("count", right=True),
        Column("at most", right=True),
        Column("USD/hour", right=True),
    )
    rows = [_need_row(found, need) for need in needs]
    return Table(columns, rows, title="What the plan starts")


def _need_row(found: PlanCheck, need: InstanceNeed) -> tuple[Cell, ...]:
    price = need_usd_per_hour(found, need)
    hourly = "?" if price is None else f"{(price.usd_per_hour * need.hourly_count).normalize():f}"
    ends = "no end" if need.seconds is None else f"{need.seconds} s"
    source = (need.source or "the request") if need.certain else f"{need.source} (not certain)"
    texts = (source, need.instance_type, need.workload.value, str(need.count), ends, hourly)
    return tuple(Cell(text) for text in texts)


def _unknown_table(unknowns: tuple[UnknownNeed, ...]) -> Table:
    columns = (Column("source", wrap=True, key=True), Column("not known", wrap=True))
    rows = [(Cell(each.source), Cell(each.reason, Style.WARN)) for each in unknowns]
    return Table(columns, rows, title="What the file does not settle")


def _plan_problems(found: PlanCheck) -> Iterator[Problem]:
    for limit, quota in found.limits:
        yield Problem("above-limit", f"{limit_text(limit, quota)}.", limit_hint(limit, quota))
    for reason in found.over_budget:
        yield Problem("over-budget", f"The plan is over budget: {reason}.", "Take fewer or smaller instances.")
    for reason in found.unpriced:
        text = f"Cannot tell whether the plan stays within the budget: {reason}."
        yield Problem("price-unknown", text, "Leave out --max-usd to check the quotas alone.")


def _plan_notes(found: PlanCheck) -> Iterator[str]:
    if found.needs.is_free:
        yield "The plan starts nothing that quotas of instances limit or that is billed by the hour."
    what = "Of what is known, what" if found.needs.unknowns else "What"
    if found.cost.hourly_usd and not found.cost.unpriced:
        month = (found.cost.hourly_usd * _MONTH_HOURS).normalize()
        yield f"{what} has no end costs {found.cost.hourly_usd.normalize():f} USD an hour, {month:f} USD in 30 days."
    if found.cost.bounded_usd and not found.cost.unpriced:
        yield f"{what} ends by itself costs at most {found.cost.bounded_usd.quantize(_CENT_SHARE).normalize():f} USD."
    yield from (f"Not in the total: {reason}." for reason in found.cost.unpriced)
    yield from (f"{note.rstrip('.')}." for note in found.needs.notes)

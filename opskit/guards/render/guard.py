"""The result of ``opskit guard`` for people and programs."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from opskit.core.cost import estimate_usd
from opskit.guards.flows.conditions import GuardConditions, GuardResult
from opskit.guards.rules.refusals import worst_exit, worst_verdict
from opskit.output.cost import cost_lines
from opskit.output.result import CommandResult
from opskit.quotas.render.check import headroom_record, quota_check_result
from opskit.quotas.rules.headroom import QuotaCheck


def guard_result(done: GuardResult, conditions: GuardConditions, program: str, home: str | None) -> CommandResult:
    """The result if ``program`` does not run: what blocks it, or that nothing does. Its arguments are left out, as they
    may hold a secret.
    """
    check = quota_check_result(done.check, home)
    data = {
        "program": program,
        "ran": False,
        "verdict": worst_verdict(done.check).value,
        **check.data,
        "hours": None if conditions.seconds is None else Decimal(conditions.seconds) / 3600,
        "estimate_usd": estimate_usd(done.parts) if done.parts else None,
    }
    problems = (*(error.problem for error in done.blockers), *done.check.problems)
    exit, notes = worst_exit(done.blockers), (*check.notes, *cost_lines(done.parts))
    return replace(check, data=data, exit=exit, problems=problems, notes=notes)


def approval_message(done: GuardResult, conditions: GuardConditions, program: str) -> str:
    """The message before ``program`` runs."""
    wanted = ", ".join(
        f"{requirement.count} x {requirement.instance_type} ({requirement.workload})"
        for requirement in conditions.requirements
    )
    return "\n".join([f"There is room for {wanted}: running {program}.", *cost_lines(done.parts)])


def guard_record(check: QuotaCheck | None, skipped_because: str) -> dict[str, Any]:
    """The quotas as a guard read them; ``skipped`` if it did not check, for this reason."""
    if check is None:
        return {"verdict": "skipped", "quotas": [], "skipped_because": skipped_because}
    return {
        "verdict": worst_verdict(check).value,
        "quotas": [headroom_record(headroom) for headroom in check.headrooms],
        "skipped_because": None,
    }


def why_skipped(*, guard: bool, exists: bool) -> str:
    """Why there was no look at the quotas: where ``exists``, nothing is made; without ``guard`` nobody wanted one."""
    if exists:
        return "exists"
    return "not-reached" if guard else "no-guard"

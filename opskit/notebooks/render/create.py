"""A notebook that is made, for people and programs: the plan, its price, its role, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, assert_never

from opskit.core.aws_statuses import NotebookStatus
from opskit.core.exceptions import ExitCode
from opskit.core.model import Price, Unknown
from opskit.core.owners import made_for_record, made_for_text, shared_owner_text
from opskit.guards.render.guard import guard_record, why_skipped
from opskit.guards.rules.refusals import worst_exit
from opskit.notebooks.flows.create import CreateOutcome, CreatePlan, CreateResult
from opskit.notebooks.rules.role import describe_permissions, notebook_role_policy
from opskit.output.result import CommandResult


def create_result(done: CreateResult) -> CommandResult:
    """The answer of ``notebook create``."""
    data = {
        "notebooks": [_create_record(done)],
        "role": _role_record(done.plan),
        "guard": guard_record(
            done.plan.check, why_skipped(guard=done.plan.spec.guard, exists=done.plan.existing is not None)
        ),
    }
    problems = tuple(error.problem for error in done.errors)
    return CommandResult(data, _create_exit(done), problems, notes=tuple(_create_notes(done)), records="notebooks")


def _create_exit(done: CreateResult) -> ExitCode:
    match done.outcome:
        case CreateOutcome.UNKNOWN:
            return ExitCode.PARTIAL
        case CreateOutcome.PLANNED | CreateOutcome.CREATED | CreateOutcome.EXISTS | CreateOutcome.REFUSED:
            return worst_exit(done.errors)


def describe_rights(plan: CreatePlan) -> str:
    """What is to be agreed to: the role that would be made, and what it may do."""
    assert plan.role is not None
    verb = "make" if plan.role.creates else "complete"
    lines = [f"This would {verb} the role {plan.role.arn}, which SageMaker may assume. It may:"]
    lines += [f"  - {right}" for right in describe_permissions(plan.account)]
    if plan.spec.role_boundary and plan.role.creates:
        lines.append(f"Its permissions boundary: {plan.spec.role_boundary}.")
    return "\n".join(lines)


def _create_record(done: CreateResult) -> dict[str, Any]:
    spec, seen = done.plan.spec, done.notebook
    return {
        "region": done.plan.region,
        "name": spec.name,
        "instance_type": seen.instance_type if seen else spec.instance_type,
        "status": seen and seen.status,
        "arn": seen and seen.arn,
        "usd_per_hour": done.plan.price.usd_per_hour if isinstance(done.plan.price, Price) else None,
        "outcome": done.outcome.value,
        "role": done.plan.role and done.plan.role.arn,
        "volume_gb": spec.volume_gb,
        "git": spec.git,
        "tags": dict(spec.tags),
        "owner": made_for_record(done.plan.owner),
        "existing_owner_unknown_because": done.plan.existing_tags_gap and done.plan.existing_tags_gap.reason,
    }


def _role_record(plan: CreatePlan) -> dict[str, Any] | None:
    if plan.role is None:
        return None
    rights = notebook_role_policy(plan.account, plan.role.arn.split(":")[1]) if plan.role.needs_consent else None
    return {"arn": plan.role.arn, "made_by_opskit": plan.role.creates, "policy": rights}


def _create_notes(done: CreateResult) -> Iterator[str]:
    plan, seen = done.plan, done.notebook
    match done.outcome:
        case CreateOutcome.PLANNED:
            yield from _planned_notes(plan)
            if plan.owner.is_shared:
                yield shared_owner_text(plan.owner)
        case CreateOutcome.CREATED:
            status = seen.status if seen else NotebookStatus.PENDING.value
            yield f"{plan.spec.name} is made ({plan.spec.instance_type}, {status})."
            yield _price_text(plan)
            yield from _next_step_notes(plan.spec.name, status)
            if plan.owner.is_shared:
                yield shared_owner_text(plan.owner)
        case CreateOutcome.EXISTS:
            assert seen is not None
            yield f"{seen.name} exists already ({seen.instance_type}, {seen.status}); nothing was created."
            if plan.existing_tags_gap is not None:
                yield f"Whose it is is not known: its tags could not be read: {plan.existing_tags_gap.reason}"
            yield from _next_step_notes(seen.name, seen.status)
        case CreateOutcome.REFUSED | CreateOutcome.UNKNOWN:
            return
        case _:
            assert_never(done.outcome)


def _planned_notes(plan: CreatePlan) -> Iterator[str]:
    spec = plan.spec
    clone = f", with {spec.git} cloned" if spec.git else ""
    yield f"Would make {spec.name} in {plan.region}: {spec.instance_type}, {spec.volume_gb} GB{clone}."
    yield _price_text(plan)
    if plan.role:
        yield describe_rights(plan) if plan.role.needs_consent else f"Role: {plan.role.arn}."
    yield f"{made_for_text(plan.owner)} Nothing was changed."


def _price_text(plan: CreatePlan) -> str:
    match plan.price:
        case Price(usd, source):
            return f"It costs {usd} USD per hour until it is stopped ({source})."
        case Unknown(reason):
            return f"The price is unknown: {reason}."


def _next_step_notes(name: str, status: str) -> Iterator[str]:
    traits = NotebookStatus(status).traits
    if traits.is_in_service:
        yield f"Open it: opskit notebook open {name}"
    if traits.comes_up:
        yield f"When it is in service: opskit notebook open {name}"
    if traits.can_start:
        yield f"Start it: opskit notebook start {name}"

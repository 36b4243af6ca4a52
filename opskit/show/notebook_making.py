"""A notebook that is made, for people and programs: the plan, its price, its role, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, assert_never

from opskit.decide.guard import worst_exit
from opskit.decide.notebook_role import in_words, policy
from opskit.errors import ExitCode
from opskit.flows.create_notebook import CreateOutcome, CreatePlan, Creation
from opskit.model import Price, Unread
from opskit.show.answer import Answer
from opskit.show.train import guard_record


def creation(done: Creation) -> Answer:
    """The answer of ``notebook create``."""
    code = ExitCode.PARTLY if done.outcome is CreateOutcome.UNKNOWN else worst_exit(done.errors)
    data = {
        "notebooks": [_record(done)],
        "role": _role(done.plan),
        "guard": guard_record(done.plan.check),
    }
    problems = tuple(error.problem for error in done.errors)
    return Answer(data, code, problems, notes=tuple(_notes(done)), records="notebooks")


def rights_in_words(plan: CreatePlan) -> str:
    """What is to be agreed to: the role that would be made, and what it may do."""
    assert plan.role is not None
    verb = "make" if plan.role.makes else "complete"
    lines = [f"This would {verb} the role {plan.role.arn}, which SageMaker may assume. It may:"]
    return "\n".join([*lines, *(f"  - {right}" for right in in_words(plan.account))])


def _record(done: Creation) -> dict[str, Any]:
    wish, seen = done.plan.wish, done.notebook
    return {
        "region": done.plan.region,
        "name": wish.name,
        "instance_type": seen.instance_type if seen else wish.instance_type,
        "status": seen and seen.status,
        "arn": seen and seen.arn,
        "usd_per_hour": done.plan.price.usd_per_hour if isinstance(done.plan.price, Price) else None,
        "outcome": done.outcome.value,
        "role": done.plan.role and done.plan.role.arn,
        "volume_gb": wish.volume_gb,
        "git": wish.git,
        "tags": dict(wish.tags),
    }


def _role(plan: CreatePlan) -> dict[str, Any] | None:
    if plan.role is None:
        return None
    rights = policy(plan.account, plan.role.arn.split(":")[1]) if plan.role.needs_consent else None
    return {"arn": plan.role.arn, "made_by_opskit": plan.role.makes, "policy": rights}


def _notes(done: Creation) -> Iterator[str]:
    plan, seen = done.plan, done.notebook
    match done.outcome:
        case CreateOutcome.PLANNED:
            yield from _planned(plan)
        case CreateOutcome.CREATED:
            status = seen.status if seen else "Pending"
            yield f"{plan.wish.name} is made ({plan.wish.instance_type}, {status})."
            yield _price(plan)
            yield from _next(plan.wish.name, status)
        case CreateOutcome.EXISTS:
            assert seen is not None
            yield f"{seen.name} is there already ({seen.instance_type}, {seen.status}); nothing was made."
            yield from _next(seen.name, seen.status)
        case CreateOutcome.REFUSED | CreateOutcome.UNKNOWN:
            return
        case _:
            assert_never(done.outcome)


def _planned(plan: CreatePlan) -> Iterator[str]:
    wish = plan.wish
    clone = f", with {wish.git} cloned" if wish.git else ""
    yield f"Would make {wish.name} in {plan.region}: {wish.instance_type}, {wish.volume_gb} GB{clone}."
    yield _price(plan)
    if plan.role:
        yield rights_in_words(plan) if plan.role.needs_consent else f"Role: {plan.role.arn}."
    yield "Nothing was changed."


def _price(plan: CreatePlan) -> str:
    match plan.price:
        case Price(usd, source):
            return f"It costs {usd} USD per hour until it is stopped ({source})."
        case Unread(because):
            return f"What it costs is not known: {because}."


def _next(name: str, status: str) -> Iterator[str]:
    match status:
        case "InService":
            yield f"Open it: opskit notebook open {name}"
        case "Pending":
            yield f"When it is in service: opskit notebook open {name}"
        case "Stopped" | "Failed":
            yield f"Start it: opskit notebook start {name}"

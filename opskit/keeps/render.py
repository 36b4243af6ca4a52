"""What is kept from being stopped, for people and programs: how, and how it was before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opskit.core.exceptions import ExitCode, OpskitError, OutcomeUnknown
from opskit.core.model import Unknown
from opskit.guards.rules.refusals import worst_exit
from opskit.keeps.flows import EndedKeep, KeepPlan, KeptResource, ResourceT
from opskit.keeps.rules import CurrentKeep
from opskit.output.result import CommandResult


def confirm_shortening_text(plan: KeepPlan[ResourceT]) -> str:
    """What somebody has to agree to before a keep takes the place of a longer one."""
    name, new = plan.resource.name, _kept_until_text(plan)
    if isinstance(plan.current, CurrentKeep):
        return f"{name} is {plan.current.why_kept}. This would replace that, and protect it {new} only."
    why = plan.current.reason if isinstance(plan.current, Unknown) else ""
    return f"Whether {name} is kept already cannot be read ({why}). This would replace that, and keep it {new}."


def keep_result(plan: KeepPlan[ResourceT], *, dry_run: bool = False) -> CommandResult:
    """The answer of ``keep`` to one name."""
    return CommandResult(_keep_record(plan, "planned" if dry_run else "done"), notes=_keep_notes(plan, dry_run=dry_run))


def keep_all_result(
    plans: Sequence[KeepPlan[ResourceT]], errors: Sequence[OpskitError | None] = (), *, dry_run: bool = False
) -> CommandResult:
    """The answer of ``keep`` to several. Without ``errors`` nothing went wrong."""
    ended = list(zip(plans, errors or [None] * len(plans), strict=True))
    records = [_keep_record(plan, "planned" if dry_run else _keep_outcome(error)) for plan, error in ended]
    failed = [error for error in errors if error]
    code = worst_exit(failed)
    name = plans[0].kind.records
    return CommandResult(
        {name: records},
        ExitCode.PARTIAL if 0 < len(failed) < len(plans) and not code.is_refusal else code,
        tuple(error.problem for error in failed),
        notes=tuple(note for plan, error in ended if not error for note in _keep_notes(plan, dry_run=dry_run)),
        records=name,
    )


def _keep_outcome(error: OpskitError | None) -> str:
    if error is None:
        return "done"
    return "unknown" if isinstance(error, OutcomeUnknown) else "refused"


def _place_record(resource: KeptResource) -> dict[str, Any]:
    return {"account": resource.account, "region": resource.region, "name": resource.name}


def _keep_record(plan: KeepPlan[ResourceT], outcome: str) -> dict[str, Any]:
    kept = {"kept_until": plan.keep.until, "tags": plan.keep.tags, "outcome": outcome}
    return {**_place_record(plan.resource), **kept, **_replaced_records(plan.current)}


def _keep_notes(plan: KeepPlan[ResourceT], *, dry_run: bool) -> tuple[str, ...]:
    verb = "would be kept" if dry_run else "is kept"
    said = f"{plan.resource.name} {verb} {_kept_until_text(plan)}."
    return (said, *_replaced_keep_notes(plan.current, dry_run))


def unkeep_result(ended: EndedKeep[ResourceT]) -> CommandResult:
    """The answer of ``unkeep``."""
    name = ended.resource.name
    done = f"{name} would no longer be protected." if ended.is_dry else f"{name} is no longer protected."
    text = done if ended.removed else f"{name} was not protected; nothing was changed."
    data = {
        **_place_record(ended.resource),
        "removed": list(ended.removed),
        "outcome": "planned" if ended.is_dry else "done",
        **_replaced_records(ended.previous),
    }
    return CommandResult(data, notes=(text, *_replaced_keep_notes(ended.previous, ended.is_dry)))


def _kept_until_text(plan: KeepPlan[ResourceT]) -> str:
    if plan.keep.until is None:
        return f"until `{plan.kind.command} unkeep {plan.resource.name}`"
    return f"until {plan.keep.until:%Y-%m-%d %H:%M} UTC"


def _replaced_records(current: CurrentKeep | Unknown | None) -> dict[str, Any]:
    """How a resource was kept before; ``replaced`` null: not, or ``replaced_unknown_because`` says why nobody knows."""
    unread = current.reason if isinstance(current, Unknown) else None
    return {
        "replaced": _current_keep_record(current) if isinstance(current, CurrentKeep) else None,
        "replaced_unknown_because": unread,
    }


def _current_keep_record(current: CurrentKeep) -> dict[str, Any]:
    """``kept_until`` null: without end, or ``kept_until_unknown_because`` says why nobody can read it."""
    until = current.until
    return {
        "kept_until": None if isinstance(until, Unknown) else until,
        "kept_until_unknown_because": until.reason if isinstance(until, Unknown) else None,
        "reason": current.reason or None,
        "tags": current.tags,
    }


def _replaced_keep_notes(current: CurrentKeep | Unknown | None, dry_run: bool) -> tuple[str, ...]:
    match current:
        case CurrentKeep(why_kept=reason):
            return (f"Now it is {reason}." if dry_run else f"Before that it was {reason}.",)
        case Unknown(reason=reason):
            return (f"Whether it was kept before could not be read: {reason}",)
        case None:
            return ()

"""Notebooks that are kept from being stopped, for people and programs: how, and how they were before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opskit.core.exceptions import ExitCode, OpskitError, OutcomeUnknown
from opskit.core.model import Notebook, Unknown
from opskit.guards.rules.refusals import worst_exit
from opskit.notebooks.flows.keep import KeepPlan
from opskit.notebooks.rules.keep import KeepTags, StandingKeep
from opskit.output.result import CommandResult


def confirm_shortening_text(plan: KeepPlan) -> str:
    """What somebody has to agree to before a keep takes the place of a longer one."""
    name, new = plan.notebook.name, _kept_until_text(plan.keep, plan.notebook.name)
    if isinstance(plan.standing, StandingKeep):
        return f"{name} is {plan.standing.why_kept}. This would replace that, and protect it {new} only."
    why = plan.standing.reason if isinstance(plan.standing, Unknown) else ""
    return f"Whether {name} is kept already cannot be read ({why}). This would replace that, and keep it {new}."


def keep_result(plan: KeepPlan, *, dry_run: bool = False) -> CommandResult:
    """The answer of ``notebook keep`` to one name."""
    return CommandResult(_keep_record(plan, "planned" if dry_run else "done"), notes=_keep_notes(plan, dry_run=dry_run))


def keep_all_result(
    plans: Sequence[KeepPlan], errors: Sequence[OpskitError | None] = (), *, dry_run: bool = False
) -> CommandResult:
    """The answer of ``notebook keep`` to several. Without ``errors`` nothing went wrong."""
    ended = list(zip(plans, errors or [None] * len(plans), strict=True))
    records = [_keep_record(plan, "planned" if dry_run else _keep_outcome(error)) for plan, error in ended]
    failed = [error for error in errors if error]
    code = worst_exit(failed)
    return CommandResult(
        {"notebooks": records},
        ExitCode.PARTIAL if 0 < len(failed) < len(plans) and not code.is_refusal else code,
        tuple(error.problem for error in failed),
        notes=tuple(note for plan, error in ended if not error for note in _keep_notes(plan, dry_run=dry_run)),
        records="notebooks",
    )


def _keep_outcome(error: OpskitError | None) -> str:
    if error is None:
        return "done"
    return "unknown" if isinstance(error, OutcomeUnknown) else "refused"


def _keep_record(plan: KeepPlan, outcome: str) -> dict[str, Any]:
    notebook, keep = plan.notebook, plan.keep
    place = {"account": notebook.account, "region": notebook.region, "name": notebook.name}
    kept = {"kept_until": keep.until, "tags": keep.tags, "outcome": outcome}
    return {**place, **kept, "replaced": _standing_keep_record(plan.standing)}


def _keep_notes(plan: KeepPlan, *, dry_run: bool) -> tuple[str, ...]:
    name, verb = plan.notebook.name, "would be kept" if dry_run else "is kept"
    said = f"{name} {verb} {_kept_until_text(plan.keep, name)}."
    return (said, *_replaced_keep_notes(plan.standing, dry_run))


def unkeep_result(
    notebook: Notebook, removed: Sequence[str], standing: StandingKeep | Unknown | None, *, dry_run: bool = False
) -> CommandResult:
    """The answer of ``notebook unkeep``."""
    ended = f"{notebook.name} would no longer be protected." if dry_run else f"{notebook.name} is no longer protected."
    text = ended if removed else f"{notebook.name} was not protected; nothing was changed."
    place = {"account": notebook.account, "region": notebook.region, "name": notebook.name}
    data = {**place, "removed": list(removed), "outcome": "planned" if dry_run else "done"}
    return CommandResult(
        {**data, "replaced": _standing_keep_record(standing)}, notes=(text, *_replaced_keep_notes(standing, dry_run))
    )


def _kept_until_text(keep: KeepTags, name: str) -> str:
    return f"until {keep.until:%Y-%m-%d %H:%M} UTC" if keep.until else f"until `opskit notebook unkeep {name}`"


def _standing_keep_record(standing: StandingKeep | Unknown | None) -> dict[str, Any] | None:
    """How a notebook was kept before; null: not, or it could not be read."""
    if not isinstance(standing, StandingKeep):
        return None
    return {"kept_until": standing.until, "reason": standing.reason or None, "tags": standing.tags}


def _replaced_keep_notes(standing: StandingKeep | Unknown | None, dry_run: bool) -> tuple[str, ...]:
    match standing:
        case StandingKeep(why_kept=reason):
            return (f"Now it is {reason}." if dry_run else f"Before that it was {reason}.",)
        case Unknown(reason=reason):
            return (f"Whether it was kept before could not be read: {reason}",)
        case None:
            return ()

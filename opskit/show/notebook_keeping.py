"""Notebooks that are kept from being stopped, for people and programs: how, and how they were before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opskit.decide.keeping import Keep, StandingKeep
from opskit.flows.keep_notebook import KeepPlan
from opskit.model import Notebook, Unread
from opskit.show.answer import Answer


def shortening(plan: KeepPlan) -> str:
    """What somebody has to agree to before a keep takes the place of a longer one."""
    name, new = plan.notebook.name, _until(plan.keep, plan.notebook.name)
    if isinstance(plan.standing, StandingKeep):
        return f"{name} is {plan.standing.because}. This would replace that, and keep it {new} only."
    why = plan.standing.because if isinstance(plan.standing, Unread) else ""
    return f"Whether {name} is kept already cannot be read ({why}). This would replace that, and keep it {new}."


def kept(plan: KeepPlan) -> Answer:
    """The answer of ``notebook keep``."""
    notebook, keep = plan.notebook, plan.keep
    data = {"region": notebook.region, "name": notebook.name, "kept_until": keep.until, "tags": keep.tags}
    said = f"{notebook.name} is kept {_until(keep, notebook.name)}."
    return Answer({**data, "replaced": _record(plan.standing)}, notes=(said, *_before(plan.standing)))


def unkept(notebook: Notebook, removed: Sequence[str], standing: StandingKeep | Unread | None) -> Answer:
    """The answer of ``notebook unkeep``."""
    text = f"{notebook.name} is no longer kept." if removed else f"{notebook.name} was not kept; nothing was changed."
    data = {"region": notebook.region, "name": notebook.name, "removed": list(removed)}
    return Answer({**data, "replaced": _record(standing)}, notes=(text, *_before(standing)))


def _until(keep: Keep, name: str) -> str:
    return f"until {keep.until:%Y-%m-%d %H:%M} UTC" if keep.until else f"until `opskit notebook unkeep {name}`"


def _record(standing: StandingKeep | Unread | None) -> dict[str, Any] | None:
    """How a notebook was kept before; null: not, or it could not be read."""
    if not isinstance(standing, StandingKeep):
        return None
    return {"kept_until": standing.until, "reason": standing.reason or None, "tags": standing.tags}


def _before(standing: StandingKeep | Unread | None) -> tuple[str, ...]:
    match standing:
        case StandingKeep(because=because):
            return (f"Before that it was {because}.",)
        case Unread(because=because):
            return (f"Whether it was kept before could not be read: {because}",)
        case None:
            return ()
